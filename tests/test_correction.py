import csv

import numpy as np
import pytest

from classifier.correction import (
    COLUMNS,
    Confusion,
    Stratum,
    confusion_csv,
    draw_labels,
    interval,
    ratio,
    read_confusion,
)
from classifier.errors import InputError
from classifier.evaluate import Judged
from classifier.resources import model_folder

CODES = ("platform", "security", "out_of_scope")
PLATFORM, SECURITY, OUTSIDE = (Stratum("unlisted", code, "accepted") for code in CODES)


def confusion(*rows):
    """Return a confusion: one row of true labels (in the order of CODES) a stratum, sampling weight 1."""
    strata = (PLATFORM, SECURITY, OUTSIDE)
    return Confusion(CODES, {s: {1.0: np.array(row, float)} for s, row in zip(strata, rows, strict=True)})


PERFECT = confusion([10_000, 0, 0], [0, 10_000, 0], [0, 0, 10_000])
MIXED = confusion([80, 10, 10], [5, 90, 5], [1, 1, 98])


def counts(labelling):
    """Return the tally of all companies in one cell: shape (labels, 2 + draws)."""
    size = len(labelling.plain)
    return labelling.tally(np.arange(size), np.zeros(size, int), 1)[0]


def unlabelled(strata):
    return [""] * len(strata)


def test_counts_of_a_perfect_classifier_stay_as_they_are():
    strata = [PLATFORM] * 60 + [SECURITY] * 40 + [OUTSIDE] * 900
    plain, value, low, high = interval(counts(draw_labels(strata, unlabelled(strata), PERFECT)))
    assert plain.tolist() == [60, 40, 900]
    np.testing.assert_allclose(value, plain, atol=0.1)
    np.testing.assert_allclose([low, high], [plain, plain], atol=1.5)


def test_a_known_confusion_gives_the_hand_computed_count():
    """A fifth of what is called platform is security: of 100 platforms and no security, 80 and 20 are expected."""
    known = confusion([80_000, 20_000, 0], [0, 100_000, 0], [0, 0, 100_000])
    plain, value, low, high = interval(counts(draw_labels([PLATFORM] * 100, [""] * 100, known)))
    assert plain.tolist() == [100, 0, 0]
    np.testing.assert_allclose(value, [80, 20, 0], atol=0.02)
    half = 1.96 * np.sqrt(100 * 0.8 * 0.2)  # what is left is chance among the companies: a binomial
    np.testing.assert_allclose([low[1], high[1]], [20 - half, 20 + half], atol=1.5)


def test_texts_count_by_their_sampling_weight():
    """90 light texts were right, 10 that stand for nine times as many were wrong: half is right."""
    texts = {1.0: np.array([9_000.0, 0, 0]), 9.0: np.array([0, 0, 1_000.0])}
    found = draw_labels([PLATFORM], [""], Confusion(CODES, {PLATFORM: texts}))
    np.testing.assert_allclose(found.expected[0], [0.5, 0, 0.5], atol=0.001)


def test_heavy_texts_say_less_than_as_many_light_ones():
    light = Confusion(CODES, {PLATFORM: {1.0: np.array([50.0, 0, 50])}})
    mixed = Confusion(CODES, {PLATFORM: {1.0: np.array([45.0, 0, 45]), 30.0: np.array([5.0, 0, 5])}})
    assert _width(light) < 0.7 * _width(mixed)


def _width(known, companies=2_000):
    _, _, low, high = interval(counts(draw_labels([PLATFORM] * companies, [""] * companies, known)))
    return high[0] - low[0]


def test_more_held_out_texts_narrow_the_interval():
    few, many = (confusion(*(np.array([[8, 1, 1], [0, 9, 1], [0, 0, 10]]) * times)) for times in (1, 100))
    assert _width(many) < 0.3 * _width(few)


def test_status_tells_more_than_the_label_alone():
    review = PLATFORM._replace(status="review")
    known = Confusion(CODES, {PLATFORM: {1.0: np.array([900.0, 0, 100])}, review: {1.0: np.array([300.0, 0, 700])}})
    found = draw_labels([PLATFORM, review], ["", ""], known)
    np.testing.assert_allclose(found.expected[:, 0], [0.9, 0.3], atol=0.005)


def test_a_stratum_without_texts_borrows_from_its_label_and_is_unsure():
    listed = PLATFORM._replace(population="listed")
    found = draw_labels([PLATFORM, listed], ["", ""], MIXED)
    assert found.expected[1].argmax() == 0
    right = (found.draws == 0).mean(axis=1)
    assert right[0] > 0.7 > right[1] > 0.4


def test_a_label_that_no_text_speaks_of_may_be_anything():
    found = draw_labels([PLATFORM], [""], Confusion(CODES, {}))
    np.testing.assert_allclose(found.expected[0], [1 / 3] * 3)


