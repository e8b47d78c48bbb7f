"""Why a text got its label, what would change it, and which labelled texts and rules speak to it.

The terms are those that `classifier.kernel` found and weighed when it scored the text, so that what they add is what
the label rests on: with what does not hang on the text (`Evidence.constant`) they sum to the log-odds of the domain
against the runner-up. Places are those of the normal form, which is what the model reads.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from classifier import kernel
from classifier import text as rules
from classifier.domains import Domain
from classifier.labels import read_examples
from classifier.scoring import Label, Scorer, encode_texts
from classifier.text import CLAUSE_ENDS, cache_folder, keep_file, normalize

KINDS = ("words", "offering", "characters")  # of terms, in the order of the kernel's blocks
NEAREST = 5  # precedents that are shown
SAME_TEXT = 0.98  # similarity from which a text counts as the precedent itself
VOTERS, VOTE_POWER = 15, 2  # of `Precedents.vote`
MOST_REMOVED = 8  # words or clauses without which a text is tried
MOST_READ = 20_000  # characters that are read to try every word: a quarter of a second without machine code
PAGE_CHARACTERS = 600  # of a text on the page; the record has all
_SHOWN_WORDS, _SHOWN_RULES, _SHOWN_HISTORY = 8, 3, 6
_LEAST_SHOWN = 0.05  # log-odds: less is not printed at a word
_LEAST_OVERLAP = 0.5  # of a rule of the codebook with the text: less is chance
_CLAUSE = re.compile(f"[^{CLAUSE_ENDS}]+[{CLAUSE_ENDS}]*")
_ITEM_ENDS = re.compile(r"\s*[、,;。()/等]\s*")
_KIND_NAMES = {"words": "词", "offering": "主营句", "characters": "字"}
_UNIT_NAMES = {"word": "词", "clause": "分句"}
_PART_NAMES = {"definition": "定义", "includes": "包括", "excludes": "不包括", "precedents": "先例"}
_ARRAYS = ("starts", "texts", "weights", "rows", "ends")

Place = tuple[int, int]  # start and end in a normal form


class Term(NamedTuple):
    """A term of the model in a text, as often as it stands there; a word pair has a space between its words."""

    text: str
    kind: str
    log_odds: float
    places: tuple[Place, ...]


class Span(NamedTuple):
    """A word of a text, or what stands between two, and what its characters add to the log-odds."""

    text: str
    start: int
    end: int
    log_odds: float


class Flip(NamedTuple):
    """What has to go from a text before the runner-up is its domain: words (each everywhere) or clauses.

    parts, tried : how many the text has, and how many of them (the strongest) were tried alone
    removed : those that have to go, none where nothing was found; one is the least there is, more were found greedily
    remaining : the text without them, and ``probability`` of the runner-up there
    """

    unit: str
    parts: int
    tried: int
    removed: tuple[str, ...]
    remaining: str
    probability: float


class Precedent(NamedTuple):
    """A labelled text and its similarity (cosine) to another one."""

    id: str
    label: str
    name: str
    text: str
    place: str
    similarity: float


class Opinion(NamedTuple):
    """What is said of a training text by those that did not see it: ``source`` is "out of fold" or "neighbours"."""

    source: str
    domain: str
    probabilities: dict[str, float]


class Rule(NamedTuple):
    """A line of the codebook: part of a domain, its item that the text has most of, and how much of it (0..1)."""

    domain: str
    part: str
    text: str
    item: str
    overlap: float


class TieRule(NamedTuple):
    """A rule that decides between domains, and those that it names (none: it holds for all)."""

    text: str
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """Everything that is to be said of one text and its label; plain data.

    log_odds : natural log of the domain's probability over that of the runner-up
    constant : the part of it that does not hang on the text: intercepts, calibration and expected shares
    terms, spans : the other part, by term (strongest first) and by place; each sums to ``log_odds - constant``
    own : the precedent that is this text, if there is one; ``held_out`` is then an opinion that does not rest on it
    """

    text: str
    normal: str
    model: str
    scheme: str
    names: dict[str, str]
    label: Label
    probabilities: dict[str, float]
    log_odds: float
    constant: float
    terms: tuple[Term, ...]
    spans: tuple[Span, ...]
    flips: tuple[Flip, ...]
    precedents: tuple[Precedent, ...]
    own: Precedent | None
    held_out: Opinion | None
    codebook: tuple[Rule, ...]
    tie_rules: tuple[TieRule, ...]
    history: tuple[dict[str, Any], ...]


class Brief(NamedTuple):
    """A label in one line: see `Evidence`; the words of the text that add most, and the clause that does."""

    domain: str
    runner_up: str
    log_odds: float
    supporting: tuple[Span, ...]
    opposing: tuple[Span, ...]
    clause: str
    tie_rule: str


def explain(
    text: str,
    scorer: Scorer,
    *,
    precedents: "Precedents | None" = None,
    out_of_fold: Mapping[str, Mapping[str, float]] | None = None,
    history: Iterable[Mapping[str, Any]] = (),
) -> Evidence:
    """Return why a text got its label.

    Parameters
    ----------
    text : str
    scorer : Scorer
    precedents : Precedents, optional
        Labelled texts to compare with, see `load_precedents`.
    out_of_fold : mapping, optional
        Of ids of training texts: probabilities by label, from models that did not see them. Where the text is a
        training text and has none there, its neighbours vote (`Precedents.vote`).
    history : iterable of mappings
        What was said of the company before, oldest first; kept as it is.

    Examples
    --------
    >>> from classifier.scoring import load_scorer
    >>> found = explain("工业机器人的研发、生产和销售", load_scorer())
    >>> found.names[found.label.domain]
    '工业智能设备'
    >>> math.isclose(found.log_odds, found.constant + sum(term.log_odds for term in found.terms))
    True
    """
    label = scorer.label([text])[0]
    with _reader(scorer, 1) as read:
        reading = read(text)
        codebook = _codebook(scorer, label, reading, read)
    spans = _spans(reading)
    neighbours = precedents.nearest(reading, NEAREST) if precedents else ()
    own = neighbours[0] if neighbours and neighbours[0].similarity >= SAME_TEXT else None
    return Evidence(
        text=text,
        normal=reading.normal,
        model=scorer.facts.identity,
        scheme=scorer.scheme.version,
        names={domain.code: domain.name for domain in scorer.scheme.domains},
        label=label,
        probabilities=dict(zip(scorer.facts.labels, reading.probabilities, strict=True)),
        log_odds=reading.log_odds,
        constant=reading.constant,
        terms=_terms(reading),
        spans=spans,
        flips=tuple(_find_flip(scorer, label, reading.normal, unit, spans) for unit in ("word", "clause")),
        precedents=neighbours,
        own=own,
        held_out=_hold_out(own, precedents, reading, out_of_fold or {}),
        codebook=codebook,
        tie_rules=_tie_rules(scorer, label.domain, label.runner_up),
        history=tuple(map(dict, history)),
    )


def explain_briefly(texts: Sequence[str], scorer: Scorer) -> Iterator[Brief]:
    """Yield one `Brief` a text, in order: for many texts, without what has to be searched for."""
    with _reader(scorer, len(texts)) as read:
        for text in texts:
            reading = read(text)
            spans = _spans(reading)
            first, second = (scorer.facts.labels[column] for column in (reading.first, reading.second))
            between = (rule.text for rule in _tie_rules(scorer, first, second) if {first, second} <= set(rule.domains))
            yield Brief(
                first,
                second,
                reading.log_odds,
                _strongest(spans, 1)[:_SHOWN_WORDS],
                _strongest(spans, -1)[:_SHOWN_WORDS],
                next((unit.text for unit in _units(reading.normal, "clause", spans)), ""),
                next(between, ""),
            )


# ------------------------------------------------------------------------------------------------- what the model read


class _Reading(NamedTuple):
    """What the kernel did with a text, an entry of the first arrays a different term and of the last an occurrence.

    numbers, blocks, weights : the terms, the blocks they are of, and their weights with all of them at length one
    added : what one occurrence of a term adds to the log-odds
    occurrence, begin, end : which of the terms stands there, and where
    """

    normal: str
    probabilities: list[float]
    first: int
    second: int
    constant: float
    word_ends: dict[int, int]
    numbers: np.ndarray
    blocks: np.ndarray
    weights: np.ndarray
    added: np.ndarray
    occurrence: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @property
    def log_odds(self) -> float:
        return math.log(self.probabilities[self.first] / self.probabilities[self.second])


_Read = Callable[[str], _Reading]


@contextmanager
def _reader(scorer: Scorer, texts: int) -> Iterator[_Read]:
    """Lend a function that scores a text and returns what the kernel did; ``texts``: how many are to come."""
    engine = scorer._engines.choose(texts)
    settings = engine.settings(scorer.scheme, scorer.decision)
    starts, frequencies = np.asarray(scorer._engines._tables.starts), _frequencies(scorer)
    with engine.workspace() as work:

        def read(text: str) -> _Reading:
            normal = normalize(text)
            results = engine.score(settings, *encode_texts([normal]), bytes(1), normal=True, work=work)
            terms, found = work.sizes[kernel._TERMS], work.sizes[kernel._OCCURRENCES]
            numbers, counts, added = (np.array(array[:terms]) for array in (work.term, work.count, work.value))
            blocks = np.searchsorted(starts[1:3], numbers, side="right")
            first, second = int(results.first[0]), int(results.second[0])
            return _Reading(
                normal,
                [float(probability) for probability in results.probabilities],
                first,
                second,
                float(settings.shift[first] - settings.shift[second]),
                {int(work.word_start[i]): int(work.word_end[i]) for i in range(work.sizes[kernel.WORDS])},
                numbers,
                blocks,
                _unit_length(frequencies[numbers] * (1 + np.log(counts)), blocks),
                added,
                *(np.array(array[:found]) for array in (work.occurrence, work.begin, work.end)),
            )

        yield read


def _frequencies(scorer: Scorer) -> np.ndarray:
    """Return the inverse document frequency of every term, in the kernel's order."""
    tables = scorer._engines._tables
    return np.asarray(tables.rows).reshape(int(tables.starts[3]), -1)[:, 0]


