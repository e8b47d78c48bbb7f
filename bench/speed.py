"""Speed as ratios, side by side in one run: the usual pipeline, this project in memory, from file to file, cold start.

python bench/speed.py [ROWS]     prints a table; ROWS texts (default 4,000), every one of them different.
"""

import csv
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")  # jieba's, on import

import jieba  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from classifier.labels import read_examples  # noqa: E402
from classifier.resources import labeled_folder  # noqa: E402
from classifier.scoring import load_scorer  # noqa: E402
from classifier.tables import align  # noqa: E402

REPEATS = 3
USUAL_START = (
    "import jieba, joblib, pandas, sklearn.linear_model; jieba.setLogLevel(60); jieba.lcut('工业机器人的研发')"
)


def seconds(function, *arguments):
    """Return the median time of several calls."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def varied_texts(examples, rows):
    """Return texts that no cache flatters: two halves of two descriptions and a number each."""
    chosen = random.Random(0)
    pairs = (chosen.sample(examples, 2) for _ in range(rows))
    return [f"{a.text[: len(a.text) // 2]}{i}{b.text[len(b.text) // 2 :]}" for i, (a, b) in enumerate(pairs)]


def usual_pipeline(examples):
    """Return what most people would write, fitted."""
    jieba.setLogLevel(60)
    jieba.initialize()
    pipeline = make_pipeline(
        TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None), LogisticRegression(C=10, max_iter=2000)
    )
    return pipeline.fit([e.text for e in examples], [e.label for e in examples])


def score_file(source, target, jobs):
    """Score a file with the command line."""
    command = [sys.executable, "cli.py", "score", str(source), "-o", str(target), "-q", "--jobs", str(jobs)]
    subprocess.run(command, check=True, cwd=Path(__file__).parent.parent)


def run(program):
    """Run a program in a fresh interpreter."""
    subprocess.run([sys.executable, "-W", "ignore", *program], check=True, capture_output=True)


def main():
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    examples = read_examples(labeled_folder() / "corpus")
    texts = varied_texts(examples, rows)
    usual = rows / seconds(usual_pipeline(examples).predict_proba, texts)
    scorer = load_scorer()
    results = [("jieba.lcut + TfidfVectorizer + LogisticRegression, in memory", usual)]
    results.append(("probabilities, in memory", rows / seconds(scorer.probabilities, texts)))
    results.append(("labels with reasons, in memory", rows / seconds(scorer.label, texts)))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["简介"], *([text] for text in texts)])
        for jobs in (1, 2):
            target = Path(folder) / "out.csv"
            results.append(
                (f"gonglian score, csv to csv, --jobs {jobs}", rows / seconds(score_file, source, target, jobs))
            )
    mean = statistics.mean(map(len, texts))
    print(f"{rows:,} texts of {mean:.0f} characters on average; median of {REPEATS}")
    print(align([["route", "texts/s", "ratio"], *([n, f"{r:,.0f}", f"{r / usual:.2f}"] for n, r in results)]))
    cold = seconds(run, ["-c", USUAL_START])
    own = seconds(run, [str(Path(__file__).parent.parent / "cli.py"), "classify", "工业机器人的研发"])
    floor = seconds(run, ["-c", "import numpy"])
    starts = [
        ("python -c 'import numpy'", floor),
        ("gonglian classify", own),
        ("import pandas, scikit-learn, jieba; cut", cold),
    ]
    print()
    print(align([["cold start", "seconds", "ratio"], *([n, f"{s:.2f}", f"{s / cold:.2f}"] for n, s in starts)]))


if __name__ == "__main__":
    main()