def test_many_sampling_weights_do_not_drown_the_texts():
    weights = np.linspace(1, 2, 200)
    texts = {weight: np.array([1.0, 0, 0]) for weight in weights}
    others = {weight: np.array([0.0, 0, 1]) for weight in weights}
    found = draw_labels([PLATFORM], [""], Confusion(CODES, {PLATFORM: texts, OUTSIDE: others}))
    assert found.expected[0, 0] > 0.99


def test_a_persons_label_is_certain_and_outranks_the_model():
    found = draw_labels([PLATFORM, PLATFORM], ["security", ""], MIXED)
    assert found.plain.tolist() == [1, 0]
    assert found.expected[0].tolist() == [0, 1, 0]
    assert set(found.draws[0]) == {1}
    assert len(set(found.draws[1])) > 1


def test_labels_given_by_people_leave_nothing_unsure():
    labels = ["platform"] * 7 + ["security"] * 3
    found = interval(counts(draw_labels([OUTSIDE] * 10, labels, MIXED)))
    assert [figure.tolist() for figure in found] == [[7, 3, 0]] * 4


def test_parts_sum_to_the_total_in_every_draw():
    random = np.random.default_rng(0)
    strata = [(PLATFORM, SECURITY, OUTSIDE)[place] for place in random.integers(0, 3, 50)]
    found = draw_labels(strata, ["security", *unlabelled(strata)[1:]], MIXED, draws=100)
    company, cell, amount = random.integers(0, 50, 200), random.integers(0, 4, 200), random.lognormal(size=200)
    sums = found.tally(company, cell, 4, amount)
    assert sums.shape == (4, 3, 102)
    for place in range(4):
        np.testing.assert_allclose(sums[place].sum(axis=0), amount[cell == place].sum())


def test_a_tally_is_the_sum_over_rows():
    """One company with two events in one cell and one in another, beside a company whose label is certain."""
    found = draw_labels([PLATFORM, PLATFORM], ["", "security"], MIXED, draws=20)
    sums = found.tally(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2, np.array([1.0, 2.0, 4.0, 8.0]))
    for label in range(3):
        is_it = np.concatenate([[label == 0], found.expected[:1, label], found.draws[0] == label])
        np.testing.assert_allclose(sums[0, label], 3 * is_it)
        np.testing.assert_allclose(sums[1, label], 4 * is_it + 8 * (label == 1))


def test_a_company_has_one_label_in_all_its_events():
    found = draw_labels([PLATFORM], [""], MIXED, draws=50)
    events = found.tally(np.zeros(5, int), np.zeros(5, int), 1)[0]
    assert set(events[:, 2:].ravel()) == {0, 5}


def test_nobody_counts_nothing():
    nothing = np.zeros(0, int)
    found = draw_labels([], [], MIXED, draws=5).tally(nothing, nothing, 2)
    assert found.shape == (2, 3, 7)
    assert not found.any()


def test_the_order_of_companies_does_not_matter_for_the_value():
    strata = [PLATFORM] * 30 + [SECURITY] * 20 + [OUTSIDE] * 50
    person = ["security"] * 5 + [""] * 95
    order = np.random.default_rng(1).permutation(100)
    one = draw_labels(strata, person, MIXED)
    other = draw_labels([strata[i] for i in order], [person[i] for i in order], MIXED)
    np.testing.assert_allclose(one.expected[order], other.expected)
    for figure, again in zip(interval(counts(one)), interval(counts(other)), strict=True):
        np.testing.assert_allclose(figure, again, atol=2)