def _unit_length(weights: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return weights of terms with each block scaled to length one, as the model does, and then all together."""
    squares = np.bincount(blocks, weights**2, minlength=len(KINDS))
    return weights / np.sqrt(squares[blocks] * np.count_nonzero(squares))


def _terms(reading: _Reading) -> tuple[Term, ...]:
    places: list[list[Place]] = [[] for _ in reading.numbers]
    for at, begin, end in zip(reading.occurrence.tolist(), reading.begin.tolist(), reading.end.tolist(), strict=True):
        places[at].append((begin, end))
    terms = [
        Term(_term_text(reading, KINDS[block], *found[0]), KINDS[block], added * len(found), tuple(found))
        for block, added, found in zip(reading.blocks.tolist(), reading.added.tolist(), places, strict=True)
    ]
    return tuple(sorted(terms, key=lambda term: -abs(term.log_odds)))


def _term_text(reading: _Reading, kind: str, start: int, end: int) -> str:
    middle = end if kind == "characters" else min(reading.word_ends.get(start, end), end)
    return " ".join(filter(None, (reading.normal[start:middle], reading.normal[middle:end])))


def _spans(reading: _Reading) -> tuple[Span, ...]:
    """Return the normal form cut at its words; every term's part is spread evenly over its characters."""
    length = len(reading.normal)
    shares = reading.added[reading.occurrence] / (reading.end - reading.begin)
    steps = np.bincount(reading.begin, shares, minlength=length + 1)
    steps -= np.bincount(reading.end, shares, minlength=length + 1)
    sums = np.concatenate([[0.0], np.cumsum(np.cumsum(steps))]).tolist()  # of all characters before a place
    cuts = sorted({0, length, *reading.word_ends, *reading.word_ends.values()})
    return tuple(
        Span(reading.normal[start:end], start, end, sums[end] - sums[start] if start in reading.word_ends else 0.0)
        for start, end in pairwise(cuts)
    )


def _strongest(spans: Iterable[Span], sign: int) -> tuple[Span, ...]:
    """Return different words that speak for (1) or against (-1), each with all its places' sum, strongest first."""
    together: dict[str, Span] = {}
    for span in spans:
        before = together.get(span.text)
        together[span.text] = span._replace(log_odds=span.log_odds + before.log_odds) if before else span
    speaking = [span for span in together.values() if span.log_odds * sign >= _LEAST_SHOWN]
    return tuple(sorted(speaking, key=lambda span: -abs(span.log_odds)))


# ------------------------------------------------------------------------------------------------ what would change it


class _Unit(NamedTuple):
    """A part of a text that can go: a word with all its places, or a clause with the sign behind it."""

    text: str
    places: list[Place]
    log_odds: float

    @property
    def size(self) -> int:
        return sum(end - start for start, end in self.places)


def _units(normal: str, unit: str, spans: Sequence[Span]) -> list[_Unit]:
    """Return the words or clauses of a text, those first that speak most for its domain."""
    if unit == "word":
        same: dict[str, list[Span]] = {}
        for span in spans:
            same.setdefault(span.text, []).append(span)
        parts = list(same.items())
    else:
        clauses = _CLAUSE.finditer(normal)
        parts = [(c[0].rstrip(CLAUSE_ENDS), [s for s in spans if c.start() <= s.start < c.end()]) for c in clauses]
    units = [
        _Unit(text, [(s.start, s.end) for s in held], math.fsum(s.log_odds for s in held))
        for text, held in parts
        if any(character.isalpha() for character in text)
    ]
    return sorted(units, key=lambda part: -part.log_odds)


def _without(normal: str, units: Iterable[_Unit]) -> str:
    kept = list(normal)
    for start, end in (place for part in units for place in part.places):
        kept[start:end] = [""] * (end - start)
    return "".join(kept)


def _find_flip(scorer: Scorer, label: Label, normal: str, unit: str, spans: Sequence[Span]) -> Flip:
    """Return the smallest removal that makes the runner-up the domain.

    Every word or clause is tried alone, as far as `MOST_READ` goes. If none is enough, those that alone did most are
    removed together, one more each time, and what turns out not to be needed is put back. Only labels of texts that
    were scored again count.
    """
    first, second = (scorer.facts.labels.index(code) for code in (label.domain, label.runner_up))

    def rescore(sets: Sequence[Sequence[_Unit]]) -> list[tuple[float, float, Sequence[_Unit]]]:
        """Return log-odds, the runner-up's probability (0 where it does not win) and the units of each set."""
        found = scorer.probabilities([_without(normal, units) for units in sets])
        odds = np.log(found[:, first] / found[:, second]).tolist()
        wins = np.where(found.argmax(axis=1) == second, found[:, second], 0.0).tolist()
        return list(zip(odds, wins, sets, strict=True))

    units = _units(normal, unit, spans)
    tried = units[: max(MOST_READ // max(len(normal), 1), MOST_REMOVED)] if len(units) > 1 else []
    alone = rescore([[part] for part in tried])
    enough = [(sum(part.size for part in found), odds, win, found) for odds, win, found in alone if win]
    if enough:
        _, _, win, chosen = min(enough, key=lambda entry: entry[:2])
    else:
        ranked = [found[0] for _, _, found in sorted(alone, key=lambda entry: entry[0])]
        most = min(MOST_REMOVED, len(units) - 1)
        together = rescore([ranked[:count] for count in range(2, most + 1)])
        chosen, win = next(((found, win) for _, win, found in together if win), ([], 0.0))
        for part in list(chosen):
            fewer = [other for other in chosen if other is not part]
            _, wins, _ = rescore([fewer])[0]
            if wins:
                chosen, win = fewer, wins
    removed = sorted(chosen, key=lambda part: part.places)
    remaining = _without(normal, chosen) if chosen else ""
    return Flip(unit, len(units), len(tried), tuple(part.text for part in removed), remaining, win)


# ---------------------------------------------------------------------------------------------------------- precedents


@dataclass(frozen=True)
class Precedents:
    """Labelled texts by the model's terms, a sparse matrix held term by term.

    starts : int64 (terms + 1)
        Where the entries of each term begin and, last, the end.
    texts, weights : int32, float32
        Entries: a text and the term's weight there, as the model weighs it; a text has length 1 over all its terms.
    rows, ends : uint8, int64
        The texts' id, label, name, text and place as JSON, one behind the other, and where each ends.
    """

    starts: np.ndarray
    texts: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.ends) - 1

    def nearest(self, reading: _Reading, count: int) -> tuple[Precedent, ...]:
        """Return the most similar texts, the most similar first; none for a text without a known term."""
        similarities = self._similarities(reading)
        order = np.argsort(-similarities, kind="stable")[:count]
        return tuple(self._precedent(int(at), float(similarities[at])) for at in order if similarities[at] > 0)

    def vote(self, reading: _Reading, own: Precedent) -> dict[str, float]:
        """Return the share of each label among the nearest texts, by a power of their similarity.

        The text itself, others of its company and all but equal ones have no vote. It is what neighbours say, not the
        model: of 1,500 texts of the shipped corpus it gives 93.8 % their label, the model out of fold 97.4 %.
        """
        votes: dict[str, float] = {}
        voters = 0
        for near in self.nearest(reading, 20 * VOTERS):
            if near.similarity < SAME_TEXT and near.id != own.id and (not own.name or near.name != own.name):
                votes[near.label] = votes.get(near.label, 0.0) + near.similarity**VOTE_POWER
                voters += 1
            if voters == VOTERS:
                break
        together = sum(votes.values())
        ranked = sorted(votes.items(), key=lambda entry: -entry[1])
        return {label: weight / together for label, weight in ranked}

    def _similarities(self, reading: _Reading) -> np.ndarray:
        spans = [slice(self.starts[number], self.starts[number + 1]) for number in reading.numbers]
        if not spans:
            return np.zeros(len(self))
        texts = np.concatenate([self.texts[span] for span in spans])
        products = [weight * self.weights[span] for weight, span in zip(reading.weights, spans, strict=True)]
        return np.minimum(np.bincount(texts, np.concatenate(products), minlength=len(self)), 1.0)

    def _precedent(self, at: int, similarity: float) -> Precedent:
        cells = json.loads(self.rows[self.ends[at] : self.ends[at + 1]].tobytes())
        return Precedent(**cells, similarity=similarity)


def load_precedents(scorer: Scorer, folder: Path) -> Precedents:
    """Return the labelled texts of ``folder/*.csv``, from the private cache if texts and model are those of before.

    Raises
    ------
    SchemeError
        If there is no file, or one is not in order.
    """
    cache = cache_folder()
    if cache is None:
        return _build_precedents(scorer, folder)
    place = hashlib.sha256(f"{folder.resolve()}\n{scorer.facts.identity.split('@')[0]}".encode()).hexdigest()[:16]
    key = _precedents_key(scorer, folder)
    paths = [cache / f"precedents-{place}-{key}-{name}.npy" for name in _ARRAYS]
    try:
        return Precedents(*(np.load(path, mmap_mode="r", allow_pickle=False) for path in paths))
    except (OSError, ValueError):
        found = _build_precedents(scorer, folder)
    for path in cache.glob(f"precedents-{place}-*.npy"):  # of another model or of other texts at the same place
        path.unlink(missing_ok=True)
    for name, path in zip(_ARRAYS, paths, strict=True):
        content = BytesIO()
        np.save(content, getattr(found, name), allow_pickle=False)
        keep_file(path, [content.getvalue()])
    return found


def _precedents_key(scorer: Scorer, folder: Path) -> str:
    """Return a digest of what the matrix depends on: the texts, the model's terms, and how terms are made."""
    digest = hashlib.sha256(memoryview(scorer._engines._tables.rows).cast("B"))
    for path in (*sorted(folder.glob("*.csv")), Path(rules.__file__), Path(kernel.__file__), Path(__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _build_precedents(scorer: Scorer, folder: Path) -> Precedents:
    examples = read_examples(folder)
    with _reader(scorer, len(examples)) as read:
        readings = [(reading.numbers, reading.weights) for reading in (read(example.text) for example in examples)]
    numbers = np.concatenate([numbers for numbers, _ in readings])
    weights = np.concatenate([weights for _, weights in readings])
    texts = np.repeat(np.arange(len(examples), dtype=np.int32), [len(numbers) for numbers, _ in readings])
    order = np.argsort(numbers, kind="stable")
    cells = ("id", "label", "name", "text", "place")
    rows = [json.dumps({cell: getattr(e, cell) for cell in cells}, ensure_ascii=False).encode() for e in examples]
    return Precedents(
        np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(_frequencies(scorer))))]),
        texts[order],
        weights[order].astype(np.float32),
        np.frombuffer(b"".join(rows), np.uint8),
        np.cumsum([0, *map(len, rows)]),
    )


