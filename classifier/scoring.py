"""A batch of descriptions in, a labelled batch out: the one scoring path of command line, files and tests.

What it computes is the scikit-learn pipeline of `classifier.model`, term by term: sub-linear term frequency x inverse
document frequency, each block of terms scaled to length one, one linear decision a label, a calibrated softmax, and a
correction for the share of companies out of scope that the user expects (Saerens, Latinne and Decaestecker 2002,
equation 4). The work is done by `classifier.kernel`: as it stands for a few texts, which needs no other package than
this, or as machine code for batches.
"""

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from struct import calcsize
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier import kernel
from classifier.automaton import Automaton, Facts, build_automaton, cast_view, load_automaton
from classifier.domains import Scheme, load_scheme
from classifier.errors import ClassifierError
from classifier.kernel import Results, Settings, Tables, Workspace
from classifier.machine import compiled, is_kept
from classifier.resources import labeled_folder, model_folder
from classifier.text import MAX_CHARACTERS, SURROGATE, normalize

if TYPE_CHECKING:
    import numpy as np

    from classifier.artifact import Model

FEW = 200  # texts for which the kernel runs as it stands: loading its machine code takes longer
MANY = 5_000  # texts after which machine code is made where there is none yet


class Contribution(NamedTuple):
    """A word of the text and what it adds to the log-odds of the domain against the runner-up."""

    word: str
    log_odds: float


class Label(NamedTuple):
    """What the model says of one description."""

    domain: str
    domain_name: str
    probability: float
    runner_up: str
    runner_up_probability: float
    status: str
    reason: str
    contributions: tuple[Contribution, ...]


class Scores(NamedTuple):
    """What the model says of a batch, one entry a text.

    probabilities : float64 (texts, labels)
    first, second : uint8
        Columns of the domain and of the runner-up.
    accepted : bool
    reasons : uint8
        The reasons in UTF-8, one behind the other.
    reason_ends : int64 (texts + 1)
        Where each begins and, last, the end.
    """

    probabilities: "np.ndarray"
    first: "np.ndarray"
    second: "np.ndarray"
    accepted: "np.ndarray"
    reasons: "np.ndarray"
    reason_ends: "np.ndarray"


@dataclass(frozen=True)
class Decision:
    """How probabilities become labels: the expected share out of scope, and the least probabilities to accept.

    A label in scope has a least probability of its own: where nine companies of ten are out of scope, a mistake there
    is a mistake in a published number.
    """

    expected_out_of_scope: float
    accept_probability: float
    accept_in_scope_probability: float

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing in scope or nothing outside."""
        if not 0 < self.expected_out_of_scope < 1:
            raise ClassifierError(
                f"expected share out of scope is {self.expected_out_of_scope}; it lies between 0 and 1"
            )
        for threshold in (self.accept_probability, self.accept_in_scope_probability):
            if not 0 <= threshold <= 1:
                raise ClassifierError(f"threshold is {threshold}; a probability lies between 0 and 1")


class Scorer:
    """A model made ready to label descriptions; threads may share it.

    ``shared`` is for one of many processes on a machine: the arrays stay where they are mapped, so that all processes
    have one copy in memory, and batches of any size go to machine code.
    """

    def __init__(
        self, model: "Automaton | Model", scheme: Scheme, decision: Decision | None = None, *, shared: bool = False
    ) -> None:
        automaton = model if isinstance(model, Automaton) else build_automaton(model)
        self.facts, self.scheme = automaton.facts, scheme
        self.decision = decision or Decision(
            self.facts.expected_out_of_scope, self.facts.accept_probability, self.facts.accept_in_scope_probability
        )
        self._engines = _Engines(automaton, shared)

    def with_decision(self, decision: Decision) -> "Scorer":
        """Return a scorer of the same model that decides otherwise."""
        other = copy(self)
        other.decision = decision
        return other

    def engine(self, texts: int) -> "Engine":
        """Return the kernel for so many texts: for `classifier.trace`, which shows what it does with each."""
        return self._engines.choose(texts)

    def probabilities(self, texts: Sequence[str]) -> "np.ndarray":
        """Return calibrated probabilities, shape (texts, labels), rows summing to 1, labels in the model's order."""
        return self.score(*encode_texts(texts)).probabilities

    def label(self, texts: Sequence[str]) -> list[Label]:
        """Return one `Label` a text, in order: never accepted where the text gives the model too little to go by."""
        engine = self._engines.choose(len(texts))
        settings = engine.settings(self.scheme, self.decision)
        with engine.workspace() as work:
            return [self._label(engine, settings, work, text) for text in texts]

    def score(self, data: Any, ends: Any) -> Scores:
        """Score texts in UTF-8 that stand one behind the other in a buffer.

        Parameters
        ----------
        data : buffer of bytes
        ends : array of 64-bit integers, shape (texts + 1,)
            Where each text begins and, last, the end.
        """
        import numpy as np

        data, count = memoryview(data).cast("B"), len(ends) - 1
        engine = self._engines.choose(count)
        settings = engine.settings(self.scheme, self.decision)
        results = engine.score(settings, data, ends, bytes(count), normal=False)
        left = np.flatnonzero(np.asarray(results.doubt)[:count] == kernel.NOT_READ)
        if len(left):
            texts = [str(data[ends[i] : ends[i + 1]], "utf-8", "replace") for i in left.tolist()]
            cut = bytes(len(text) > MAX_CHARACTERS for text in texts)
            others = engine.score(settings, *encode_texts([normalize(text) for text in texts]), cut, normal=True)
            results = engine.merge(results, others, left)
        return Scores(
            np.asarray(results.probabilities)[: count * len(self.facts.labels)].reshape(count, len(self.facts.labels)),
            np.asarray(results.first)[:count],
            np.asarray(results.second)[:count],
            np.asarray(results.doubt)[:count] == kernel.ACCEPTED,
            np.asarray(results.reasons)[: results.reason_ends[count]],
            np.asarray(results.reason_ends)[: count + 1],
        )

    def _label(self, engine: "Engine", settings: Settings, work: Workspace, text: str) -> Label:
        results = engine.score(settings, *encode_texts([text]), bytes(1), normal=False, work=work)
        if results.doubt[0] == kernel.NOT_READ:
            cut = bytes([len(text) > MAX_CHARACTERS])
            results = engine.score(settings, *encode_texts([normalize(text)]), cut, normal=True, work=work)
        first, second = self.facts.labels[results.first[0]], self.facts.labels[results.second[0]]
        return Label(
            first,
            self.scheme.name(first),
            float(results.probabilities[results.first[0]]),
            second,
            float(results.probabilities[results.second[0]]),
            "review" if results.doubt[0] else "accepted",
            bytes(results.reasons[: results.reason_ends[1]]).decode(),
            tuple(_contributions(work)),
        )


