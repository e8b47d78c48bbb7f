"""Speed and memory as ratios, measured side by side in one run on this machine; every text is different.

python bench/speed.py [--rows N] [--file-rows N] [--repeats N] [--long]     prints one table; progress goes to stderr

Routes that are compared take turns, and the median of their times counts: what else runs here meets them alike.
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from routes import (
    STAGES,
    plain_pass,
    reference_route,
    rjieba_route,
    spark_route,
    stage_seconds,
    usual_pipeline,
    varied_texts,
    write_csv,
)

from classifier.labels import read_examples
from classifier.resources import labeled_folder
from classifier.scoring import encode_texts, load_scorer
from classifier.tables import align

USUAL_TEXTS, REFERENCE_TEXTS = 4_000, 1_000  # for the slow routes
START_ROWS = 1_000  # of the file whose time counts as start-up
MEMORY_ROWS, LONG_ROWS = (100_000, 1_000_000), 10_000_000
SENTENCE = "工业机器人的研发"
USUAL_START = f"import jieba, joblib, pandas, sklearn.linear_model; jieba.setLogLevel(60); jieba.lcut('{SENTENCE}')"
GONGLIAN = str(Path(sys.executable).with_name("gonglian"))
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
# A process of its own starts what is measured: Linux counts the memory of whoever starts a program as the program's.
LAUNCHER = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Launched(NamedTuple):
    """What a program took."""

    seconds: float
    peak_bytes: int


def launch(*command):
    """Run a program to its end."""
    ran = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *command], check=True, stdout=subprocess.PIPE)
    elapsed, peak = ran.stdout.split()
    return Launched(float(elapsed), int(peak) * PEAK_UNIT)


def score_file(source, target, jobs=1):
    """Score a file with the command line; the output replaces nothing, which would take time of its own."""
    target.unlink(missing_ok=True)
    return launch(GONGLIAN, "score", str(source), "-o", str(target), "--quiet", "--jobs", str(jobs))


def seconds(function, *arguments):
    """Return the time of a call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def medians(routes, repeats):
    """Return the median of what each route says it took; they take turns."""
    rounds = [{name: route() for name, route in routes.items()} for _ in range(repeats)]
    return {name: statistics.median(each[name] for each in rounds) for name in routes}


def note(text):
    """Say what is under way."""
    print(text, file=sys.stderr, flush=True)


def compare_in_memory(examples, texts, scorer, repeats):
    """Return the rows of the routes in memory, and the rate of the usual one."""
    note("fitting the usual pipeline")
    pipeline = usual_pipeline(examples)
    data, ends = encode_texts(texts)
    array = np.frombuffer(data, np.uint8)
    scorer.score(*encode_texts(texts[:START_ROWS]))  # makes or loads machine code
    plain_pass(array[: ends[1]])
    usual = "jieba.lcut + TfidfVectorizer + LogisticRegression: probabilities"
    rjieba = "rjieba (no HMM) + look-up + CSR product, same coefficients: probabilities"
    routes = {
        usual: (texts[:USUAL_TEXTS], pipeline.predict_proba),
        rjieba: (texts, rjieba_route(pipeline) if find_spec("rjieba") else None),
        "gonglian's model in scikit-learn: decisions": (texts[:REFERENCE_TEXTS], reference_route()),
        "gonglian's kernel, one thread: probabilities, labels, reasons": (texts, lambda _: scorer.score(data, ends)),
        "plain pass: decode UTF-8, hash, one thread": (texts, lambda _: plain_pass(array)),
    }
    note("scoring in memory")
    calls = {name: partial(seconds, route, chosen) for name, (chosen, route) in routes.items() if route}
    taken = medians(calls, repeats)
    rates = {name: len(routes[name][0]) / taken[name] for name in taken}
    rows = [
        rate_row(name, len(routes[name][0]), rates[name], rates[usual])
        if name in rates
        else [f"{name}: left out, rjieba is not installed", "", "", ""]
        for name in routes
    ]
    return [["in memory", "texts", "texts/s", "ratio"], *rows], rates[usual]


def rate_row(name, rows, rate, usual):
    return [name, f"{rows:,}", f"{rate:,.0f}", f"{rate / usual:,.2f}"]


def compare_files(folder, source, rows, usual, repeats):
    """Return the rows of the command line, from file to file."""
    note(f"scoring {rows:,} rows from file to file")
    small = source.with_name("small.csv")
    runs = {
        "csv to parquet, --jobs 1": ("parquet", 1),
        "csv to parquet, --jobs 2": ("parquet", 2),
        "csv to csv, --jobs 1": ("csv", 1),
    }
    score_file(small, folder / "out.parquet")  # makes machine code where nothing has

    def took(path, kind, jobs):
        return score_file(path, folder / f"out.{kind}", jobs).seconds

    def times(path):
        return medians({name: partial(took, path, *run) for name, run in runs.items()}, repeats)

    whole, start = times(source), times(small)
    rates = {name: (rows - START_ROWS) / (whole[name] - start[name]) for name in runs}
    table = [["file to file: gonglian score", "texts", "texts/s", "ratio"]]
    for name in runs:
        table.append(rate_row(name, rows, rows / whole[name], usual))
        table.append(rate_row(f"  without start-up of {start[name]:.2f} s", rows, rates[name], usual))
    one, two, _ = rates.values()
    return [*table, ["two jobs against one, without start-up", "", "", f"{two / one:.2f}"]]