def _hold_out(
    own: Precedent | None,
    precedents: Precedents | None,
    reading: _Reading,
    out_of_fold: Mapping[str, Mapping[str, float]],
) -> Opinion | None:
    if own is None or precedents is None:
        return None
    known = out_of_fold.get(own.id)
    source = "out of fold" if known is not None else "neighbours"
    probabilities = dict(known) if known is not None else precedents.vote(reading, own)
    if not probabilities:
        return None
    return Opinion(source, max(probabilities, key=probabilities.__getitem__), probabilities)


# ------------------------------------------------------------------------------------------------------------ codebook


def _codebook(scorer: Scorer, label: Label, reading: _Reading, read: _Read) -> tuple[Rule, ...]:
    """Return all lines of the two domains and the printed precedents that the text names; the closest lines first."""
    here = _known(reading)
    found = [
        Rule(domain.code, part, line, *_overlap(line, here, read))
        for domain in scorer.scheme.domains
        if domain.code in (label.domain, label.runner_up)
        for part, line in _lines(domain)
    ]
    named = [
        Rule(domain.code, "precedents", line, name, 1.0)
        for domain in scorer.scheme.domains
        for line in domain.precedents
        if (name := normalize(line).split("(")[0]) in reading.normal
    ]
    return (*named, *sorted(found, key=lambda rule: (-rule.overlap, -len(rule.item))))


