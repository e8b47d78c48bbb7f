"""An old model against a new one: what flips, which is right more often, and which tables move."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from classifier.aggregate import build_tables
from classifier.correction import Confusion
from classifier.domains import Scheme
from classifier.errors import InputError
from classifier.evaluate import (
    Figure,
    Judged,
    confusion_tables,
    figure_of,
    judge,
    label_places,
    precision_recall_f1,
    resampled_counts,
    share_of,
)
from classifier.impact import COLUMNS, changes_between
from classifier.scoring import Label, Scorer
from classifier.study import Comparison, Sources
from classifier.tables import align

FLIP_COLUMNS = (
    *("old", "old_probability", "old_status"),
    *("new", "new_probability", "new_status"),
    *("person", "nearer"),
)


class Difference(NamedTuple):
    """A figure under both models, and new less old: the same bootstrap samples for both."""

    figure: str
    old: Figure
    new: Figure
    difference: Figure


class Discordant(NamedTuple):
    """Texts on which one model alone is right, and McNemar's exact p that this is chance."""

    old_alone: int
    new_alone: int
    p: float


def flips(ids: Sequence[str], old: Sequence[Label], new: Sequence[Label], person: Mapping[str, str]) -> pd.DataFrame:
    """Return the companies that two models label differently.

    Parameters
    ----------
    ids
        One a company, as the labels of both models.
    person
        Codes that people gave, by id.

    Returns
    -------
    frame
        Index company_id, `FLIP_COLUMNS`: ``person`` is "" where nobody gave a label; ``nearer`` says which model that
        label speaks for: old, new, neither, or "" without one. In the order of ``ids``.
    """
    rows = {
        company_id: (*_said(before), *_said(after), label := person.get(company_id, ""), _nearer(before, after, label))
        for company_id, before, after in zip(ids, old, new, strict=True)
        if before.domain != after.domain
    }
    index = pd.Index(list(rows), dtype=object, name="company_id")
    return pd.DataFrame(list(rows.values()), index=index, columns=list(FLIP_COLUMNS))


def _said(label: Label) -> tuple[str, float, str]:
    return label.domain, label.probability, label.status


def _nearer(old: Label, new: Label, person: str) -> str:
    return {"": "", old.domain: "old", new.domain: "new"}.get(person, "neither")


def compare_figures(
    old: Judged, new: Judged, codes: Sequence[str], out_of_scope: str, *, seed: int = 0
) -> list[Difference]:
    """Return the figures of two models on the same texts, with the interval of their difference (paired bootstrap).

    macro-F1 over the labels that occur, scope-F1 and accuracy count every text once; the rest by ``weight``.

    Raises
    ------
    InputError
        If the texts are not the same, there is none, or a label is not among ``codes``.
    """
    if list(old.truth) != list(new.truth) or not np.array_equal(old.weight, new.weight):
        raise InputError("the two models were not judged on the same texts; give both the same held-out file")
    if not len(old.truth):
        raise InputError("no labelled text to compare on; the label column is empty in every row")
    samples = [_samples(judged, codes, out_of_scope, seed) for judged in (old, new)]
    return [
        Difference(name, figure_of(first), figure_of(samples[1][name]), figure_of(samples[1][name] - first))
        for name, first in samples[0].items()
    ]


def _samples(judged: Judged, codes: Sequence[str], out_of_scope: str, seed: int) -> dict[str, np.ndarray]:
    """Return every figure of the texts themselves and, behind it, of bootstrap samples: the same for equal seeds."""
    truth, predicted = label_places(judged.truth, codes), label_places(judged.predicted, codes)
    counts = resampled_counts(np.random.default_rng(seed), len(truth))
    tables = confusion_tables(counts, truth, predicted, len(codes))
    inside = np.array([code != out_of_scope for code in codes], dtype=int)
    in_scope = confusion_tables(counts, inside[truth], inside[predicted], 2)
    present = tables[0].sum(axis=1) > 0
    weights, right, accepted = counts * judged.weight, truth == predicted, judged.accepted.astype(bool)
    return {
        "macro-F1": precision_recall_f1(tables)[2][:, present].mean(axis=1),
        "scope-F1": precision_recall_f1(in_scope)[2][:, 1],
        "accuracy": share_of(counts, right),
        "weighted accuracy": share_of(weights, right),
        "share accepted": share_of(weights, accepted),
        "accuracy of the accepted": share_of(weights * accepted, right),
        "the same, in scope": share_of(weights * (accepted & inside[predicted].astype(bool)), right),
    }


def compare_hits(old: Judged, new: Judged) -> Discordant:
    """Return on how many texts one model alone is right, with the exact p of McNemar's test.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947):
    without a difference each of these texts is a fair coin. Every text counts once.

    >>> truth, nothing = ["安全"] * 8, np.ones(8)
    >>> first, second = (Judged(truth, said, nothing, nothing, nothing) for said in (["平台"] * 8, truth))
    >>> compare_hits(first, second)
    Discordant(old_alone=0, new_alone=8, p=0.0078125)
    """
    from scipy.special import bdtr

    hits = [np.array(judged.predicted, object) == np.array(judged.truth, object) for judged in (old, new)]
    old_alone, new_alone = int((hits[0] & ~hits[1]).sum()), int((hits[1] & ~hits[0]).sum())
    either = old_alone + new_alone
    tail = float(bdtr(min(old_alone, new_alone), either, 0.5)) if either else 1.0
    return Discordant(old_alone, new_alone, min(1.0, 2 * tail))


