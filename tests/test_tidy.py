import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import InputError
from classifier.study import FIGURE_COLUMNS, TOP_FIVE, TOTAL
from classifier.tidy import check_tables


def failing(tables, **options):
    return [finding for finding in check_tables(tables, **options) if finding.verdict == "fails"]


def tidy(dimensions, figures):
    """Return a tidy table from (*labels, measure, unit, plain[, value]) rows; the interval is the value."""
    rows = []
    for *labels, measure, unit, plain, value in figures:
        rows.append([*labels, measure, unit, 7, plain, value, value, value])
    return pd.DataFrame(rows, columns=[*dimensions, *FIGURE_COLUMNS])


def domains(before, after):
    """Return the table of domains for two years' counts."""
    rows = []
    for year, counts in ((2019, before), (2020, after)):
        for domain, count in [*counts.items(), (TOTAL, sum(counts.values()))]:
            rows.append((year, domain, "companies", "companies", count, count * 0.9))
            share = count / sum(counts.values())
            rows.append((year, domain, "share", "share", share, share))
    for domain in before:
        old, new = before[domain], after[domain]
        change = new / sum(after.values()) - old / sum(before.values())
        rows.append((2020, domain, "share_change", "points", change, change))
        rows.append((2020, domain, "companies_growth", "ratio", new / old - 1, new / old - 1))
    return tidy(["year", "domain"], rows)


COUNTS = st.fixed_dictionaries({name: st.integers(1, 10**6) for name in ("security", "platform", "services")})


@given(COUNTS, COUNTS, st.data())
def test_consistent_table_holds_and_any_changed_cell_is_found(before, after, data):
    table = domains(before, after)
    assert failing({"domains": table}) == []
    row = data.draw(st.integers(0, len(table) - 1))
    column = data.draw(st.sampled_from(["plain", "value"]))
    table[column] = table[column].astype(float)
    table.loc[row, column] += data.draw(st.sampled_from([-1, 1])) * (abs(table.loc[row, column]) * 1e-3 + 1e-3)
    assert failing({"domains": table})


def test_finding_of_a_tidy_table_says_where():
    table = domains({"security": 2, "platform": 6}, {"security": 5, "platform": 5})
    table.loc[(table["measure"] == "companies_growth") & (table["domain"] == "security"), "plain"] = 1.6
    [finding] = failing({"domains": table})
    assert (finding.expected, finding.found) == (1.5, 1.6)
    assert finding.place == "domains: year 2020, domain security: companies_growth (plain)"
    assert finding.reason == "expected 5 / 2 - 1 = 1.5; found 1.6"


def months(companies, events):
    """Return the table of months for figures by period."""
    rows = [(2020, period, "companies", "companies", count, count) for period, count in companies.items()]
    rows += [(2020, period, "events", "events", count, count) for period, count in events.items()]
    return tidy(["year", "period"], rows)


EVENTS = {"01": 3, "07": 2, "08": 4, "H1": 3, "H2": 6, "全年": 9}
COMPANIES = {"01": 3, "07": 2, "08": 4, "H1": 3, "H2": 5, "全年": 6}


def test_companies_of_months_may_overlap_and_events_may_not():
    assert failing({"months": months(COMPANIES, EVENTS)}) == []


@pytest.mark.parametrize(
    ("companies", "events", "measure"),
    [
        ({"H2": 3}, {}, "companies"),  # fewer than in the largest month
        ({"全年": 9}, {}, "companies"),  # more than in both halves
        ({}, {"H2": 7}, "events"),
        ({}, {"全年": 10}, "events"),
        ({"01": 4}, {}, "companies"),  # more companies than events
        ({}, {"08": 4.5}, "events"),  # a count is whole
    ],
)
def test_planted_fault_of_the_months_is_found(companies, events, measure):
    found = failing({"months": months(COMPANIES | companies, EVENTS | events)})
    assert found
    assert any(measure in finding.place for finding in found)


def test_events_without_a_month_may_stand_in_either_half():
    events = EVENTS | {"未知": 2, "H2": 7, "全年": 11}
    assert failing({"months": months(COMPANIES, events)}) == []
    assert failing({"months": months(COMPANIES, events | {"H2": 9})})


def test_channels_sum_and_other_parts_are_no_parts():
    amounts = {"首发": 290.0, "增发": 122.7, "配股": 28.3, "可转债": 80.5, "再融资": 231.5, TOTAL: 521.5}
    rows = [(channel, "amount_wan", "wan_rmb", amount, amount) for channel, amount in amounts.items()]
    assert failing({"financing_channels": tidy(["channel"], rows)}) == []
    rows[4] = ("再融资", "amount_wan", "wan_rmb", 231.4, 231.5)
    found = failing({"financing_channels": tidy(["channel"], rows)})
    assert [finding.place for finding in found] == ["financing_channels: channel 再融资: amount_wan (plain)"]