def _lines(domain: Domain) -> Iterator[tuple[str, str]]:
    yield "definition", domain.definition
    for part, lines in (("includes", domain.includes), ("excludes", domain.excludes)):
        for line in lines:
            yield part, line


def _known(reading: _Reading) -> dict[int, float]:
    """Return the weights of the terms by number, without those of the offering clause."""
    held = reading.blocks != KINDS.index("offering")
    return dict(zip(reading.numbers[held].tolist(), reading.weights[held].tolist(), strict=True))


def _overlap(line: str, here: Mapping[int, float], read: _Read) -> tuple[str, float]:
    """Return the item of a line (``工业机器人、AGV``) of whose weight the text has the largest share, and the share."""
    found = [("", 0.0)]
    for item in filter(None, _ITEM_ENDS.split(normalize(line))):
        weights = _known(read(item))
        together = sum(weight**2 for weight in weights.values())
        shared = sum(weight**2 for number, weight in weights.items() if number in here)
        found.append((item, shared / together if together else 0.0))
    return max(found, key=lambda entry: (entry[1], len(entry[0])))


def _tie_rules(scorer: Scorer, first: str, second: str) -> tuple[TieRule, ...]:
    """Return the rules that name both domains, then those that name one, then those that name none at all."""
    chosen = [rule for rule in _naming_rules(scorer) if not rule.domains or {first, second} & set(rule.domains)]
    return tuple(sorted(chosen, key=lambda rule: -len({first, second} & set(rule.domains))))


