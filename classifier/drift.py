"""Have the texts, or what the model says of them, moved away from those that it was measured on?

What it says of these lies beside a model as ``profile.json``: numbers of texts by bin, for each population of companies
(`read_model_profile`); no text.

The population stability index of binned shares: the sum over bins of (q - p) ln(q / p), p in the reference and q now.
Siddiqi, "Credit risk scorecards" (2006) has the rule: below 0.1 nothing has moved, from 0.25 on the model is not to be
relied on. The index of two samples of one population is not 0: it is about 1/n + 1/m times a chi-square variable with a
degree of freedom less than bins (Yurdakul and Naranjo, "Statistical properties of the population stability index",
2020). Where its 99 % point reaches the warning, the rule cannot tell drift from chance, and says so: with the 95 %
point, one week of ten with 50 companies was stopped without drift (startups of the held-out half, drawn anew), with
this one, one of a hundred.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from classifier.artifact import Model
from classifier.errors import InputError, LedgerError
from classifier.evaluate import BINS, probability_bins
from classifier.ledger import Ledger, Prediction
from classifier.outputs import whole_file
from classifier.scoring import Label
from classifier.tables import align
from classifier.text import Segmenter, load_dictionary, normalize

WARN, STOP = 0.1, 0.25  # Siddiqi's rule
UNKNOWN_ENDS = (0.0, 0.02, 0.05, 0.1, 0.2, 1.0)  # upper ends of the bins of the unknown-term rate
MOST_READ = 2_000  # texts whose words are looked up: more say no more about a rate
PROFILE = "profile.json"  # in a model's folder
_CHANCE = 0.01  # of a sample without drift
_BORROWED = 0.5  # texts that every bin gets, so that an empty one does not make the index infinite
_FORMAT = 1
_MAKE = "make one with gonglian audit drift --save"


@dataclass(frozen=True)
class Profile:
    """What a model says of some texts: by feature, the number of texts by bin.

    The numbers of weighted texts sum to how many equally weighted ones say as much (Kish, "Survey sampling", 1965).
    """

    model: str
    source: str
    features: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Drift(NamedTuple):
    """How far a feature has moved.

    reference, current : numbers of texts
    psi : the index
    by_chance : what 1 of 100 pairs of samples of these sizes exceed without any drift
    verdict : ok, warn, stop, or "too few texts" where chance alone reaches the warning and the index is no higher
    moved : the bin that adds most, and ``before``, ``after`` its shares
    """

    feature: str
    reference: float
    current: float
    psi: float
    by_chance: float
    verdict: str
    moved: str
    before: float
    after: float


def make_profile(
    model: str,
    source: str,
    labels: Sequence[str],
    probability: np.ndarray,
    accepted: np.ndarray,
    *,
    unknown: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> Profile:
    """Return the profile of texts: label, probability of the label, accepted or not, and rate of unknown terms.

    Parameters
    ----------
    labels, probability, accepted
        One a text (texts,).
    unknown
        Rates of some of the texts or of all (`unknown_rates`).
    weight
        How many companies each text stands for (default: one). With weights, ``unknown`` has one rate a text.

    >>> profile = make_profile("AII-2020/mine", "2020", ["security"] * 3, np.array([0.95, 0.8, 0.75]), np.ones(3, bool))
    >>> profile.features["probability"]
    {'0.7-0.8': 1.0, '0.8-0.9': 1.0, '0.9-1.0': 1.0}
    """
    weights = np.ones(len(labels)) if weight is None else weight
    bins = [f"{bin / BINS:.1f}-{(bin + 1) / BINS:.1f}" for bin in probability_bins(probability)]
    status = ["accepted" if one else "review" for one in accepted]
    features = {
        "label": _counts(labels, weights),
        "probability": _counts(bins, weights),
        "status": _counts(status, weights),
    }
    if unknown is not None:
        rates = [_unknown_bin(rate) for rate in unknown]
        features["unknown terms"] = _counts(rates, np.ones(len(rates)) if weight is None else weights)
    return Profile(model, source, features)


def _counts(bins: Sequence[str], weight: np.ndarray) -> dict[str, float]:
    names, places = np.unique(np.asarray(bins, dtype=object), return_inverse=True)
    mass = np.bincount(places, weight, minlength=len(names))
    scale = weight.sum() / (weight**2).sum() if len(weight) else 1.0
    return {str(name): round(float(one * scale), 4) for name, one in zip(names, mass, strict=True)}


def _unknown_bin(rate: float) -> str:
    return f"up to {next(end for end in UNKNOWN_ENDS if rate <= end):.0%}"


def unknown_rates(texts: Sequence[str], model: Model) -> np.ndarray:
    """Return for each text the share of its words that the model has not learned, 1 where it has no word at all.

    Many words are left out of a model although it has seen them, because they tell nothing; most of them stand in pairs
    that are kept, and count as learned.
    """
    segmenter = Segmenter(load_dictionary(model.lexicon))
    vocabularies = [block.vocabulary for block in model.blocks if block.kind != "characters"]
    known = {word for vocabulary in vocabularies for term in vocabulary for word in term.split(" ")}
    rates = []
    for text in texts:
        words = segmenter.words(normalize(text))
        rates.append(sum(word.text not in known for word in words) / len(words) if words else 1.0)
    return np.array(rates)


def profile_texts(
    source: str, texts: Sequence[str], labels: Sequence[Label], model: Model, weight: np.ndarray | None = None
) -> Profile:
    """Return the profile of texts that a model has labelled; ``weight`` as for `make_profile`."""
    return make_profile(
        model.identity,
        source,
        [label.domain for label in labels],
        np.array([label.probability for label in labels]),
        np.array([label.status == "accepted" for label in labels]),
        unknown=unknown_rates(texts, model),
        weight=weight,
    )


def drift(reference: Profile, current: Profile) -> list[Drift]:
    """Return how far each feature has moved that both profiles have, and whether that is to be acted on.

    >>> before, now = ({"label": {"security": a, "platform": b}} for a, b in ((500, 500), (800, 200)))
    >>> [found] = drift(Profile("m", "2019", before), Profile("m", "2020", now))
    >>> round(found.psi, 2), found.verdict, found.moved
    (0.41, 'stop', 'platform')
    """
    return [
        _moved(feature, counts, current.features[feature])
        for feature, counts in reference.features.items()
        if feature in current.features
    ]


def is_to_stop(found: Sequence[Drift]) -> bool:
    """Return whether labels should no longer be accepted without a reader."""
    return any(one.verdict == "stop" for one in found)


def _moved(feature: str, reference: Mapping[str, float], current: Mapping[str, float]) -> Drift:
    bins = sorted({*reference, *current})
    counts = np.array([[held.get(bin, 0.0) for bin in bins] for held in (reference, current)])
    shares, parts = stability(*counts)
    first, second = counts.sum(axis=1).tolist()
    psi, by_chance = float(parts.sum()), chance_point(len(bins), first, second)
    place = int(parts.argmax())
    before, after = shares[:, place].tolist()
    return Drift(feature, first, second, psi, by_chance, _verdict(psi, by_chance), bins[place], before, after)


def stability(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of the bins, shape (2, bins), and what each bin adds to the population stability index.

    Every bin gets half a text, so that an empty one adds something finite.

    >>> stability(np.array([999.5, 999.5]), np.array([999.5, 999.5]))[1].sum()
    np.float64(0.0)
    """
    counts = np.stack([reference, current]) + _BORROWED
    shares = counts / counts.sum(axis=1, keepdims=True)
    return shares, (shares[1] - shares[0]) * np.log(shares[1] / shares[0])


