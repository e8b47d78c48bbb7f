"""The same scoring on a cluster: a Spark DataFrame in, the same DataFrame with labels out.

gonglian is installed on every worker (``pip install``). The shipped model is there then and nothing is sent; a model of
your own is broadcast as the bytes of its files, and unpacked once a machine into the private cache. Of a machine's
Python processes the first one makes there what scoring needs (arrays, machine code); the others wait for it and map
the same arrays into memory. Where the workers' user has no private cache folder, Spark's own folder of the application
serves; ``spark.executorEnv.GONGLIAN_CACHE`` names another place. Where Python travels with the application (an archive
of a virtual environment), name one that goes when it goes, such as ``./gonglian``: what is kept is kept by path.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classifier.automaton import load_automaton
from classifier.batch import COLUMNS, name_results, result_columns, score_texts
from classifier.domains import load_scheme
from classifier.errors import ArtifactError, InputError, OutputError
from classifier.parts import locked
from classifier.records import PARQUET_ROWS, Batch, Table, find_roles, join_texts
from classifier.resources import labeled_folder, model_folder
from classifier.scoring import Decision, Scorer, decide_with, load_scorer
from classifier.text import cache_folder

if TYPE_CHECKING:
    from pyspark import Broadcast, SparkContext
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_INPUT = "dataframe"


@dataclass(frozen=True)
class _Sent:
    """A model on its way to the workers: file names and bytes, and a digest that stands for them."""

    digest: str
    files: "Broadcast[dict[str, bytes]]"


@dataclass(frozen=True)
class _Job:
    """What a task has to know; the model itself does not travel with it."""

    text: tuple[str, ...]
    names: tuple[str, ...]
    model: str
    decision: Decision
    sent: _Sent | None


def score(
    dataframe: "DataFrame",
    text: str | Sequence[str] = (),
    *,
    model: str | Path | None = None,
    labeled: str | Path | None = None,
    expected_out_of_scope: float | None = None,
    accept_probability: float | None = None,
    prefix: str = "",
) -> "DataFrame":
    """Return a Spark DataFrame with its labels: its own columns, unchanged and first, then `classifier.batch.COLUMNS`.

    Nothing runs before Spark is asked for the rows. They are those of ``gonglian score``, however Spark divides them.

    Parameters
    ----------
    dataframe : pyspark.sql.DataFrame
    text : str or sequence of str
        Columns with the description, joined in this order; null is an empty text. By default those with a usual header.
    model, labeled : path, optional
        Folders on the driver, by default the shipped ones. Others are broadcast, which Spark Connect cannot do.
    expected_out_of_scope, accept_probability : float, optional
        See `classifier.scoring.decide_with`.
    prefix : str
        Stands before the names of the result's columns.

    Raises
    ------
    ClassifierError
        If columns, model or numbers do not allow it; no job has run then.
    """
    columns = list(dataframe.columns)
    names = name_results(_INPUT, columns, prefix, fold=str.lower)  # Spark's names are equal in either case
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise InputError(f"{_INPUT}: more than one column is named {twice[0]!r}; rename them")
    table = Table(_INPUT, "spark", columns, None, iter(()))
    roles = find_roles(table, (text,) if isinstance(text, str) else text)
    folders = Path(model or model_folder()), Path(labeled or labeled_folder())
    scorer = decide_with(load_scorer(*folders), expected_out_of_scope, accept_probability)
    sent = _send(*folders, dataframe.sparkSession.sparkContext) if model or labeled else None
    job = _Job(roles.text, tuple(names), scorer.facts.identity, scorer.decision, sent)
    return dataframe.mapInArrow(lambda batches: _label_batches(batches, job), _result_schema(dataframe.schema, names))


def _result_schema(schema: "StructType", names: Sequence[str]) -> "StructType":
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    kinds = [DoubleType() if column.endswith("probability") else StringType() for column in COLUMNS]
    return StructType([*schema.fields, *map(StructField, names, kinds)])


def _send(model: Path, labeled: Path, context: "SparkContext") -> _Sent:
    paths = [*model.glob("*.npy"), model / "manifest.json", labeled / "domains.toml"]
    files = {path.name: path.read_bytes() for path in paths}
    named = files["manifest.json"] + files["domains.toml"]  # the manifest has the digests of the arrays
    return _Sent(hashlib.sha256(named).hexdigest()[:32], context.broadcast(files))


def _label_batches(batches: Iterator[pa.RecordBatch], job: _Job) -> Iterator[pa.RecordBatch]:
    """Yield what a task gets, with labels; runs on the workers."""
    scorer = _worker_scorer(job).with_decision(job.decision)
    for batch in batches:
        for start in range(0, batch.num_rows, PARQUET_ROWS):
            yield _label_batch(batch.slice(start, PARQUET_ROWS), job, scorer)


def _label_batch(batch: pa.RecordBatch, job: _Job, scorer: Scorer) -> pa.RecordBatch:
    texts = join_texts(Batch.of(batch), job.text)
    results = result_columns(score_texts(scorer, texts), scorer, job.names)
    added = pa.RecordBatch.from_pydict({name: _plain(column) for name, column in results.columns.items()})
    schema = pa.schema([*batch.schema, *added.schema])
    return pa.RecordBatch.from_arrays([*batch.columns, *added.columns], schema=schema)


def _plain(column: Any) -> pa.Array:
    """Return text that has a dictionary without it: Spark would not know the type."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _worker_scorer(job: _Job) -> Scorer:
    cache = _worker_cache()
    with locked(cache / "spark.lock", wait=True):  # one process of a machine at a time fills the cache
        folder = _unpack(job.sent, cache) if job.sent else None
        scorer = _load(folder or model_folder(), folder or labeled_folder())
    if scorer.facts.identity != job.model:
        raise ArtifactError(
            f"the model of this worker is {scorer.facts.identity}, the driver's is {job.model}; "
            "install the same gonglian on driver and workers, or send a model with model="
        )
    return scorer


@lru_cache(maxsize=2)
def _load(model: Path, labeled: Path) -> Scorer:
    """Return a scorer with its machine code, once a process."""
    scheme = load_scheme(labeled)
    scorer = Scorer(load_automaton(model, scheme), scheme, shared=True)
    scorer.probabilities([""])
    return scorer


def _worker_cache() -> Path:
    """Return the private cache folder; where the user has none, one in the application's folder on this machine."""
    from pyspark import SparkFiles

    if cache_folder() is None:
        os.environ["GONGLIAN_CACHE"] = str(Path(SparkFiles.getRootDirectory()) / "gonglian")
    cache = cache_folder()
    if cache is None:
        raise OutputError(
            f"{os.environ['GONGLIAN_CACHE']}: not a folder that this user alone may write; name one with "
            "spark.executorEnv.GONGLIAN_CACHE"
        )
    return cache


def _unpack(sent: _Sent, cache: Path) -> Path:
    """Return the folder of a model that was sent."""
    folder, part = cache / f"model-{sent.digest}", cache / f"model-{sent.digest}.part"
    if not folder.exists():
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for name, content in sent.files.value.items():
            (part / name).write_bytes(content)
        part.rename(folder)
    return folder