@lru_cache(maxsize=4)
def _naming_rules(scorer: Scorer) -> tuple[TieRule, ...]:
    """Return the scheme's tie rules and whom they name: by a word that this domain's name alone holds (``软件``).

    The label out of scope has to be named in full: what it is called is what all others are.
    """
    names = {domain.code: normalize(domain.name) for domain in scorer.scheme.domains}
    found = []
    with _reader(scorer, 1) as read:
        for rule in scorer.scheme.tie_rules:
            reading = read(rule)
            words = [reading.normal[start:end] for start, end in reading.word_ends.items() if end - start > 1]
            holders = [[code for code, name in names.items() if word in name] for word in words]
            named = {codes[0] for codes in holders if len(codes) == 1} - {scorer.scheme.out_of_scope}
            named |= {code for code, name in names.items() if name in reading.normal}
            found.append(TieRule(rule, tuple(code for code in names if code in named)))
    return tuple(found)


# ------------------------------------------------------------------------------------------------------ for the reader


def to_record(evidence: Evidence) -> dict[str, Any]:
    """Return evidence as plain values, for JSON, with every term and place."""
    return {field.name: _plain(getattr(evidence, field.name)) for field in fields(evidence)}


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(held) for held in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def to_text(evidence: Evidence) -> str:
    """Return evidence for a terminal; numbers at words are what they add to the log-odds."""
    text = ("模型所读的文字（方括号内为对数优势）", [_marked(evidence.spans) or "（无）"])
    sections = [("", _head(evidence)), text, *_sections(evidence)]
    return "\n\n".join("\n".join(filter(None, (title, *lines))) for title, lines in sections)


