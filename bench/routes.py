"""The routes from a text to its label that bench/speed.py measures, and the texts that it measures them on."""

import csv
import os
import random
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import Future
from contextlib import ExitStack

import numba
import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize

from classifier.artifact import load_model
from classifier.batch import COLUMNS, result_columns, score_texts
from classifier.domains import load_scheme
from classifier.model import reference_decisions
from classifier.parts import file_hash, open_parts
from classifier.records import find_roles, join_texts, open_table
from classifier.resources import model_folder
from classifier.text import Segmenter, load_dictionary

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jieba's, on import
    import jieba

TEXT = "简介"
BLOCK = 10_000  # texts drawn at a time
STAGES = HASH, READ, JOIN, SCORE, BUILD, WRITE, END = (
    *("hashing the input, for --resume", "reading csv", "joining text", "kernel, and normalising what it leaves"),
    *("building result columns", "writing parquet, and results for --resume", "last rows, disk, end of the parts"),
)


def varied_texts(examples, rows):
    """Yield texts that no cache flatters: half of one description, a number of its own, half of another one."""
    dice = random.Random(0)
    heads = [example.text[: len(example.text) // 2] for example in examples]
    tails = [example.text[len(example.text) // 2 :] for example in examples]
    for start in range(0, rows, BLOCK):
        numbers = range(start, min(start + BLOCK, rows))
        halves = zip(dice.choices(heads, k=len(numbers)), dice.choices(tails, k=len(numbers)), strict=True)
        yield from (f"{head}{number}{tail}" for number, (head, tail) in zip(numbers, halves, strict=True))


def write_csv(path, texts):
    """Write a file of companies without holding it in memory."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["企业名称", TEXT])
        writer.writerows((f"公司{i}", text) for i, text in enumerate(texts))


def usual_pipeline(examples):
    """Return what most people would write, fitted."""
    jieba.setLogLevel(60)
    jieba.initialize()
    pipeline = make_pipeline(
        TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None), LogisticRegression(C=10, max_iter=2000)
    )
    return pipeline.fit([e.text for e in examples], [e.label for e in examples])


def rjieba_route(pipeline):
    """Return a function that gives the probabilities of the usual pipeline from the words of rjieba."""
    import rjieba

    vectorizer, regression = (step for _, step in pipeline.steps)
    vocabulary, idf = vectorizer.vocabulary_, vectorizer.idf_
    coefficients = np.ascontiguousarray(regression.coef_.T)

    def probabilities(texts):
        columns, ends = [], [0]
        for text in texts:
            columns.extend([vocabulary[word] for word in rjieba.cut(text.lower(), False) if word in vocabulary])
            ends.append(len(columns))
        matrix = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(texts), len(idf)))
        matrix.sum_duplicates()
        matrix.data *= idf[matrix.indices]
        return softmax(normalize(matrix, copy=False) @ coefficients + regression.intercept_, axis=1)

    return probabilities


def reference_route():
    """Return a function that gives the decisions of the shipped model as scikit-learn computes them."""
    model = load_model(model_folder(), load_scheme())
    segmenter = Segmenter(load_dictionary(model.lexicon))
    return lambda texts: reference_decisions(model, texts, segmenter)


@numba.njit
def plain_pass(data):
    """Return a hash of the code points of UTF-8 text: what every kernel has to read, and one product a character."""
    found, at = np.uint64(0), 0
    while at < len(data):
        byte = data[at]
        if byte < 0x80:
            point, size = np.int64(byte), 1
        elif byte < 0xE0:
            point, size = (byte & 0x1F) << 6 | data[at + 1] & 0x3F, 2
        elif byte < 0xF0:
            point, size = (byte & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | data[at + 2] & 0x3F, 3
        else:
            high = (byte & 0x07) << 18 | (data[at + 1] & 0x3F) << 12
            point, size = high | (data[at + 2] & 0x3F) << 6 | data[at + 3] & 0x3F, 4
        found = (found ^ np.uint64(point)) * np.uint64(0x100000001B3)  # FNV-1a
        at += size
    return found


def stage_seconds(source, target, scorer):
    """Return the seconds of each stage from a csv file to a parquet file, one after the other in this thread."""
    spent = Counter()

    def take(stage, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        spent[stage] += time.perf_counter() - start
        return result

    options = {"format": "parquet", "zipped": "", "marked": False, "schema": None}
    run = Future()
    run.set_result({})
    with ExitStack() as opened:
        take(HASH, file_hash, source)
        table = take(READ, opened.enter_context, open_table(str(source)))
        parts = opened.enter_context(open_parts(str(target), run, resume=False, **options))
        roles = find_roles(table)
        while batch := take(READ, next, table.batches, None):
            texts = take(JOIN, join_texts, batch, roles.text)
            scores = take(SCORE, score_texts, scorer, texts)
            results = take(BUILD, result_columns, scores, scorer, COLUMNS)
            take(WRITE, parts.write, batch, results, {})
        take(END, opened.close)
    return spent


def spark_route(source, target):
    """Return a function that labels a csv file in Spark on two cores, and the session to stop."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.csv(str(source), header=True, escape='"')

    from classifier.spark import score

    return lambda: score(frame, text=TEXT).write.mode("overwrite").parquet(str(target)), session
