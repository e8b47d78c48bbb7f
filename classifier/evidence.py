"""Why a text got its label, what would change it, and which labelled texts and rules speak to it.

The terms are those that the kernel found and weighed when it scored the text (`classifier.trace`): with what does not
hang on the text (`Evidence.constant`) they sum to the log-odds of the domain against its rival: the runner-up, or a
domain that somebody claims. Places are those of the normal form.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from classifier.domains import Domain
from classifier.errors import InputError
from classifier.precedents import SAME_TEXT, Precedent, Precedents
from classifier.scoring import Label, Scorer
from classifier.tables import beginning
from classifier.text import CLAUSE_ENDS, normalize
from classifier.trace import KINDS, Read, Trace, tracing

NEAREST = 5  # precedents that are shown
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
    """What has to go from a text before the rival is its domain: words (each everywhere) or clauses.

    parts, tried : how many the text has, and how many of them (the strongest) were tried alone
    removed : those that have to go, none where nothing was found; one is the least there is, more were found greedily
    remaining : the text without them, and ``probability`` of the rival there
    """

    unit: str
    parts: int
    tried: int
    removed: tuple[str, ...]
    remaining: str
    probability: float


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

    rival : code of what the domain is weighed against: the runner-up, or what somebody claims
    log_odds : natural log of the domain's probability over that of the rival
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
    rival: str
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
    rival: str | None = None,
    precedents: Precedents | None = None,
    out_of_fold: Callable[[str], Mapping[str, float] | None] = lambda id: None,
    history: Iterable[Mapping[str, Any]] = (),
) -> Evidence:
    """Return why a text got its label.

    Parameters
    ----------
    text : str
    scorer : Scorer
    rival : str, optional
        Code to weigh the domain against; the runner-up where none is given, or where it is the domain itself.
    precedents : Precedents, optional
        Labelled texts to compare with, see `classifier.precedents.load_precedents`.
    out_of_fold : callable, optional
        Gives, of a training text's id, probabilities by label from a model that did not see it
        (`classifier.artifact.read_held_out`). Where it has none, the text's neighbours vote (`Precedents.vote`).
    history : iterable of mappings
        What was said of the company before, oldest first; kept as it is.

    Raises
    ------
    InputError
        If ``rival`` is no code of the model.

    Examples
    --------
    >>> from classifier.scoring import load_scorer
    >>> found = explain("工业机器人的研发、生产和销售", load_scorer())
    >>> found.names[found.label.domain]
    '工业智能设备'
    >>> math.isclose(found.log_odds, found.constant + sum(term.log_odds for term in found.terms))
    True
    """
    if rival is not None and rival not in scorer.facts.labels:
        raise InputError(f"{rival!r} is not one of {', '.join(scorer.facts.labels)}; correct the domain")
    label = scorer.label([text])[0]
    pair = (label.domain, label.runner_up if rival in (None, label.domain) else rival)
    with tracing(scorer, 1) as read:
        trace = read(text)
        codebook = _codebook(scorer, pair, trace, read)
    added = trace.added(*pair)
    spans = _spans(trace, added)
    neighbours = precedents.nearest(trace, NEAREST) if precedents else ()
    own = neighbours[0] if neighbours and neighbours[0].similarity >= SAME_TEXT else None
    return Evidence(
        text=text,
        normal=trace.normal,
        model=scorer.facts.identity,
        scheme=scorer.scheme.version,
        names={domain.code: domain.name for domain in scorer.scheme.domains},
        label=label,
        rival=pair[1],
        probabilities=dict(zip(trace.labels, trace.probabilities.tolist(), strict=True)),
        log_odds=trace.log_odds(*pair),
        constant=trace.constant(*pair),
        terms=_terms(trace, added),
        spans=spans,
        flips=tuple(_find_flip(scorer, pair, trace.normal, unit, spans) for unit in ("word", "clause")),
        precedents=neighbours,
        own=own,
        held_out=_hold_out(own, precedents, trace, out_of_fold),
        codebook=codebook,
        tie_rules=_tie_rules(scorer, *pair),
        history=tuple(map(dict, history)),
    )


def explain_briefly(texts: Sequence[str], scorer: Scorer) -> Iterator[Brief]:
    """Yield one `Brief` a text, in order: for many texts, without what has to be searched for."""
    with tracing(scorer, len(texts)) as read:
        for text in texts:
            trace = read(text)
            first, second = trace.leaders
            spans = _spans(trace, trace.added(first, second))
            between = (rule.text for rule in _tie_rules(scorer, first, second) if {first, second} <= set(rule.domains))
            yield Brief(
                first,
                second,
                trace.log_odds(first, second),
                _strongest(spans, 1)[:_SHOWN_WORDS],
                _strongest(spans, -1)[:_SHOWN_WORDS],
                next((unit.text for unit in _units(trace.normal, "clause", spans)), ""),
                next(between, ""),
            )


# ------------------------------------------------------------------------------------------------- what the model read


def _terms(trace: Trace, added: np.ndarray) -> tuple[Term, ...]:
    places: list[list[Place]] = [[] for _ in trace.numbers]
    for at, begin, end in zip(trace.occurrence.tolist(), trace.begin.tolist(), trace.end.tolist(), strict=True):
        places[at].append((begin, end))
    terms = [
        Term(_term_text(trace, KINDS[block], *found[0]), KINDS[block], one * len(found), tuple(found))
        for block, one, found in zip(trace.blocks.tolist(), added.tolist(), places, strict=True)
    ]
    return tuple(sorted(terms, key=lambda term: -abs(term.log_odds)))


def _term_text(trace: Trace, kind: str, start: int, end: int) -> str:
    middle = end if kind == "characters" else min(trace.word_ends.get(start, end), end)
    return " ".join(filter(None, (trace.normal[start:middle], trace.normal[middle:end])))


def _spans(trace: Trace, added: np.ndarray) -> tuple[Span, ...]:
    """Return the normal form cut at its words; every term's part is spread evenly over its characters."""
    length = len(trace.normal)
    shares = added[trace.occurrence] / (trace.end - trace.begin)
    steps = np.bincount(trace.begin, shares, minlength=length + 1)
    steps -= np.bincount(trace.end, shares, minlength=length + 1)
    sums = np.concatenate([[0.0], np.cumsum(np.cumsum(steps))]).tolist()  # of all characters before a place
    cuts = sorted({0, length, *trace.word_ends, *trace.word_ends.values()})
    return tuple(
        Span(trace.normal[start:end], start, end, sums[end] - sums[start] if start in trace.word_ends else 0.0)
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


def _find_flip(scorer: Scorer, pair: tuple[str, str], normal: str, unit: str, spans: Sequence[Span]) -> Flip:
    """Return the smallest removal that makes the second of a pair the domain instead of the first.

    Every word or clause is tried alone, as far as `MOST_READ` goes. If none is enough, those that alone did most are
    removed together, one more each time, and what turns out not to be needed is put back. Only labels of texts that
    were scored again count.
    """
    first, second = (scorer.facts.labels.index(code) for code in pair)

    def rescore(sets: Sequence[Sequence[_Unit]]) -> list[tuple[float, float, Sequence[_Unit]]]:
        """Return log-odds, the second's probability (0 where it does not win) and the units of each set."""
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


# ------------------------------------------------------------------------------------------------------------ held out


def _hold_out(
    own: Precedent | None,
    precedents: Precedents | None,
    trace: Trace,
    out_of_fold: Callable[[str], Mapping[str, float] | None],
) -> Opinion | None:
    if own is None or precedents is None:
        return None
    known = out_of_fold(own.id)
    source = "out of fold" if known is not None else "neighbours"
    probabilities = dict(known) if known is not None else precedents.vote(trace, own)
    if not probabilities:
        return None
    return Opinion(source, max(probabilities, key=probabilities.__getitem__), probabilities)


# ------------------------------------------------------------------------------------------------------------ codebook


def _codebook(scorer: Scorer, pair: tuple[str, str], trace: Trace, read: Read) -> tuple[Rule, ...]:
    """Return all lines of the two domains and the printed precedents that the text names; the closest lines first."""
    here = _known(trace)
    found = [
        Rule(domain.code, part, line, *_overlap(line, here, read))
        for domain in scorer.scheme.domains
        if domain.code in pair
        for part, line in _lines(domain)
    ]
    named = [
        Rule(domain.code, "precedents", line, name, 1.0)
        for domain in scorer.scheme.domains
        for line in domain.precedents
        if (name := normalize(line).split("(")[0]) in trace.normal
    ]
    return (*named, *sorted(found, key=lambda rule: (-rule.overlap, -len(rule.item))))


def _lines(domain: Domain) -> Iterator[tuple[str, str]]:
    yield "definition", domain.definition
    for part, lines in (("includes", domain.includes), ("excludes", domain.excludes)):
        for line in lines:
            yield part, line


def _known(trace: Trace) -> dict[int, float]:
    """Return the weights of the terms by number, without those of the offering clause."""
    held = trace.blocks != KINDS.index("offering")
    return dict(zip(trace.numbers[held].tolist(), trace.weights[held].tolist(), strict=True))


def _overlap(line: str, here: Mapping[int, float], read: Read) -> tuple[str, float]:
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
    with tracing(scorer, 1) as read:
        for rule in scorer.scheme.tie_rules:
            trace = read(rule)
            words = [trace.normal[start:end] for start, end in trace.word_ends.items() if end - start > 1]
            holders = [[code for code, name in names.items() if word in name] for word in words]
            named = {codes[0] for codes in holders if len(codes) == 1} - {scorer.scheme.out_of_scope}
            named |= {code for code, name in names.items() if name in trace.normal}
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
    second, said = evidence.names[label.runner_up], evidence.log_odds - evidence.constant
    against = [] if rival == second else [f"以下与{rival}（{evidence.probabilities[evidence.rival]:.1%}）相比"]
    return [
        f"{name} {label.probability:.1%}，其次{second} {label.runner_up_probability:.1%}（{status}）",
        *against,
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
    return evidence.names[evidence.label.domain], evidence.names[evidence.rival]


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
    removed = "、".join(f"“{beginning(part, 30)}”" for part in flip.removed)
    several = "（逐一删去都不够，由强到弱一并删去）" if len(flip.removed) > 1 else ""
    return f"删去{len(flip.removed)}个{unit}{removed}，改判为{rival}（{flip.probability:.1%}）{several}{limit}"


def _precedent_line(evidence: Evidence, near: Precedent) -> str:
    head = f"{near.similarity:.2f} {evidence.names.get(near.label, near.label)}"
    return f"{head} {near.name or '（无名）'}：{beginning(near.text, 42)} [{near.place}]"


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
    pair = {evidence.label.domain, evidence.rival}
    both = [rule for rule in evidence.tie_rules if pair <= set(rule.domains)]
    one = [rule for rule in evidence.tie_rules if rule.domains and rule not in both]
    return [*(both or one)[:_SHOWN_RULES], *(rule for rule in evidence.tie_rules if not rule.domains)]


def _history_line(row: Mapping[str, Any]) -> str:
    return beginning("，".join(f"{key} {value}" for key, value in row.items() if value not in (None, "")), 70)


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