def _head(evidence: Evidence) -> list[str]:
    label, (name, rival) = evidence.label, _names(evidence)
    status = "待人工判断" if label.status == "review" else "自动接受"
    said = evidence.log_odds - evidence.constant
    return [
        f"{name} {label.probability:.1%}，其次{rival} {label.runner_up_probability:.1%}（{status}）",
        f"对数优势 {evidence.log_odds:+.2f} = 文字 {said:+.2f}，与文字无关 {evidence.constant:+.2f}",
        f"模型 {evidence.model}",
    ]


def _sections(evidence: Evidence) -> Iterator[tuple[str, list[str]]]:
    """Yield heading and lines of what there is to say, in the order in which one asks."""
    for name, sign in zip(_names(evidence), (1, -1), strict=True):
        yield f"支持{name}", _speaking(evidence, sign)
    yield "怎样改动会改判", [_flip_line(evidence, flip) for flip in evidence.flips]
    if evidence.precedents:
        yield "最相近的已标注文字", [_precedent_line(evidence, near) for near in evidence.precedents]
    if evidence.own and evidence.held_out:
        yield "不看这段文字时的意见", [_opinion_line(evidence, evidence.own, evidence.held_out)]
    yield "分类手册", [*_rule_lines(evidence), *(f"判别：{rule.text}" for rule in _shown_ties(evidence))]
    if evidence.history:
        earlier = len(evidence.history) - _SHOWN_HISTORY
        lines = [_history_line(row) for row in evidence.history[-_SHOWN_HISTORY:]]
        yield "经过", [*([f"更早的{earlier}条从略"] if earlier > 0 else []), *lines]