def share_stages(folder, source, rows, scorer, repeats):
    """Return the rows of the stages of a run from file to file."""
    note("measuring the stages")
    runs = [stage_seconds(source, folder / "out.parquet", scorer) for _ in range(repeats)]
    spent = {stage: statistics.median(run[stage] for run in runs) for stage in STAGES}
    shares = [[stage, f"{rows:,}", f"{spent[stage] / sum(spent.values()):.1%}", ""] for stage in STAGES]
    return [["stages of csv to parquet, one after the other in one thread", "texts", "share", ""], *shares]


def compare_starts(repeats):
    """Return the rows of programs that do next to nothing."""
    note("starting programs")
    starts = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "import numpy": (sys.executable, "-c", "import numpy"),
        f"gonglian classify {SENTENCE}": (GONGLIAN, "classify", SENTENCE),
        "import pandas, joblib, scikit-learn, jieba; cut one sentence": (
            *(sys.executable, "-W", "ignore", "-c", USUAL_START),
        ),
    }
    for command in starts.values():
        launch(*command)  # puts its files into the disk cache
    taken = medians({name: lambda c=command: launch(*c).seconds for name, command in starts.items()}, repeats)
    *_, last = taken.values()
    rows = [[name, "", f"{took:.3f}", f"{took / last:.3f}"] for name, took in taken.items()]
    return [["cold start, files in the disk cache", "", "seconds", "ratio"], *rows]


def compare_memory(folder, examples, sizes):
    """Return the rows of the peak memory by size of file."""
    table, first = [["peak memory: gonglian score, csv to parquet, --jobs 1", "texts", "MB", "ratio"]], None
    source, target = folder / "memory.csv", folder / "memory.parquet"
    for rows in sizes:
        note(f"scoring {rows:,} rows for their peak memory")
        write_csv(source, varied_texts(examples, rows))
        peak = score_file(source, target).peak_bytes / 1e6
        first = first or peak
        table.append(["resident set", f"{rows:,}", f"{peak:,.0f}", f"{peak / first:.2f}"])
    source.unlink()
    target.unlink()
    return table


def compare_spark(folder, source, rows, usual, repeats):
    """Return the rows of Spark, or why there are none."""
    missing = [name for name in ("pyspark", "classifier.spark") if find_spec(name) is None]
    if not missing and not shutil.which("java") and "JAVA_HOME" not in os.environ:
        missing = ["java"]
    if missing:
        return [[f"Spark local[2]: left out, {' and '.join(missing)} not found", "", "", ""]]
    note("scoring in Spark")
    route, session = spark_route(source, folder / "spark.parquet")
    route()  # starts the workers
    took = medians({"spark": partial(seconds, route)}, repeats)["spark"]
    session.stop()
    return [
        ["Spark, started before", "texts", "texts/s", "ratio"],
        rate_row("csv to parquet, local[2]", rows, rows / took, usual),
    ]


def machine():
    """Return model and number of the processor's cores."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text() if info.exists() else "", re.MULTILINE)
    return f"{found[1] if found else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def options():
    parser = argparse.ArgumentParser(description="Print speed and memory as ratios, measured in one run.")
    parser.add_argument("--rows", type=int, default=100_000, help="texts in memory (default: %(default)s)")
    parser.add_argument(
        "--file-rows", type=int, default=1_000_000, help="rows from file to file (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of which the median counts (default: %(default)s)")
    parser.add_argument("--long", action="store_true", help=f"memory of {LONG_ROWS:,} rows, too; needs 10 GB of disk")
    chosen = parser.parse_args()
    if chosen.rows < START_ROWS or chosen.file_rows < 10 * START_ROWS or chosen.repeats < 1:
        parser.error(f"expected at least --rows {START_ROWS}, --file-rows {10 * START_ROWS} and --repeats 1")
    return chosen


def main():
    """Print the table."""
    chosen = options()
    repeats, rows = chosen.repeats, chosen.file_rows
    examples = read_examples(labeled_folder() / "corpus")
    texts, scorer = list(varied_texts(examples, chosen.rows)), load_scorer()
    sections = []
    compared, usual = compare_in_memory(examples, texts, scorer, repeats)
    sections.append(compared)
    with tempfile.TemporaryDirectory(prefix="gonglian-bench-") as name:
        folder = Path(name)
        source = folder / "in.csv"
        write_csv(source, varied_texts(examples, rows))
        write_csv(folder / "small.csv", varied_texts(examples, START_ROWS))
        sections.append(compare_files(folder, source, rows, usual, repeats))
        sections.append(share_stages(folder, source, rows, scorer, repeats))
        sections.append(compare_starts(repeats))
        sections.append(compare_memory(folder, examples, [*MEMORY_ROWS, *([LONG_ROWS] if chosen.long else [])]))
        sections.append(compare_spark(folder, source, rows, usual, repeats))
    mean = statistics.mean(map(len, texts))
    print(f"{machine()}, Python {platform.python_version()}; median of {repeats}")
    print(f"{chosen.rows:,} texts in memory, {rows:,} in files, all different, {mean:.0f} characters on average\n")
    blank = [""] * 4
    print(align([row for section in sections for row in (*section, blank)][:-1]))


if __name__ == "__main__":
    main()
