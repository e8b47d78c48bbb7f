import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from classifier.agreement import (
    OVERALL,
    agreement_by_domain,
    cohen_kappa,
    confusion,
    kappa_by_domain,
    kappa_by_pair,
    kappa_over_time,
    krippendorff_alpha,
    to_ratings,
)
from classifier.errors import InputError

CODES = ["platform", "security", "services"]


def by_two(table, codes=CODES):
    """Ratings of two raters that give a confusion table."""
    cells = [(a, b) for i, a in enumerate(codes) for j, b in enumerate(codes) for _ in range(table[i][j])]
    first, second = zip(*cells, strict=True)
    return list(first), list(second)


def spread(*rows):
    """Raters as rows of digits, a dot where one did not rate."""
    return pd.DataFrame([[None if c == "." else c for c in row] for row in rows], dtype=object).T


def test_kappa_of_cohen_1960():
    """200 patients by two psychiatrists: agreement 0.70, by chance 0.41."""
    first, second = by_two([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert cohen_kappa(first, second).value == pytest.approx(0.29 / 0.59)


def test_alpha_of_krippendorff_2011():
    four_raters = spread("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    assert krippendorff_alpha(four_raters).value == pytest.approx(0.743, abs=5e-4)  # section C
    assert krippendorff_alpha(spread("0100000010", "1110010000")).value == pytest.approx(0.095, abs=5e-4)  # A
    assert krippendorff_alpha(spread("aabbdcccedda", "babbbccceddd")).value == pytest.approx(0.692, abs=5e-4)  # B


def test_alpha_counts_pairs_as_the_definition_does():
    """D_o and D_e summed pair by pair, as slowly as they are written."""
    random = np.random.default_rng(5)
    ratings = pd.DataFrame(random.choice([*CODES, None], (30, 4)), dtype=object)
    units = [[code for code in row if code] for row in ratings.to_numpy()]
    units = [unit for unit in units if len(unit) > 1]
    inside = sum((a != b) / (len(unit) - 1) for unit in units for a in unit for b in unit)
    every = [code for unit in units for code in unit]
    among = sum(a != b for a in every for b in every) / (len(every) - 1)
    assert krippendorff_alpha(ratings).value == pytest.approx(1 - inside / among)


@given(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)), min_size=2, max_size=60))
def test_kappa_is_that_of_scikit_learn(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    ours = cohen_kappa(first, second).value
    if len({*first, *second}) == 1:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(cohen_kappa_score(first, second))


@given(st.lists(st.tuples(*[st.sampled_from([*CODES, None])] * 3), min_size=2, max_size=40), st.permutations(range(3)))
def test_the_order_of_raters_does_not_matter(rows, order):
    ratings = pd.DataFrame(rows, dtype=object)
    assert krippendorff_alpha(ratings) == pytest.approx(krippendorff_alpha(ratings[order]), nan_ok=True)
    first, second = cohen_kappa(ratings[0], ratings[1]), cohen_kappa(ratings[1], ratings[0])
    assert first.value == pytest.approx(second.value, nan_ok=True)


def test_perfect_agreement_is_one_and_independence_about_zero():
    random = np.random.default_rng(1)
    first, second = random.choice(CODES, (2, 20_000), p=[0.6, 0.3, 0.1])
    same = pd.DataFrame({"李": first, "王": first, "赵": first})
    assert krippendorff_alpha(same) == (1, 1, 1)
    assert cohen_kappa(first, first) == (1, 1, 1)
    assert cohen_kappa(first, second).value == pytest.approx(0, abs=0.02)
    assert krippendorff_alpha(pd.DataFrame({"李": first, "王": second})).value == pytest.approx(0, abs=0.02)


def test_no_variation_leaves_agreement_undefined():
    assert all(np.isnan(cohen_kappa(["platform"] * 5, ["platform"] * 5)))
    assert all(np.isnan(krippendorff_alpha(pd.DataFrame([["platform", "platform"]] * 5))))
    assert cohen_kappa(["platform"] * 5, ["security"] * 5).value == 0


def test_no_item_rated_twice_leaves_agreement_undefined():
    assert all(np.isnan(krippendorff_alpha(pd.DataFrame([["platform", None], [None, "security"]], dtype=object))))
    assert all(np.isnan(cohen_kappa([None], ["platform"])))


def test_items_with_one_rating_do_not_count():
    ratings = pd.DataFrame([["platform", "platform"], ["security", "services"], ["services", "services"]], dtype=object)
    more = pd.concat([ratings, pd.DataFrame([["platform", ""], [None, "security"], [np.nan, None]], dtype=object)])
    assert krippendorff_alpha(more) == krippendorff_alpha(ratings)
    assert cohen_kappa(more[0], more[1]) == cohen_kappa(ratings[0], ratings[1])


def test_interval_covers_the_truth_nineteen_times_in_twenty():
    """A planted error model: the second repeats the first with chance 0.7, else draws from all codes: kappa 0.7."""
    random, covered = np.random.default_rng(2), 0
    for seed in range(200):
        first, drawn = random.choice(CODES, (2, 150))
        second = np.where(random.random(150) < 0.7, first, drawn)
        _, low, high = cohen_kappa(first, second, seed=seed)
        covered += low <= 0.7 <= high
    assert 180 <= covered <= 199


def test_drawing_patterns_is_drawing_items():
    """The interval is as wide as the one of a bootstrap that draws items one by one."""
    random = np.random.default_rng(3)
    ratings = pd.DataFrame(random.choice([*CODES, None], (60, 3), p=[0.5, 0.2, 0.2, 0.1]), dtype=object)
    draws = [krippendorff_alpha(ratings.iloc[random.integers(0, 60, 60)]).value for _ in range(300)]
    _, low, high = krippendorff_alpha(ratings)
    assert [low, high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.05)


def test_the_same_seed_gives_the_same_interval():
    first, second = by_two([[8, 4, 1], [1, 4, 1], [2, 6, 12]])
    assert cohen_kappa(first, second, seed=4) == cohen_kappa(first, second, seed=4)
    assert cohen_kappa(first, second, seed=4) != cohen_kappa(first, second, seed=5)


def test_a_domain_is_held_against_the_rest():
    first, second = by_two([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    kappa = kappa_by_domain(first, second, CODES)
    alpha = agreement_by_domain(pd.DataFrame({"李": first, "王": second}), CODES)
    assert list(kappa.index) == list(alpha.index) == [OVERALL, *CODES]
    assert list(kappa["items"]) == list(alpha["items"]) == [200, 132, 80, 48]
    for code in CODES:
        ones = [["in" if c == code else "out" for c in codes] for codes in (first, second)]
        assert kappa.loc[code, "kappa"] == pytest.approx(cohen_kappa_score(*ones))
        assert alpha.loc[code, "alpha"] == pytest.approx(krippendorff_alpha(pd.DataFrame(ones).T).value)
    assert kappa.loc[OVERALL, "kappa"] == cohen_kappa(first, second).value
    assert (kappa["low"] < kappa["kappa"]).all() and (kappa["kappa"] < kappa["high"]).all()


def test_a_domain_nobody_gave_has_no_agreement():
    found = kappa_by_domain(["platform", "security"], ["platform", "platform"], CODES)
    assert np.isnan(found.loc["services", "kappa"]) and found.loc["services", "items"] == 0


def test_unknown_code_is_named():
    with pytest.raises(InputError, match="rating 'robots' is not one of platform"):
        agreement_by_domain(pd.DataFrame([["robots", "platform"]]), CODES)
    with pytest.raises(InputError, match="2 ratings by one rater and 1 by the other"):
        cohen_kappa(["platform", "platform"], ["platform"])


def test_confusion_has_the_first_rater_in_rows():
    first, second = by_two([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    found = confusion([*first, None], [*second, "services"], CODES)
    assert found.loc["platform", "security"] == 1 and found.to_numpy().sum() == 6
    assert list(found.index) == list(found.columns) == CODES


def test_every_two_raters_that_share_items_are_compared():
    ratings = pd.DataFrame({"李": list("aabb."), "王": list("aab.b"), "模型": list("....a")}).replace(".", None)
    found = kappa_by_pair(ratings)
    assert found[["first", "second", "items"]].to_numpy().tolist() == [["李", "王", 3], ["王", "模型", 1]]
    assert found["share"].tolist() == [1, 0]


def rated(rows):
    frame = pd.DataFrame(rows, columns=["item", "rater", "code", "at"])
    return frame.assign(at=pd.to_datetime(frame["at"]))


def test_of_several_ratings_by_one_rater_the_latest_counts():
    found = to_ratings(
        rated(
            [
                ["海川", "李", "services", "2026-11-03"],
                ["海川", "李", "platform", "2026-11-01"],
                ["远望", "王", "security", "2026-11-02"],
            ]
        )
    )
    assert found.loc["海川", "李"] == "services"
    assert pd.isna(found.loc["远望", "李"])


def test_kappa_by_month_stands_where_the_later_rating_does():
    rows = rated(
        [
            *([f"公司{i}", "李", code, "2026-09-20"] for i, code in enumerate("abab")),
            *([f"公司{i}", "模型", code, "2026-10-02"] for i, code in enumerate("abab")),
            *([f"公司{i}", "李", code, "2026-11-05"] for i, code in enumerate("abab", 10)),
            *([f"公司{i}", "模型", code, "2026-11-01"] for i, code in enumerate("baba", 10)),
            ["公司99", "李", "a", "2026-11-05"],
        ]
    )
    found = kappa_over_time(rows, "李", "模型")
    assert found[["period", "items", "share", "kappa"]].to_numpy().tolist() == [
        ["2026-10", 4, 1.0, 1.0],
        ["2026-11", 4, 0.0, -1.0],
    ]


def test_kappa_by_windows_of_items_in_order():
    days = pd.date_range("2026-11-01", periods=10, freq="D")
    rows = rated([[f"公司{d:%d}", rater, "ab"[d.day % 2], d] for d in days for rater in ("李", "王")])
    found = kappa_over_time(rows, "李", "王", window=4)
    assert found["items"].tolist() == [4, 4, 2]
    assert found["period"].iloc[0] == "2026-11-01/2026-11-04"
    assert found["kappa"].tolist() == [1, 1, 1]


def test_a_hundred_thousand_items_take_no_longer_than_their_patterns():
    random = np.random.default_rng(7)
    ratings = pd.DataFrame(random.choice([*CODES, None], (100_000, 4)), dtype=object)
    found = agreement_by_domain(ratings, CODES)
    assert found["items"].iloc[0] > 90_000 and found["high"].max() < 0.02
