"""How long the commands take on a ledger of many companies.

python bench/ledger.py [--companies 100000]      some minutes

The companies are made of the clauses of labeled/: real Chinese, invented mixtures. Every command runs in a process of
its own, as a person starts it; the second run of `track` is given the same file again.
"""

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from classifier.labels import read_examples
from classifier.resources import labeled_folder
from classifier.tables import align


def write_companies(path, numbers, clauses, chance):
    """Write a list of companies whose descriptions are mixtures of clauses."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["公司名称", "名称", "地址", "简介"])
        for number in numbers:
            text = "，".join(chance.sample(clauses, 5)) + "。"
            writer.writerow([f"杭州甲{number}乙科技有限公司", f"甲{number}乙", "杭州市西湖区文三路1号", text])


def run(*arguments):
    """Run gonglian and return how long it took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "cli", *map(str, arguments)], check=True, capture_output=True)
    return time.perf_counter() - start


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--companies", type=int, default=100_000)
    size = parser.parse_args().companies
    chance = random.Random(0)
    texts = (example.text for example in read_examples(labeled_folder() / "corpus"))
    clauses = [clause for text in texts for clause in text.rstrip("。").split("，") if 4 < len(clause) < 40]
    with tempfile.TemporaryDirectory() as folder:
        book, many, new = (Path(folder) / name for name in ("gonglian.db", "many.csv", "new.csv"))
        write_companies(many, range(size), clauses, chance)
        write_companies(new, range(size - 5_000, size + 5_000), clauses, chance)
        on = ("--ledger", book)
        rows = [["command", "seconds"]]
        for name, arguments in {
            f"track, {size:,} new companies": ("track", many, *on, "-q"),
            "track 10,000 rows: 5,000 new, 5,000 with another text": ("track", new, *on, "-q"),
            "the same again": ("track", new, *on, "-q"),
            "audit show": ("audit", "show", f"甲{size // 2}乙", *on),
            "audit history": ("audit", "history", f"甲{size // 2}乙", *on),
            "audit list": ("audit", "list", *on),
            "ledger verify": ("ledger", "verify", *on),
            "stats tables": ("stats", "tables", *on, "--year", "2020", "-q"),
        }.items():
            rows.append([name, f"{run(*arguments):.2f}"])
            print(rows[-1], file=sys.stderr)
    print(align(rows))


if __name__ == "__main__":
    main()
