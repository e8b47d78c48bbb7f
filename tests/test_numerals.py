import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifier import numerals
from classifier.numerals import cell_text, cells, dimensions, interval_text, number_text
from tests.samples import province_domains, research, row, table


@given(
    st.floats(-1e300, 1e300) | st.just(np.nan) | st.just(np.inf),
    st.sampled_from([*numerals._UNITS, "years"]),
    st.booleans(),
)
def test_any_number_has_a_text(value, unit, signed):
    text = number_text(value, unit, signed=signed)
    assert re.fullmatch(r"—|[+-]?[\d,]+(\.\d+)?%?", text)
    assert not re.fullmatch(r"[+-][0,.]+%?", text)


def test_cells_are_found_by_dimensions_and_measure():
    found = cells(table("U6", "domains", ["year", "domain"], [row((2020, "platform"), "share", "share", 0.5, n=99)]))
    cell = found[2020, "platform", "share"]
    assert (cell_text(cell), interval_text(cell), cell.n) == ("50.0%", "[47.0%–53.0%]", 99)


def test_plain_cells_are_counts_without_intervals():
    single = table("U6", "domains", ["year"], [row((2020,), "events", "events", 447, plain=452)])
    [cell] = cells(single, plain=True).values()
    assert (cell_text(cell), interval_text(cell)) == ("452", "")


def test_quotients_and_means_are_not_written_as_the_unit_of_their_column():
    assert cells(province_domains())[2020, "北京", "platform", "location_quotient"].unit == "quotient"
    means = [cell for cell in cells(research()).values() if cell.unit == "wan"]
    assert [cell_text(cell) for cell in means] == ["4,323.5", "3,891.2"]
    assert dimensions(research()) == ["indicator", "group"]