def chance_point(bins: int, reference: float, current: float) -> float:
    """Return what the index of two samples of one population exceeds in 1 of 100 cases.

    >>> round(chance_point(8, 1000, 1000), 3)
    0.037
    """
    from scipy.special import chdtri  # 0.1 seconds that other commands need not wait for

    if min(reference, current) <= 0:
        return float("inf")
    return float(chdtri(max(bins - 1, 1), _CHANCE)) * (1 / reference + 1 / current)


def _verdict(psi: float, by_chance: float) -> str:
    if psi <= by_chance and by_chance >= WARN:
        return "too few texts"
    return "stop" if psi >= STOP else "warn" if psi >= WARN else "ok"


def profile_ledger(
    ledger: Ledger,
    unknown: Callable[[Sequence[str]], np.ndarray] | None = None,
    *,
    model: str | None = None,
    since: date | None = None,
    until: date | None = None,
    seed: int = 0,
) -> Profile:
    """Return the profile of a ledger's newest descriptions.

    Parameters
    ----------
    unknown
        Looks up the rates of unknown terms, of `MOST_READ` texts drawn at random where there are more.
    model
        Whose predictions count (default: the model of the last prediction); two models are never mixed, and the source
        says how many descriptions are left out for that.
    since, until
        The first day of the descriptions, and the first day after them.

    Raises
    ------
    LedgerError
        If there is no prediction of such a description.
    """
    with ledger.reading():
        predictions, texts = ledger.current_predictions(), ledger.latest_descriptions()
    last = max(predictions.values(), key=lambda prediction: prediction.prediction_id, default=None)
    chosen = model or (last.model if last else "")
    first_day, end_day = (day.isoformat() if day else "" for day in (since, until))
    inside = [
        (prediction, texts[company].text)
        for company, prediction in predictions.items()
        if texts[company].description_id == prediction.description_id
        if first_day <= texts[company].dated and (not end_day or texts[company].dated < end_day)
    ]
    found = [(prediction, text) for prediction, text in inside if prediction.model == chosen]
    window = f"{first_day or 'the first'} to {f'before {end_day}' if end_day else 'the last'}"
    if not found:
        raise LedgerError(_nothing_predicted(ledger.path, window, chosen, [prediction for prediction, _ in inside]))
    others = len(inside) - len(found)
    return make_profile(
        chosen,
        f"{ledger.path.name}, descriptions from {window}"
        + (f"; {others:,} by other models left out" if others else ""),
        [prediction.domain for prediction, _ in found],
        np.array([max(prediction.probabilities.values()) for prediction, _ in found]),
        np.array([prediction.status == "accepted" for prediction, _ in found]),
        unknown=unknown(_sample([text for _, text in found], seed)) if unknown else None,
    )


