"""How long the commands take on a ledger of many companies.

python bench/ledger.py [--companies 100000] [--keep FOLDER]      some minutes

The companies are made of the clauses of labeled/: real Chinese, invented mixtures. Every third has had a financing
event, every hundredth is under dispute, read by two. Every command runs in a process of its own, as a person starts it;
the second run of `track` is given the same file again. Commands that only read are run three times, the median counts.
"""

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from classifier.disputes import assign, open_case, review
from classifier.domains import load_scheme
from classifier.labels import read_examples
from classifier.ledger import Ledger
from classifier.resources import labeled_folder
from classifier.tables import align

READINGS = 3


def write_companies(path, numbers, clauses, chance):
    """Write a list of companies whose descriptions are mixtures of clauses."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["公司名称", "名称", "地址", "简介"])
        for number in numbers:
            text = "，".join(chance.sample(clauses, 5)) + "。"
            writer.writerow([f"杭州甲{number}乙科技有限公司", f"甲{number}乙", "杭州市西湖区文三路1号", text])


def write_events(path, numbers, chance):
    """Write a financing event of each company, in one of two years."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["融资方", "融资时间", "轮次", "金额"])
        for number in numbers:
            day = f"{chance.choice([2019, 2020])}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            amount = chance.choice(["未披露", "数千万人民币", "1000万人民币", "500万美元"])
            writer.writerow([f"甲{number}乙", day, chance.choice(["天使轮", "A轮", "B轮", "战略投资"]), amount])


def make_disputes(path, every):
    """Dispute some companies, with two reviews of every second dispute; those differ, so that it stays open."""
    scheme, said = load_scheme(), {"reason": "所述产品"}
    with Ledger.open(path) as book, book.atomic():
        predictions = book.current_predictions()
        for number, (company_id, prediction) in enumerate(list(predictions.items())[::every]):
            claimed, other = [code for code in scheme.codes if code != prediction.domain][:2]
            case = open_case(book, scheme, company_id, claimed, person="张三", **said)
            if number % 2:
                dispute = case.dispute.dispute_id
                assign(book, dispute, ["李雷", "韩梅梅"], person="编辑部")
                review(book, scheme, dispute, "李雷", claimed, **said)
                review(book, scheme, dispute, "韩梅梅", other, **said)


def run(*arguments, codes=(0,)):
    """Run gonglian and return how long it took, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "cli", *map(str, arguments)], capture_output=True, text=True)
    elapsed = time.perf_counter() - start
    if done.returncode not in codes:
        raise SystemExit(f"{arguments}: {done.stderr}")
    return elapsed, done.stdout


def writing(many, new, events, size):
    """Return the commands that fill the ledger."""
    return {
        f"track, {size:,} new companies": ("track", many, "-q"),
        "track 10,000 rows: 5,000 new, 5,000 with another text": ("track", new, "-q"),
        "the same again": ("track", new, "-q"),
        f"track, {size // 3:,} events": ("track", "--events", events, "-q"),
    }


def reading(company):
    """Return the commands that only read."""
    year = ("--year", "2020")
    return {
        "audit queue": ("audit", "queue"),
        "audit queue -n 500 --json": ("audit", "queue", "-n", "500", "--json"),
        "audit show": ("audit", "show", company),
        "audit history": ("audit", "history", company),
        "audit list": ("audit", "list"),
        "audit agreement": ("audit", "agreement"),
        "audit impact": ("audit", "impact", "1", *year, "-q"),
        "audit drift": ("audit", "drift"),
        "ledger head": ("ledger", "head"),
        "ledger verify": ("ledger", "verify"),
        "stats tables": ("stats", "tables", *year, "-q"),
    }


def deciding(book):
    """Return the commands of a dispute on the company that is to be read first."""
    [first] = json.loads(run("audit", "queue", "-n", "1", "--json", "--ledger", book)[1])
    with Ledger.open(book) as opened:
        dispute = str(len(opened.disputes()) + 1)
    claim, other = ("--code", first["runner_up"]), ("--code", first["domain"])
    why = ("--reason", "所述产品")
    return {
        "audit open": ("audit", "open", first["company_id"], "--claim", first["runner_up"], *why, "--person", "张三"),
        "audit assign": ("audit", "assign", dispute, "李雷", "韩梅梅", "--person", "编辑部"),
        "audit review, to read": ("audit", "review", dispute, "--person", "李雷"),
        "audit review, the first answer": ("audit", "review", dispute, "--person", "李雷", *claim, *why),
        "audit review, the second answer": ("audit", "review", dispute, "--person", "韩梅梅", *other, *why),
        "audit assign --arbiter": ("audit", "assign", dispute, "王老师", "--arbiter", "--person", "编辑部"),
        "audit resolve": ("audit", "resolve", dispute, "--person", "王老师", *claim, *why),
    }


def measure(folder, size):
    """Yield the commands with the seconds that each took."""
    chance = random.Random(0)
    texts = (example.text for example in read_examples(labeled_folder() / "corpus"))
    clauses = [clause for text in texts for clause in text.rstrip("。").split("，") if 4 < len(clause) < 40]
    book, many, new, events = (folder / name for name in ("gonglian.db", "many.csv", "new.csv", "events.csv"))
    write_companies(many, range(size), clauses, chance)
    write_companies(new, range(size - 5_000, size + 5_000), clauses, chance)
    write_events(events, range(0, size, 3), chance)
    on = ("--ledger", book)
    for name, arguments in writing(many, new, events, size).items():
        yield name, run(*arguments, *on)[0]
    make_disputes(book, 100)
    for name, arguments in reading(f"甲{size // 2}乙").items():
        codes = (0, 3) if name == "audit drift" else (0,)  # 3: such invented companies are not to be accepted
        yield name, statistics.median(run(*arguments, *on, codes=codes)[0] for _ in range(READINGS))
    for name, arguments in deciding(book).items():
        yield name, run(*arguments, *on)[0]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--companies", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, default=None, help="A folder for the ledger, which stays there.")
    options = parser.parse_args()
    rows = [["command", "seconds"]]
    with nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as folder:
        for name, seconds in measure(Path(folder), options.companies):
            rows.append([name, f"{seconds:.2f}"])
            print(rows[-1], file=sys.stderr)
    print(align(rows))


if __name__ == "__main__":
    main()