def moved_figures(
    sources: Sources,
    old: Sequence[Label],
    new: Sequence[Label],
    scheme: Scheme,
    confusion: Confusion,
    comparison: Comparison,
) -> pd.DataFrame:
    """Return the plain figures of the tables that differ under two models; a person's label stays.

    Plain alone: what corrects the counts of the old model does not correct those of the new one.

    Parameters
    ----------
    old, new
        The models' labels, one a company of ``sources``.

    Returns
    -------
    frame
        Columns table, printed_as, place, measure, unit, plain_before, plain_after, plain_difference as those of
        `classifier.impact.impact`, a row a figure that moves, in the order of the tables.
    """
    once = replace(comparison, draws=0)
    before, after = (build_tables(_labelled(sources, labels), scheme, confusion, once) for labels in (old, new))
    rows = [change for pair in zip(before, after, strict=True) for change in changes_between(*pair)]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    moved = found["plain_before"].fillna(np.inf) != found["plain_after"].fillna(np.inf)
    return found[moved].filter(regex="^(?!value_)").reset_index(drop=True)


def _labelled(sources: Sources, labels: Sequence[Label]) -> Sources:
    """Return the sources with the predictions of a model."""
    domains, status = [label.domain for label in labels], [label.status for label in labels]
    return replace(sources, companies=sources.companies.assign(domain=domains, status=status))


@dataclass(frozen=True)
class Compared:
    """Two models side by side; ``figures`` and ``hits`` are None where there is no text with a person's label."""

    old: str
    new: str
    companies: int
    flips: pd.DataFrame
    judged: int
    figures: list[Difference] | None
    hits: Discordant | None


def compare(
    old: Scorer,
    new: Scorer,
    ids: Sequence[str],
    texts: Sequence[str],
    person: Sequence[str],
    weight: Sequence[float] | None = None,
) -> Compared:
    """Return what two models say of the same texts, and which is nearer to what people say.

    Parameters
    ----------
    ids, texts
        One a company.
    person
        The code that a person gave, or "". Texts that either model was trained on say nothing: leave theirs empty.
    weight
        How many companies each text stands for (default: one).

    Raises
    ------
    InputError
        If the schemes of the models differ.
    """
    return compare_said((old, new), (old.label(texts), new.label(texts)), ids, person, weight)


def compare_said(
    models: Sequence[Scorer],
    said: Sequence[Sequence[Label]],
    ids: Sequence[str],
    person: Sequence[str],
    weight: Sequence[float] | None = None,
) -> Compared:
    """Return `compare` of what an old and a new model said."""
    (old, new), (before, after) = models, said
    if old.scheme.digest != new.scheme.digest:
        raise InputError(
            f"model {old.facts.identity} and model {new.facts.identity} are of different schemes; compare two of one"
        )
    known = [place for place, code in enumerate(person) if code]
    truth = [person[place] for place in known]
    weights = [1.0 if weight is None else weight[place] for place in known]
    first, second = (judge([labels[place] for place in known], truth, weights) for labels in (before, after))
    scheme = new.scheme
    return Compared(
        old.facts.identity,
        new.facts.identity,
        len(ids),
        flips(ids, before, after, dict(zip(ids, person, strict=True))),
        len(known),
        compare_figures(first, second, scheme.codes, scheme.out_of_scope) if known else None,
        compare_hits(first, second) if known else None,
    )


def to_record(compared: Compared) -> dict[str, Any]:
    """Return a comparison as plain data, for JSON."""
    figures = compared.figures and {
        one.figure: {name: getattr(one, name)._asdict() for name in ("old", "new", "difference")}
        for one in compared.figures
    }
    return {
        "old": compared.old,
        "new": compared.new,
        "companies": compared.companies,
        "flips": compared.flips.reset_index().to_dict("records"),
        "judged": compared.judged,
        "figures": figures,
        "hits": compared.hits and compared.hits._asdict(),
    }


def to_text(compared: Compared, name_of: Callable[[str], str]) -> str:
    """Return a comparison as tables of text: the figures, then what flips."""
    share = len(compared.flips) / max(compared.companies, 1)
    flipped = f"{len(compared.flips)} of {compared.companies} labels flip ({share:.1%})"
    parts = [f"old {compared.old}, new {compared.new}: {flipped}"]
    if compared.figures and compared.hits:
        rows = [
            [one.figure, f"{one.old.value:.3f}", f"{one.new.value:.3f}", f"{one.difference.value:+.3f}", _range(one)]
            for one in compared.figures
        ]
        parts.append(
            f"{compared.judged} texts with a person's label; intervals: 95 %, paired bootstrap\n"
            + align([["figure", "old", "new", "difference", "95 %"], *rows])
        )
        hits = compared.hits
        parts.append(f"right alone: old {hits.old_alone}, new {hits.new_alone}; McNemar's exact p = {hits.p:.3g}")
    if len(compared.flips):
        pairs = Counter(zip(compared.flips["old"], compared.flips["new"], strict=True)).most_common()
        rows = [[f"{name_of(old)} → {name_of(new)}", str(count)] for (old, new), count in pairs]
        parts.append(align([["flips", "companies"], *rows]))
    return "\n\n".join(parts)


def _range(one: Difference) -> str:
    return f"{one.difference.low:+.3f} to {one.difference.high:+.3f}"