def _names(evidence: Evidence) -> tuple[str, str]:
    return evidence.names[evidence.label.domain], evidence.names[evidence.label.runner_up]


def _marked(spans: Iterable[Span]) -> str:
    return "".join(s.text + (f"[{s.log_odds:+.1f}]" if abs(s.log_odds) >= _LEAST_SHOWN else "") for s in spans)


def _speaking(evidence: Evidence, sign: int) -> list[str]:
    """Return the words that speak for a domain, and the terms of the model behind them."""
    words = [f"{span.text} {span.log_odds:+.2f}" for span in _strongest(evidence.spans, sign)[:_SHOWN_WORDS]]
    terms = [
        f"{term.text}（{_KIND_NAMES[term.kind]}） {term.log_odds:+.2f}"
        for term in evidence.terms
        if term.log_odds * sign >= _LEAST_SHOWN
    ][:_SHOWN_WORDS]
    return [f"{head}：{'、'.join(found) or '（无）'}" for head, found in (("词", words), ("词项", terms))]


def _flip_line(evidence: Evidence, flip: Flip) -> str:
    unit, rival = _UNIT_NAMES[flip.unit], _names(evidence)[1]
    if flip.parts < 2:
        return f"{unit}不足两个，删去后无文字可判"
    limit = f"（只逐一试了最有分量的{flip.tried}个）" if flip.tried < flip.parts else ""
    if not flip.removed:
        return f"删去任何一个{unit}，或一并删去最有分量的几个，都不会改判为{rival}{limit}"
    removed = "、".join(f"“{_beginning(part, 30)}”" for part in flip.removed)
    several = "（逐一删去都不够，由强到弱一并删去）" if len(flip.removed) > 1 else ""
    return f"删去{len(flip.removed)}个{unit}{removed}，改判为{rival}（{flip.probability:.1%}）{several}{limit}"


