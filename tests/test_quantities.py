from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.quantities import compare, exact, read_figure, total


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [("49.1", "holds"), ("49.2", "fails"), ("49.0", "fails"), ("49", "holds"), ("49.12", "holds"), ("49.10", "fails")],
)
def test_share_holds_if_its_rounding_reaches_the_ratio(printed, verdict):
    share = exact(222) / exact(452) * exact(100)  # 49.115...
    assert compare("", "", "", share, read_figure(printed, "%")).verdict == verdict


def test_rounding_of_parts_adds_up():
    parts = read_figure("1.1") + read_figure("1.1")
    assert [compare("", "", "", parts, read_figure(whole)).verdict for whole in ("2.3", "2.4")] == ["holds", "fails"]
    assert compare("", "", "", exact(172) + exact(251), exact(424)).verdict == "fails"  # counts are exact


def test_half_a_unit_of_the_last_digit_still_holds():
    eighth = exact(1) / exact(8) * exact(100)  # 12.5 is printed as 12 or as 13
    assert {compare("", "", "", eighth, read_figure(text, "%")).verdict for text in ("12", "13")} == {"holds"}


@given(
    st.lists(st.decimals(0, 10**6, places=4), min_size=1, max_size=12),
    st.integers(0, 3),
    st.integers(1, 10**6),
)
def test_rounded_sums_and_shares_hold_and_larger_changes_are_found(parts, places, whole):
    def printed(number):
        return read_figure(f"{number:.{places}f}", "元")

    sums = total([*map(printed, parts)]), printed(sum(parts))
    share = read_figure(f"{parts[0] / whole * 100:.{places}f}%")
    for expected, found in [sums, (exact(parts[0]) / exact(whole) * exact(100), share)]:
        finding = compare("", "", "", expected, found)
        assert finding.verdict == "holds"
        beyond = exact(Decimal(finding.tolerance * 2.001 + 1e-9))
        assert compare("", "", "", expected, found + beyond).verdict == "fails"
        assert compare("", "", "", expected, found - beyond).verdict == "fails"


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(0, 4))
def test_true_ratio_lies_in_the_ratio_of_roundings(part, whole, places):
    quotient = read_figure(f"{part / 7:.{places}f}", "%") / read_figure(f"{whole + 0.25:.{places}f}", "%")
    assert float(quotient.low) - 1e-9 <= part / 7 / (whole + 0.25) <= float(quotient.high) + 1e-9


@pytest.mark.parametrize(
    ("text", "unit", "high"),
    [("15", "家", 15), ("1,500", "家", 1500), ("15", "亿元", 15.5), ("15%", "", 15.5), ("15.0", "家", 15.05)],
)
def test_counts_are_exact_and_all_else_is_rounded(text, unit, high):
    assert float(read_figure(text, unit).high) == high


@pytest.mark.parametrize("text", ["", "many", "1,50", "1/2", "1e5"])
def test_text_that_is_no_figure_is_refused(text):
    with pytest.raises(ValueError, match="is no number"):
        read_figure(text)