def test_the_seed_decides_the_draws():
    one, same, other = (draw_labels([PLATFORM] * 50, [""] * 50, MIXED, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.draws, same.draws)
    assert (one.draws != other.draws).any()


def test_a_draw_of_a_company_takes_a_byte():
    found = draw_labels([PLATFORM] * 1_000, [""] * 1_000, MIXED, draws=500)
    assert found.draws.shape == (1_000, 500)
    assert found.draws.nbytes == 500_000


@pytest.mark.parametrize(
    ("strata", "person"), [([PLATFORM], ["robots"]), ([PLATFORM._replace(predicted="robots")], [""])]
)
def test_an_unknown_label_is_named(strata, person):
    with pytest.raises(InputError, match="label 'robots' is not one of platform, security, out_of_scope"):
        draw_labels(strata, person, MIXED)


def test_an_interval_holds_its_value_and_leaves_out_what_cannot_be_computed():
    sums = np.array([[1.0, 2.0, *range(101)], [0.0, 150.0, *range(101)], [np.nan] * 103])
    sums[0, 2] = np.nan
    plain, value, low, high = interval(sums)
    np.testing.assert_array_equal(plain, [1, 0, np.nan])
    np.testing.assert_array_equal(value, [2, 150, np.nan])
    np.testing.assert_array_equal(low, [2, 2, np.nan])
    np.testing.assert_array_equal(high, [98, 150, np.nan])


def test_an_interval_has_no_end_where_growth_may_be_from_nothing():
    *_, low, high = interval(np.array([[1.0, 3.0, *range(90), *[np.inf] * 10]]))
    assert (low, high) == (2, np.inf)


def test_a_ratio_to_nothing_is_none():
    np.testing.assert_array_equal(ratio(np.array([[1.0], [0.0]]), np.array([4.0, 0.0])), [[0.25, np.nan], [0, np.nan]])


def _write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_confusion_is_read_as_it_was_written(tmp_path):
    judged = Judged(
        ["platform", "platform", "security", "out_of_scope"],
        ["platform", "platform", "platform", "out_of_scope"],
        np.ones(4),
        np.array([True, True, True, False]),
        np.array([1.0, 1.0, 2.5, 1 / 3]),
    )
    path = tmp_path / "confusion.csv"
    path.write_text(confusion_csv("AII-2020/mine", {"unlisted": judged}), encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines() == [
        ",".join(COLUMNS),
        "AII-2020/mine,unlisted,out_of_scope,review,out_of_scope,0.3333,1",
        "AII-2020/mine,unlisted,platform,accepted,platform,1.0,2",
        "AII-2020/mine,unlisted,platform,accepted,security,2.5,1",
    ]
    found = read_confusion(path, CODES)
    assert found.models == {"AII-2020/mine"}
    assert found.codes == CODES
    assert {s: {w: row.tolist() for w, row in by_weight.items()} for s, by_weight in found.counts.items()} == {
        OUTSIDE._replace(status="review"): {0.3333: [0, 0, 1]},
        PLATFORM: {1.0: [2, 0, 0], 2.5: [0, 1, 0]},
    }


GOOD = ["AII-2020/mine", "unlisted", "platform", "accepted", "security", "1.0", "3"]


@pytest.mark.parametrize(
    ("place", "cell", "message"),
    [
        (2, "robots", "label 'robots' is not one of platform, security, out_of_scope"),
        (4, "robots", "label 'robots' is not one of"),
        (5, "heavy", "'heavy' is not a number above 0"),
        (5, "0", "'0' is not a number above 0"),
        (6, "nan", "'nan' is not a number above 0"),
        (6, "", "'' is not a number above 0"),
    ],
)
def test_a_bad_cell_is_named_with_file_and_line(tmp_path, place, cell, message):
    bad = [*GOOD[:place], cell, *GOOD[place + 1 :]]
    path = _write(tmp_path / "confusion.csv", [COLUMNS, GOOD, bad])
    with pytest.raises(InputError, match=f"confusion.csv: line 3: {message}"):
        read_confusion(path, CODES)


def test_a_row_that_ends_early_is_named(tmp_path):
    path = _write(tmp_path / "confusion.csv", [COLUMNS, GOOD[:5]])
    with pytest.raises(InputError, match=r"confusion.csv: line 2: None is not a number above 0"):
        read_confusion(path, CODES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read .*; make one with gonglian evaluate"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"", "no held-out text"),
        (b"model,population,predicted,truth,texts\nm,a,b,c,1\n", "no column status, weight; found model, population"),
    ],
)
def test_a_file_that_is_no_confusion_is_named(tmp_path, content, message):
    path = tmp_path / "confusion.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"confusion.csv: {message}"):
        read_confusion(path, CODES)


# P(predicted, true label) of companies in a small simulated world: rows are predicted, columns true labels.
WORLD = np.array([[0.05, 0.01, 0.04], [0.005, 0.03, 0.005], [0.005, 0.02, 0.835]])


def _held(known_as, populations=150, texts=400, companies=2_000):
    """Return in how many populations of 100 the intervals hold the true counts, a mean over the labels.

    The correction is told that ``known_as`` times as many held-out texts showed what it sees; 0: no correction, but
    the binomial interval of the plain count.
    """
    random, held = np.random.default_rng(5), []
    for seed in range(populations):
        shown = random.multinomial(texts, WORLD.ravel()).reshape(3, 3)
        table = random.multinomial(companies, WORLD.ravel()).reshape(3, 3)
        truth, predicted = table.sum(axis=0), table.sum(axis=1)
        if known_as:
            strata = [s for s, size in zip((PLATFORM, SECURITY, OUTSIDE), predicted, strict=True) for _ in range(size)]
            found = draw_labels(strata, unlabelled(strata), confusion(*(shown * known_as)), draws=300, seed=seed)
            _, _, low, high = interval(counts(found))
        else:
            half = 1.96 * np.sqrt(predicted * (1 - predicted / companies))
            low, high = predicted - half, predicted + half
        held.append((low <= truth) & (truth <= high))
    return 100 * np.mean(held)


def test_intervals_hold_the_true_counts_as_often_as_they_say():
    assert 92 <= _held(known_as=1) <= 98


def test_intervals_that_take_the_held_out_sample_for_the_truth_hold_far_less():
    assert _held(known_as=1_000) < 70


def test_binomial_intervals_of_plain_counts_hold_far_less():
    assert _held(known_as=0) < 50


def test_the_shipped_confusion_is_that_of_the_shipped_model(scorer):
    shipped = read_confusion(model_folder() / "confusion.csv", scorer.scheme.codes)
    assert shipped.models == {scorer.facts.identity}, "make card"
    assert 0.05 < 1 - shipped.called("unlisted")["out_of_scope"] < 0.2