def test_five_largest_provinces_are_checked_and_unknown_is_none_of_them():
    counts = dict(zip(["广东", "北京", "上海", "江苏", "浙江", "山东", "未知"], [9, 8, 7, 6, 5, 4, 50], strict=True))
    rows = [("events", "events", count) for count in [*counts.values(), 35, 89]]
    labels = [*counts, TOP_FIVE, TOTAL]
    table = tidy(["province"], [(label, *row, row[-1]) for label, row in zip(labels, rows, strict=True)])
    assert failing({"provinces": table}) == []
    table.loc[table["province"] == TOP_FIVE, ["value", "low", "high"]] = 34
    [finding] = failing({"provinces": table})
    assert (finding.id, finding.expected, finding.found) == ("of which", 35, 34)


def test_share_is_of_the_nearest_total():
    counts = {
        ("A股", "科创板"): 26,
        ("A股", "创业板"): 13,
        ("A股", TOTAL): 39,
        ("港股", "港交所"): 2,
        ("港股", TOTAL): 2,
    }
    wholes = {"A股": 39, "港股": 2}
    rows = [(*labels, "companies", "companies", count, count) for labels, count in counts.items()]
    rows += [(*labels, "share", "share", *[count / wholes[labels[0]]] * 2) for labels, count in counts.items()]
    rows += [(TOTAL, TOTAL, "companies", "companies", 41, 41), (TOTAL, TOTAL, "share", "share", 1, 1)]
    assert failing({"boards": tidy(["market", "board"], rows)}) == []
    rows[5] = ("A股", "科创板", "share", "share", 26 / 41, 26 / 39)
    assert len(failing({"boards": tidy(["market", "board"], rows)})) == 1


def test_location_quotient_is_the_share_in_the_province_by_the_share_in_all():
    counts = {("广东", "security"): 3, ("广东", "platform"): 1, ("北京", "security"): 1, ("北京", "platform"): 3}
    rows = [(2020, *labels, "events", "events", count, count) for labels, count in counts.items()]
    rows += [(2020, province, TOTAL, "events", "events", 4, 4) for province in ("广东", "北京")]
    quotient = {labels: count / 4 / (4 / 8) for labels, count in counts.items()}
    rows += [(2020, *labels, "location_quotient", "ratio", found, found) for labels, found in quotient.items()]
    table = tidy(["year", "province", "domain"], rows)
    findings = [f for f in check_tables({"province_domains": table}) if f.id == "location quotient"]
    assert [finding.verdict for finding in findings] == ["holds"] * 4
    table.loc[table["measure"] == "location_quotient", "plain"] = 1.4
    assert len(failing({"province_domains": table})) == 4


@pytest.mark.parametrize(
    ("column", "figure", "id"),
    [("low", 0.6, "interval"), ("high", 0.4, "interval"), ("plain", 1.2, "share in 0..1"), ("n", 6.5, "count")],
)
def test_planted_fault_inside_a_row_is_found(column, figure, id):
    table = tidy(["investor"], [("深创投", "chance", "share", 0.5, 0.5)]).astype({"n": float})
    assert failing({"t": table}) == []
    table[column] = figure
    assert [finding.id for finding in failing({"t": table})] == [id]


def test_tables_of_one_population_have_one_total():
    of_domains = domains({"security": 4, "platform": 2}, {"security": 4, "platform": 2})
    of_months = months({"全年": 6}, {"全年": 9}).assign(value=float("nan"))
    assert failing({"months": of_months, "domains": of_domains}) == []
    of_months = months({"全年": 7}, {"全年": 9}).assign(value=float("nan"))
    found = failing({"months": of_months, "domains": of_domains})
    assert [(finding.id, finding.expected, finding.found) for finding in found] == [("same total", 7, 6)]


def test_growth_from_nothing_is_not_checked():
    rows = [(2019, "events", "events", 0, 0), (2020, "events", "events", 3, 3)]
    table = tidy(["year"], [*rows, (2020, "events_growth", "ratio", 1, float("nan"))])
    assert [f.verdict for f in check_tables({"t": table}) if f.id == "growth"] == ["not checked"]


def test_digits_of_a_rounded_output_are_a_tolerance():
    table = domains({"security": 1, "platform": 2}, {"security": 2, "platform": 1}).round(3)
    assert failing({"domains": table})
    assert failing({"domains": table}, tolerance=1e-3) == []


def test_bad_tables_are_named():
    table = domains({"security": 2}, {"security": 5})
    with pytest.raises(InputError, match="stands twice"):
        check_tables({"domains": pd.concat([table, table])})
    for wrong in ("many", float("inf")):
        with pytest.raises(InputError, match=f"domains, row 2, plain: {wrong!r} is no number"):
            check_tables({"domains": table.astype({"plain": object}).replace({"plain": {2: wrong}})})
