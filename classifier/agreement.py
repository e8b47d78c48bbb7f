"""Agreement of raters: Cohen's kappa and Krippendorff's alpha, overall, by domain and over time, with intervals.

A rater is a person or a model; ratings are a frame of items (rows) x raters (columns) that holds codes, with NaN, None
or "" where a rater did not rate. Intervals are 95 %, percentiles of a bootstrap over items. A statistic hangs on how
often each pattern of ratings occurs, not on which item shows it, so patterns are drawn (multinomial) instead of items:
the same distribution, at a cost that does not grow with the number of items.

Where all ratings are one code, agreement beyond chance is not defined: NaN.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from classifier.errors import InputError
from classifier.evaluate import RESAMPLES, Figure

OVERALL = "overall"


class Coded(NamedTuple):
    """Items that two raters both rated: places of their codes among ``codes``."""

    codes: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray


def to_ratings(rated: pd.DataFrame) -> pd.DataFrame:
    """Return ratings (items x raters) of a long frame item, rater, code, at; of several by one rater the latest counts.

    >>> rated = pd.DataFrame({"item": ["海川", "海川", "海川"], "rater": ["李", "王", "李"], "at": [1, 2, 3],
    ...                       "code": ["platform", "services", "services"]})
    >>> to_ratings(rated).loc["海川"].to_dict()
    {'李': 'services', '王': 'services'}
    """
    return _latest(rated).pivot(index="item", columns="rater", values="code")


def cohen_kappa(first: Sequence[str], second: Sequence[str], *, seed: int = 0) -> Figure:
    """Return Cohen's kappa of two raters over the items that both rated.

    Cohen, "A coefficient of agreement for nominal scales" (1960): (p_o - p_e) / (1 - p_e), the agreement observed and
    the one expected from each rater's own shares of the codes.

    >>> cohen_kappa(["platform", "platform", "security", "services"], ["platform", "security", "security", "services"])
    Figure(value=0.636..., low=0.0, high=1.0)
    """
    coded = _coded(first, second)
    return _figure(_kappa(_drawn_tables(coded, seed)))


def krippendorff_alpha(ratings: pd.DataFrame, *, seed: int = 0) -> Figure:
    """Return Krippendorff's alpha for nominal codes, any number of raters and missing ratings.

    Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C: 1 - D_o / D_e, the disagreement
    observed inside items and the one expected among all ratings of items that at least two raters rated.
    """
    counts, weights = _drawn_patterns(ratings, _codes_of(ratings), seed)
    return _figure(_alpha(counts, weights))


def agreement_by_domain(ratings: pd.DataFrame, codes: Sequence[str], *, seed: int = 0) -> pd.DataFrame:
    """Return Krippendorff's alpha overall and of each code against the rest, any number of raters.

    Index: `OVERALL`, then ``codes``. Columns: items (that two or more raters rated, one of them with the code), alpha,
    low, high.

    Raises
    ------
    InputError
        If a rating is not one of ``codes``.
    """
    counts, weights = _drawn_patterns(ratings, codes, seed)
    raters = counts.sum(axis=1)
    binary = [np.stack([given, raters - given], axis=1) for given in counts.T]
    figures = [_figure(_alpha(part, weights)) for part in [counts, *binary]]
    seen = weights[0] @ (counts > 0)
    return _frame([OVERALL, *codes], [weights[0].sum(), *seen], figures, "alpha")


def kappa_by_domain(
    first: Sequence[str], second: Sequence[str], codes: Sequence[str], *, seed: int = 0
) -> pd.DataFrame:
    """Return Cohen's kappa of two raters overall and of each code against the rest.

    Index and columns as `agreement_by_domain`, with kappa in place of alpha. Raises `InputError` as it does.
    """
    tables = _drawn_tables(_coded(first, second, codes), seed)
    hits, given, answered = np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1)
    items = tables.sum(axis=(1, 2))[:, None]
    by_chance = given * answered + (items - given) * (items - answered)
    binary = _beyond_chance(items - given - answered + 2 * hits, by_chance, items)
    figures = [_figure(_kappa(tables)), *(_figure(values) for values in binary.T)]
    return _frame([OVERALL, *codes], [items[0, 0], *(given + answered - hits)[0]], figures, "kappa")


def kappa_by_pair(ratings: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return one row for every two raters that share items: first, second, items, share (equal), kappa, low, high."""
    rows = []
    for first, second in combinations(ratings.columns, 2):
        coded = _coded(ratings[first], ratings[second])
        if len(coded.first):
            rows.append((first, second, *_pair_figures(coded, seed)))
    return pd.DataFrame(rows, columns=["first", "second", "items", "share", "kappa", "low", "high"])