def _contributions(work: Workspace) -> list[Contribution]:
    """Return what each word of the last text adds, the strongest first."""
    found = []
    for index in range(work.sizes[kernel.WORDS]):
        if work.word_same[index] == index:
            place = range(work.word_start[index], work.word_end[index])
            found.append(Contribution("".join(chr(work.characters[i]) for i in place), float(work.total[index])))
    return sorted(found, key=lambda contribution: -abs(contribution.log_odds))


class _Engines:
    """The kernel as it stands, and as machine code once there is enough to do."""

    def __init__(self, automaton: Automaton, shared: bool) -> None:
        self._tables, self._shared = automaton.tables, shared
        self._plain = Engine(
            kernel, Tables(*(memoryview(array) for array in automaton.tables)), automaton.facts, memoryview, _zeros
        )
        self._machine: Engine | None = None
        self._asked, self._lock = 0, Lock()

    def choose(self, texts: int) -> "Engine":
        """Return the engine for so many texts: machine code, if loading it or making it is worth the while."""
        if texts <= FEW and not self._shared:
            return self._plain
        with self._lock:
            self._asked += texts
            if self._machine is None and (self._asked > MANY or self._shared or is_kept()):
                self._machine = self._load()
        return self._machine or self._plain

    def _load(self) -> "Engine":
        from classifier.flat import empty, flat

        tables = Tables(*(flat(array if self._shared else _on_large_pages(array)) for array in self._tables))
        return Engine(compiled(), tables, self._plain.facts, flat, empty)


def _on_large_pages(array: Any) -> "np.ndarray":
    """Return a copy in memory that numpy asks the system to map in large pages, beginning with a cache line."""
    import numpy as np

    source = np.asarray(array)
    place = np.empty(source.nbytes + 64, np.uint8)
    start = -place.ctypes.data % 64
    copied = place[start : start + source.nbytes].view(source.dtype)
    copied[:] = source
    return copied


def _zeros(kind: str, size: int) -> memoryview:
    """Return an array of so many numbers of one of the types of `struct`."""
    return cast_view(memoryview(bytearray(size * calcsize(kind))), kind)


