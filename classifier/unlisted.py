"""The report's tables of unlisted companies and their financing events (chapter 3): U1 to U8."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from classifier.correction import ratio
from classifier.entries import FIRST_OFFER
from classifier.study import (
    COMPANIES,
    EVENTS,
    LISTED_BY_LABEL,
    TOTAL,
    UNKNOWN,
    Filled,
    Sheet,
    Study,
    and_total,
    company_chances,
    day_text,
    distinct,
    exact,
    growth_of,
    listings_of,
    names_of,
    plainly_in_scope,
    put_parts,
    with_totals,
)

MONTHS = tuple(f"{month:02}" for month in range(1, 13))
GROUPS = {
    "early": "A+轮及以前",
    "late": "B轮及以后",
    "strategic": "战略投资",
    "other": "其他",
    "unknown": "未披露",
}
SEED_AND_ANGEL = "其中:种子轮和天使轮"
UNICORN_USD_100M = 10.0


def _events(study: Study) -> pd.DataFrame:
    """Return the venture events of both years before their companies were listed, with year, month and half."""
    rows = study.frame("events")
    rows = rows[rows["group"] != "none"]
    rows = rows.assign(year=rows["date"].dt.year, month=rows["date"].dt.month)
    rows = rows[rows["year"].isin(study.years)]
    if not study.given("listings"):
        return rows
    listings = study.frame("listings")
    first = listings[(listings["channel"] == FIRST_OFFER) & (listings["company"] >= 0)].groupby("company")["date"].min()
    return rows[~(rows["date"] >= rows["company"].map(first))]


def _event_notes(study: Study, kept: pd.DataFrame) -> list[str]:
    """Say what the events of both years lost on the way to those that count."""
    rows = study.frame("events")
    of_years = rows[rows["date"].dt.year.isin(study.years)]
    none = int((of_years["group"] == "none").sum())
    venture = of_years[of_years["group"] != "none"]
    unknown = int((kept["company"] < 0).sum())
    notes = ["并购、股权转让、IPO上市、债权融资等不计为融资事件" + (f"（两年共{none}起）。" if none else "。")]
    if len(venture) > len(kept):
        notes.append(f"{len(venture) - len(kept)}起发生在企业上市之后，不计入。")
    if unknown:
        notes.append(f"{unknown}起事件的企业不在企业名单中，无法归类，不计入。")
    return notes


_AMOUNTS = "金额只计披露者；「数千万」等文字按规则取值，取低值与取高值为所有文字都按低值、都按高值计的合计。"


def _put_amounts(
    sheet: Sheet, places: Sequence[tuple], sums: Callable[[pd.DataFrame, str | None], np.ndarray], rows: pd.DataFrame
) -> np.ndarray:
    """Put three sums of published amounts: at their point, low and high reading; return the first."""
    published = rows[rows["published"]]
    base = sums(published, None)
    columns = ("amount_wan", "amount_low_wan", "amount_high_wan")
    found = {column: sums(published, column) for column in columns}
    for column in columns:
        sheet.put(places, column, "wan_rmb", found[column], base)
    return found["amount_wan"]


def months(study: Study) -> Filled:
    """U1: companies, events and amounts by month, half and year."""
    rows = _events(study)
    by_month = rows["precision"].isin(("day", "month"))
    by_half = by_month | rows["precision"].isin(("quarter", "half"))
    month = rows["month"].map("{:02}".format).where(by_month, UNKNOWN)
    half = pd.Series(np.where(rows["month"] <= 6, "H1", "H2"), rows.index).where(by_half, UNKNOWN)
    sheet = Sheet("year", "period")
    for period, values in ((month, (*MONTHS, UNKNOWN)), (half, ("H1", "H2")), ("全年", ("全年",))):
        some = rows.assign(period=period)
        if UNKNOWN in values and not (month == UNKNOWN).any():
            values = values[:-1]
        _put_periods(sheet, study, some, values)
    notes = [*_event_notes(study, rows), _AMOUNTS, "一家企业在同一时段内只计一次，故各月企业数之和可大于全年。"]
    return sheet.frame(), notes


def _put_periods(sheet: Sheet, study: Study, rows: pd.DataFrame, values: Sequence[str]) -> None:
    by = {"year": study.years, "period": values}
    places = [(year, value) for year in study.years for value in values]

    def sums(some: pd.DataFrame, amount: str | None = None) -> np.ndarray:
        return study.in_scope(some, by, amount).reshape(len(places), -1)

    companies, events = sums(distinct(rows, "year", "period")), sums(rows)
    sheet.put(places, "companies", "companies", companies)
    sheet.put(places, "events", "events", events)
    sheet.put(places, "published_events", "events", sums(rows[rows["published"]]))
    amounts = _put_amounts(sheet, places, sums, rows)
    later = slice(len(values), None)
    base = _two_years(companies)
    for measure, found in (("companies_growth", companies), ("events_growth", events), ("amount_growth", amounts)):
        sheet.put(places[later], measure, "ratio", growth_of(_two_years(found), base)[0], base[1])


def _two_years(sums: np.ndarray) -> np.ndarray:
    return sums.reshape(2, -1, sums.shape[-1])


def round_groups(study: Study) -> Filled:
    """U2: events and amounts by group of rounds."""
    rows = _events(study)
    groups = [
        *((name, rows["group"] == group) for group, name in GROUPS.items()),
        (TOTAL, rows["group"] == rows["group"]),
        (SEED_AND_ANGEL, rows["round"].isin(("种子轮", "天使轮"))),
    ]
    whole = study.in_scope(rows, {"year": study.years})
    sheet = Sheet("year", "group")
    for name, chosen in groups:
        some, places = rows[chosen], [(year, name) for year in study.years]
        events = study.in_scope(some, {"year": study.years})
        put_parts(sheet, places, EVENTS, events, whole)
        _put_amounts(sheet, places, lambda part, amount: study.in_scope(part, {"year": study.years}, amount), some)
        _put_change(sheet, places[1:], events)
    notes = [
        *_event_notes(study, rows),
        "其他：新三板与定向增发，既不属于A+轮及以前，也不属于B轮及以后；未披露：轮次未披露。",
        _AMOUNTS,
    ]
    return sheet.frame(), notes


def _put_change(sheet: Sheet, places: Sequence[tuple], events: np.ndarray) -> None:
    """Put change and growth of events from the first of two years (or blocks of places) to the second."""
    two = _two_years(events)
    sheet.put(places, "events_change", "events", two[1] - two[0], two[1])
    sheet.put(places, "events_growth", "ratio", growth_of(two, two)[0], two[1])


def investors(study: Study) -> Filled:
    """U3: investors by the number of their companies that were listed in the year."""
    new = listings_of(study, FIRST_OFFER)
    rows = study.frame("events")
    rows = rows[(rows["group"] != "none") & (rows["company"] >= 0)]
    rows = rows[rows["company"].isin(new["company"])].explode("investors").dropna(subset="investors")
    rows = distinct(rows, "investors")
    names = sorted(rows["investors"].unique())
    sheet = Sheet("investor", "names")
    if names:
        counts = study.in_scope(rows, {"investors": names})
        portfolio = _portfolios(study, rows)
        order = sorted(range(len(names)), key=lambda place: (-counts[place, 0], -counts[place, 1], names[place]))
        order = [place for place in order if counts[place, 0] > 0]
        places = [(names[place], portfolio.get(names[place], "")) for place in order]
        sheet.put(places, "listed_companies", "companies", counts[order])
    return sheet.frame(), [f"{study.year}年上市、此前有其参与的融资事件的产业范围内企业数。"]


def _portfolios(study: Study, rows: pd.DataFrame) -> dict[str, str]:
    inside = plainly_in_scope(study, rows)
    inside = inside.assign(names=names_of(study, inside)).sort_values("names")
    return {str(investor): " ".join(some) for investor, some in inside.groupby("investors")["names"]}


def _located(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["company"] >= 0]
    return rows.assign(province=study.companies["province"].to_numpy()[rows["company"]])


def provinces(study: Study) -> Filled:
    """U4: events by province."""
    rows, values = _events(study), study.provinces
    events = study.in_scope(_located(study, rows), {"year": study.years, "province": values})
    sheet, blocks = Sheet("year", "province"), []
    for year, sums in zip(study.years, events, strict=True):
        names, counts = with_totals(values, sums)
        put_parts(sheet, [(year, name) for name in names], EVENTS, counts, counts[-1:])
        blocks.append(counts)
    _put_change(sheet, [(study.year, name) for name in names], np.concatenate(blocks))
    none = [value for value, plain in zip(values, events[..., 0].sum(axis=0), strict=True) if value and plain == 0]
    notes = [*_event_notes(study, rows), "前五合计：各年事件最多的五个省份之和。"]
    if none:
        notes.append(f"两年均无事件的省份：{'、'.join(none)}。")
    return sheet.frame(), notes


def province_domains(study: Study) -> Filled:
    """U5: events by province and domain, with location quotients."""
    values = study.provinces
    sums = study.sums(_located(study, _events(study)), {"year": study.years, "province": values})
    sheet, strong = Sheet("year", "province", "domain"), []
    for year, by_province in zip(study.years, sums, strict=True):
        present = [place for place, value in enumerate(values) if by_province[place, :, 0].sum() > 0]
        counts = and_total(by_province)
        whole = counts.sum(axis=0)
        share = ratio(counts, counts[:, -1:])
        quotient = ratio(share, ratio(whole, whole[-1:]))
        places = [(year, values[p] or UNKNOWN, code) for p in present for code in (*study.domains, TOTAL)]
        flat = (len(places), sums.shape[-1])
        base = np.broadcast_to(counts[:, -1:], counts.shape)[present].reshape(flat)
        sheet.put(places, "events", "events", counts[present].reshape(flat))
        sheet.put(places, "share", "share", share[present].reshape(flat), base)
        sheet.put(places, "location_quotient", "ratio", quotient[present].reshape(flat), base)
        above = _chance_above_one(quotient)[present].ravel()
        sheet.chance(places, "chance_above_one", (quotient[present, :, 0] > 1).ravel().astype(float), above)
        if year == study.year:
            strong = _characteristic(study, values, present, quotient, counts)
    notes = [
        "区位商为该领域占本省事件的份额除以该领域占全国事件的份额，大于1说明相对集中。",
        "「高于1的概率」为区位商大于1的把握。",
        *strong,
    ]
    return sheet.frame(), notes


def _chance_above_one(quotient: np.ndarray) -> np.ndarray:
    """Return the share of draws above 1; without draws whether the corrected quotient is."""
    return (quotient[..., min(2, quotient.shape[-1] - 1) :] > 1).mean(axis=-1)


def _characteristic(
    study: Study, values: Sequence[str], present: Sequence[int], quotient: np.ndarray, counts: np.ndarray
) -> list[str]:
    """Return what a province is known for: domains with a quotient above 1 in at least nine of ten draws."""
    found = []
    for place in present:
        sure = _chance_above_one(quotient[place, :-1]) >= 0.9
        domains = [study.scheme.name(code) for code, one in zip(study.domains, sure, strict=True) if one]
        if domains and values[place]:
            found.append(f"{values[place]}：{'、'.join(domains)}")
    return [f"{study.year}年特色领域（区位商大于1的把握不低于九成）：{'；'.join(found)}。"] if found else []


def domains(study: Study) -> Filled:
    """U6: companies with events by domain."""
    rows = _events(study)
    counts = and_total(study.sums(distinct(rows, "year"), {"year": study.years}))
    whole = np.broadcast_to(counts[:, -1:], counts.shape)
    share = ratio(counts, whole)
    codes = (*study.domains, TOTAL)
    sheet, later = Sheet("year", "domain"), [(study.year, code) for code in codes]
    for index, year in enumerate(study.years):
        put_parts(sheet, [(year, code) for code in codes], COMPANIES, counts[index], whole[index])
    sheet.put(later, "share_change", "points", share[1] - share[0], whole[1])
    sheet.put(later, "companies_growth", "ratio", growth_of(counts, counts)[0], counts[1])
    sheet.put(later, "share_growth", "ratio", growth_of(share, counts)[0], whole[1])
    return sheet.frame(), [*_event_notes(study, rows), "一家企业一年内有多起事件的只计一次。"]


def domain_amounts(study: Study) -> Filled:
    """U7: published amounts by domain."""
    rows = _events(study)
    by = {"year": study.years}
    codes = (*study.domains, TOTAL)
    places = [(year, code) for year in study.years for code in codes]

    def sums(some: pd.DataFrame, amount: str | None = None) -> np.ndarray:
        return and_total(study.sums(some, by, amount)).reshape(len(places), -1)

    sheet = Sheet("year", "domain")
    sheet.put(places, "published_companies", "companies", sums(distinct(rows[rows["published"]], "year")))
    _put_amounts(sheet, places, sums, rows)
    return sheet.frame(), [*_event_notes(study, rows), _AMOUNTS]


def unicorns(study: Study) -> Filled:
    """U8: companies valued at a billion USD or more."""
    rows = study.frame("valuations")
    rows = plainly_in_scope(study, rows[rows["valuation_usd"] >= UNICORN_USD_100M])
    rows = rows.sort_values(["valuation_usd", "company_id"], ascending=[False, True])
    sheet = Sheet("company_id", "name", "first_listed", "region", "round", "round_date")
    places = [
        (row.company_id, row.name_, day_text(row.first_listed), row.region, row.round, day_text(row.round_date))
        for row in rows.assign(name_=names_of(study, rows)).itertuples()
    ]
    if places:
        sheet.put(places, "valuation_usd", "usd_100m", exact(rows["valuation_usd"]), np.ones((len(rows), 1)))
        sheet.chance(places, "in_scope", *company_chances(study, rows))
    return sheet.frame(), ["估值不低于10亿美元。", LISTED_BY_LABEL]