def confusion(first: Sequence[str], second: Sequence[str], codes: Sequence[str]) -> pd.DataFrame:
    """Return how many items have each code by the first rater (rows) and by the second (columns).

    >>> confusion(["平台", "平台", None], ["平台", "服务", "服务"], ["平台", "服务"]).to_numpy().tolist()
    [[1, 1], [0, 0]]
    """
    table = _table(_coded(first, second, codes))
    return pd.DataFrame(table, index=_index(codes, "first"), columns=_index(codes, "second"))


def kappa_over_time(
    rated: pd.DataFrame, first: str, second: str, *, window: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return the kappa of two raters month by month, or of every ``window`` items in the order they were rated.

    Parameters
    ----------
    rated : DataFrame
        Long: item, rater, code, at (datetime64). An item counts where the later of its two ratings stands.
    window : int, optional
        Items a row; the last row has what is left.

    Returns
    -------
    DataFrame
        Columns: period (month as 2026-11, or first and last day), items, share (equal), kappa, low, high.
    """
    pairs = _pairs_in_order(rated, first, second)
    months = pairs["at"].dt.strftime("%Y-%m")
    groups = months if window is None else pd.Series(np.arange(len(pairs)) // window, index=pairs.index)
    rows = []
    for key, part in pairs.groupby(groups, sort=True):
        period = key if window is None else f"{part['at'].iloc[0]:%Y-%m-%d}/{part['at'].iloc[-1]:%Y-%m-%d}"
        rows.append((period, *_pair_figures(_coded(part["code_first"], part["code_second"]), seed)))
    return pd.DataFrame(rows, columns=["period", "items", "share", "kappa", "low", "high"])


def _latest(rated: pd.DataFrame) -> pd.DataFrame:
    return rated.sort_values("at", kind="stable").drop_duplicates(["item", "rater"], keep="last")


def _pairs_in_order(rated: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    latest = _latest(rated[_given(rated["code"])])
    parts = [latest.loc[latest["rater"] == rater, ["item", "code", "at"]] for rater in (first, second)]
    pairs = parts[0].merge(parts[1], on="item", suffixes=("_first", "_second"))
    pairs["at"] = pairs[["at_first", "at_second"]].max(axis=1)
    return pairs.sort_values("at", kind="stable")


def _given(codes: pd.Series) -> pd.Series:
    return codes.notna() & (codes != "")


def _codes_of(ratings: pd.DataFrame) -> list[str]:
    values = pd.Series(ratings.to_numpy(dtype=object).ravel(), dtype=object)
    return sorted(set(values[_given(values)]))


def _places(ratings: Sequence[str] | pd.Series, codes: Sequence[str]) -> np.ndarray:
    """Return the place of each rating among the codes, -1 where there is none."""
    values = pd.Series(np.asarray(ratings, dtype=object), dtype=object)
    places = _index(codes).get_indexer(_index(values))
    unknown = values[_given(values) & (places < 0)]
    if len(unknown):
        raise InputError(f"rating {unknown.iloc[0]!r} is not one of {', '.join(codes)}; correct the code")
    return places


def _index(values: Sequence[str] | pd.Series, name: str | None = None) -> pd.Index:
    return pd.Index(np.asarray(values, dtype=object), name=name)


def _coded(
    first: Sequence[str] | pd.Series, second: Sequence[str] | pd.Series, codes: Sequence[str] | None = None
) -> Coded:
    if len(first) != len(second):
        raise InputError(f"{len(first)} ratings by one rater and {len(second)} by the other, expected as many")
    if codes is None:
        codes = _codes_of(pd.DataFrame({0: np.asarray(first, dtype=object), 1: np.asarray(second, dtype=object)}))
    places = [_places(ratings, codes) for ratings in (first, second)]
    both = (places[0] >= 0) & (places[1] >= 0)
    return Coded(tuple(codes), places[0][both], places[1][both])


def _table(coded: Coded) -> np.ndarray:
    size = len(coded.codes)
    table = np.zeros((size, size), dtype=int)
    np.add.at(table, (coded.first, coded.second), 1)
    return table


def _drawn_tables(coded: Coded, seed: int) -> np.ndarray:
    """Return the confusion table and, behind it, one a bootstrap sample: shape (1 + RESAMPLES, codes, codes)."""
    table = _table(coded)
    return _drawn(table.ravel(), seed).reshape(1 + RESAMPLES, *table.shape)


def _drawn_patterns(ratings: pd.DataFrame, codes: Sequence[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each pattern has each code (patterns, codes), and each sample each pattern (samples, patterns).

    Items with fewer than two ratings cannot agree or disagree; they are left out.
    """
    places = np.stack([_places(ratings[rater], codes) for rater in ratings.columns], axis=1)
    counts = (places[:, :, None] == np.arange(len(codes))).sum(axis=1)
    patterns, times = np.unique(counts[counts.sum(axis=1) >= 2], axis=0, return_counts=True)
    return patterns, _drawn(times, seed)


def _drawn(times: np.ndarray, seed: int) -> np.ndarray:
    """Return how often each pattern occurs: row 0 in the sample itself, then one row a bootstrap sample of items."""
    total = times.sum()
    if not total:
        return np.zeros((1 + RESAMPLES, len(times)), dtype=int)
    return np.vstack([times, np.random.default_rng(seed).multinomial(total, times / total, size=RESAMPLES)])


def _kappa(tables: np.ndarray) -> np.ndarray:
    hits = np.trace(tables, axis1=1, axis2=2)
    by_chance = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1)
    return _beyond_chance(hits, by_chance, tables.sum(axis=(1, 2)))