class Engine:
    """The kernel, as it stands or as machine code, with arrays as it takes them.

    ``view`` makes an array of a buffer, and ``room`` one to write results to, of a type of `struct` and a size.
    """

    def __init__(
        self,
        functions: Any,
        tables: Tables,
        facts: Facts,
        view: Callable[[Any], Any],
        room: Callable[[str, int], Any],
    ) -> None:
        self.facts = facts
        self._kernel, self.tables, self._view, self._room = functions, tables, view, room
        self._spare: list[Workspace] = []

    def settings(self, scheme: Scheme, decision: Decision) -> Settings:
        """Return the numbers of the model and a decision; the prior's correction is part of the constants."""
        facts = self.facts
        outside = facts.labels.index(scheme.out_of_scope)
        trained, expected = facts.trained_out_of_scope, decision.expected_out_of_scope
        shift = [
            facts.slope * intercept
            + bias
            + math.log(expected / trained if label == outside else (1 - expected) / (1 - trained))
            for label, (intercept, bias) in enumerate(zip(facts.intercepts, facts.bias, strict=True))
        ]
        least_inside, least_outside = decision.accept_in_scope_probability, decision.accept_probability
        phrases = [
            phrase.format(outside=least_outside, inside=least_inside, most=MAX_CHARACTERS).encode()
            for phrase in kernel.PHRASES
        ]
        return Settings(
            labels=len(facts.labels),
            outside=outside,
            longest=facts.longest,
            unknown_weight=facts.unknown_weight,
            slope=facts.slope,
            shift=self._view(array("d", shift)),
            damped=self._view(array("d", [1.0, *(1.0 + math.log(count) for count in range(1, kernel.FEW_TIMES))])),
            least_inside=least_inside,
            least_outside=least_outside,
            phrases=self._view(b"".join(phrases)),
            phrase_ends=self._view(array("q", accumulate(map(len, phrases), initial=0))),
        )

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Lend scratch arrays to one thread."""
        work = self._spare.pop() if self._spare else self._new_workspace()
        yield work
        self._spare.append(work)

    def _new_workspace(self) -> Workspace:
        lanes = len(self.tables.rows) // self.tables.starts[3]
        sizes = kernel.workspace_sizes(MAX_CHARACTERS, self.facts.longest, int(lanes))
        return Workspace(*(self._view(_zeros(kind, size)) for kind, size in sizes))

    def score(
        self, settings: Settings, data: Any, ends: Any, cut: bytes, *, normal: bool, work: Workspace | None = None
    ) -> Results:
        """Score texts; those that have to be normalised first get the doubt `kernel.NOT_READ`."""
        count = len(ends) - 1
        room = kernel.reason_room(count, int(ends[count] - ends[0]))
        results = self._results(count, room)
        data, ends, cut = self._view(data), self._view(ends), self._view(cut)
        if work:
            self._kernel.score_texts(self.tables, settings, work, data, ends, normal, cut, results)
        else:
            with self.workspace() as work:
                self._kernel.score_texts(self.tables, settings, work, data, ends, normal, cut, results)
        return results

    def _results(self, count: int, room: int) -> Results:
        return Results(
            self._room("d", count * len(self.facts.labels)),
            self._room("B", count),
            self._room("B", count),
            self._room("B", count),
            self._room("B", room),
            self._room("q", count + 1),
        )

    def merge(self, results: Results, others: Results, places: "np.ndarray") -> Results:
        """Return results with those of others at some places."""
        import numpy as np

        count, labels = len(results.reason_ends) - 1, len(self.facts.labels)
        replaced = np.full(count, -1, np.int64)
        replaced[places] = np.arange(len(places))
        probabilities = np.asarray(results.probabilities).reshape(-1, labels)
        probabilities[places] = np.asarray(others.probabilities).reshape(-1, labels)
        for into, values in zip(results[1:4], others[1:4], strict=True):
            np.asarray(into)[places] = np.asarray(values)[: len(places)]
        room = int(results.reason_ends[count] + others.reason_ends[len(places)])
        merged, ends = self._room("B", room), self._room("q", count + 1)
        self._kernel.merge_reasons(
            results.reasons, results.reason_ends, others.reasons, others.reason_ends, self._view(replaced), merged, ends
        )
        return results._replace(reasons=merged, reason_ends=ends)


def encode_texts(texts: Sequence[str]) -> tuple[bytes, array]:
    """Return texts in UTF-8 one behind the other, and where each begins and the last ends."""
    try:
        encoded = [text.encode() for text in texts]
    except UnicodeEncodeError:  # halves of characters, from broken JSON; normalisation makes spaces of them, too
        encoded = [SURROGATE.sub(" ", text).encode() for text in texts]
    return b"".join(encoded), array("q", accumulate(map(len, encoded), initial=0))


@lru_cache(maxsize=2)
def load_scorer(model: Path | None = None, labeled: Path | None = None) -> Scorer:
    """Return a scorer of a model folder and a labelled folder's scheme (by default the shipped ones).

    Raises
    ------
    ArtifactError
        If the model is damaged or of another scheme, format or dictionary.
    """
    scheme = load_scheme(labeled or labeled_folder())
    return Scorer(load_automaton(model or model_folder(), scheme), scheme)


def decide_with(scorer: Scorer, expected_out_of_scope: float | None, accept_probability: float | None) -> Scorer:
    """Return the scorer with the given parts of its decision replaced; None keeps the model's own.

    One ``accept_probability`` counts for every label.
    """
    decision = scorer.decision
    if expected_out_of_scope is not None:
        decision = replace(decision, expected_out_of_scope=expected_out_of_scope)
    if accept_probability is not None:
        decision = replace(
            decision, accept_probability=accept_probability, accept_in_scope_probability=accept_probability
        )
    return scorer.with_decision(decision)