def _precedent_line(evidence: Evidence, near: Precedent) -> str:
    head = f"{near.similarity:.2f} {evidence.names.get(near.label, near.label)}"
    return f"{head} {near.name or '（无名）'}：{_beginning(near.text, 42)} [{near.place}]"


def _opinion_line(evidence: Evidence, own: Precedent, opinion: Opinion) -> str:
    likely = sorted(opinion.probabilities.items(), key=lambda entry: -entry[1])[:3]
    shown = "、".join(f"{evidence.names.get(code, code)} {share:.0%}" for code, share in likely)
    who = "未见过它的模型" if opinion.source == "out of fold" else "与它最相近的其他文字（近邻投票，不是模型的概率）"
    return f"训练文字 {own.place}，标为{evidence.names.get(own.label, own.label)}；{who}：{shown}"


def _rule_lines(evidence: Evidence) -> list[str]:
    """Return the definitions of the two domains, and the lines of the codebook that the text comes closest to."""
    definitions = [rule for rule in evidence.codebook if rule.part == "definition"]
    definitions.sort(key=lambda rule: rule.domain != evidence.label.domain)
    near = [rule for rule in evidence.codebook if rule.overlap >= _LEAST_OVERLAP and rule not in definitions]
    return [
        f"{evidence.names[rule.domain]}，{_PART_NAMES[rule.part]}：{rule.text}"
        + (f"（文字有“{rule.item}”的{rule.overlap:.0%}）" if rule in near else "")
        for rule in (*definitions, *near[: 2 * _SHOWN_RULES])
    ]


def _shown_ties(evidence: Evidence) -> list[TieRule]:
    """Return the rules that name both domains, else those that name one, and those that hold for all."""
    pair = {evidence.label.domain, evidence.label.runner_up}
    both = [rule for rule in evidence.tie_rules if pair <= set(rule.domains)]
    one = [rule for rule in evidence.tie_rules if rule.domains and rule not in both]
    return [*(both or one)[:_SHOWN_RULES], *(rule for rule in evidence.tie_rules if not rule.domains)]


def _history_line(row: Mapping[str, Any]) -> str:
    return _beginning("，".join(f"{key} {value}" for key, value in row.items() if value not in (None, "")), 70)


def _beginning(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


def to_html(evidence: Evidence, *, heading: str = "") -> str:
    """Return evidence as one page that asks for no other file and prints on one sheet of A4.

    ``heading`` says whose case it is. Long texts and lists are cut (and the page says so); `to_record` has all.
    """
    from classifier.pages import render  # here: what is shown in a terminal must not wait for it

    spans = [span for span in evidence.spans if span.end <= PAGE_CHARACTERS]
    return render(
        "evidence.html",
        evidence=evidence,
        heading=heading or evidence.label.domain_name,
        pair=_names(evidence),
        head=_head(evidence),
        marks=[(span, _shade(span, evidence.spans)) for span in spans],
        left=len(evidence.normal) - sum(len(span.text) for span in spans),
        sections=list(_sections(evidence)),
    )


def _shade(span: Span, spans: Sequence[Span]) -> str:
    """Return the name of a shade: which side a word speaks for, and how loud among all (1 to 3)."""
    if abs(span.log_odds) < _LEAST_SHOWN:
        return ""
    loudest = max(abs(other.log_odds) for other in spans)
    return f"{'for' if span.log_odds > 0 else 'against'}{math.ceil(3 * abs(span.log_odds) / loudest)}"