def _nothing_predicted(path: Path, window: str, model: str, others: Sequence[Prediction]) -> str:
    found = f"{path}: no description from {window} with a prediction by {model or 'any model'}"
    if not others:
        return f"{found}; add companies with gonglian track, or name another window"
    return (
        f"{found}, but by {', '.join(sorted({one.model for one in others}))}: name the folder of that model with "
        "--model, or give gonglian track the companies again"
    )


def _sample(texts: Sequence[str], seed: int) -> list[str]:
    chosen = np.random.default_rng(seed).permutation(len(texts))[:MOST_READ]
    return [texts[place] for place in sorted(chosen)]


def to_text(reference: Profile, current: Profile, found: Sequence[Drift]) -> str:
    """Return what has moved, as a table for a terminal."""
    heads = ["feature", "n before", "n now", "PSI", "by chance", "verdict", "moved most", "before", "now"]
    rows = [
        [
            *(one.feature, f"{one.reference:.0f}", f"{one.current:.0f}", f"{one.psi:.3f}", f"{one.by_chance:.3f}"),
            *(one.verdict, one.moved, f"{one.before:.1%}", f"{one.after:.1%}"),
        ]
        for one in found
    ]
    sources = f"before: {reference.source} ({reference.model})\nnow: {current.source} ({current.model})"
    rule = f"PSI: warn from {WARN}, stop accepting from {STOP}; by chance: what 1 of 100 samples passes without drift"
    return f"{sources}\n\n{align([heads, *rows])}\n\n{rule}"


def write_profile(profile: Profile, path: Path) -> None:
    """Keep a profile as a JSON file.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with whole_file(path) as stream:
        stream.write(_to_json(_to_record(profile)).encode())


def model_profile_json(profiles: Mapping[str, Profile]) -> str:
    """Return the profiles of held-out texts, by population of companies, as the text of a model's ``profile.json``."""
    return _to_json({population: _to_record(profile) for population, profile in profiles.items()})


def read_profile(path: Path) -> Profile:
    """Return the profile kept in a file.

    Raises
    ------
    InputError
        If it cannot be read, or is no profile.
    """
    try:
        return _to_profile(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_MAKE}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no profile ({error!r}); {_MAKE}") from error


def read_reference(path: Path, identity: str) -> Profile:
    """Return the profile kept in a file, of what the model of ``identity`` said.

    Raises
    ------
    InputError
        If it cannot be read, is no profile, or was made with another model.
    """
    profile = read_profile(path)
    if profile.model != identity:
        raise InputError(
            f"{path}: made with {profile.model}, not with {identity}: what moved may be the model; {_MAKE}, or name "
            "the folder of the other model with --model"
        )
    return profile


def read_model_profile(folder: Path, population: str, identity: str) -> Profile:
    """Return what a model said of the held-out texts of a population of companies.

    Raises
    ------
    InputError
        If the model's folder has no profile of it, or one that was made with another model than that of ``identity``.
    """
    path = folder / PROFILE
    ways = (
        f"make one with gonglian evaluate FILE --model {folder} --profile {path} --population {population}, compare "
        "with the ledger's past (--since DAY --past), or name a --reference"
    )
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        profile = _to_profile(held[population]) if population in held else None
    except FileNotFoundError:
        raise InputError(f"{folder}: no {PROFILE}, the profile of held-out texts; {ways}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {ways}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no profile of a model ({error!r}); {ways}") from error
    if profile is None:
        raise InputError(f"{path}: holds {', '.join(held) or 'nothing'}, not {population}; {ways}")
    if profile.model != identity:
        raise InputError(f"{path}: made with {profile.model}, not with {identity}, the model beside it; {ways}")
    return profile


def _to_json(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def _to_record(profile: Profile) -> dict[str, object]:
    return {"format": _FORMAT, **asdict(profile)}


def _to_profile(held: Mapping[str, Any]) -> Profile:
    """Return a profile from the JSON of a file; what is not one raises ValueError, KeyError or the like."""
    if held["format"] != _FORMAT:
        raise ValueError(f"format {held['format']!r}, this version reads {_FORMAT}")
    features = {
        str(feature): {str(bin): _number(count) for bin, count in counts.items()}
        for feature, counts in held["features"].items()
    }
    return Profile(str(held["model"]), str(held["source"]), features)


def _number(count: object) -> float:
    number = float(str(count))
    if not 0 <= number < float("inf"):
        raise ValueError(f"{count!r} is not a number of texts")
    return number