def _beyond_chance(hits: np.ndarray, by_chance: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return (n h - e) / (n n - e): of n items h agree, and e / n would by chance; whole numbers, so 0 / 0 is seen."""
    left = items**2 - by_chance
    return np.divide(items * hits - by_chance, left, out=np.full(left.shape, np.nan), where=left > 0)


def _alpha(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    raters = counts.sum(axis=1)
    unequal_pairs = (raters**2 - (counts**2).sum(axis=1)) / (raters - 1)  # ordered, each item weighted by its raters
    observed, totals = weights @ unequal_pairs, weights @ counts
    ratings = totals.sum(axis=1)
    by_chance = ratings**2 - (totals**2).sum(axis=1)
    disagreement = np.divide(
        observed * (ratings - 1), by_chance, out=np.full(len(ratings), np.nan), where=by_chance > 0
    )
    return 1 - disagreement


def _figure(values: np.ndarray) -> Figure:
    drawn = values[1:][~np.isnan(values[1:])]
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) and not np.isnan(values[0]) else (np.nan, np.nan)
    return Figure(float(values[0]), float(low), float(high))


def _pair_figures(coded: Coded, seed: int) -> tuple[int, float, float, float, float]:
    share = float(np.mean(coded.first == coded.second))
    return (len(coded.first), share, *_figure(_kappa(_drawn_tables(coded, seed))))


def _frame(index: list[str], items: Sequence[float], figures: list[Figure], measure: str) -> pd.DataFrame:
    frame = pd.DataFrame(figures, columns=[measure, "low", "high"], index=_index(index, "domain"))
    frame.insert(0, "items", np.asarray(items, dtype=int))
    return frame
