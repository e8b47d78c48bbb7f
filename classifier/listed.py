"""The report's tables of listed companies (chapter 2): L1 to L9."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from classifier.correction import ratio
from classifier.entries import FIRST_OFFER
from classifier.study import (
    COMPANIES,
    DOMESTIC,
    LISTED_BY_LABEL,
    NEW_COMPANIES,
    TOTAL,
    Filled,
    Sheet,
    Study,
    and_total,
    company_chances,
    distinct,
    exact,
    growth_of,
    listings_of,
    names_of,
    plainly_in_scope,
    put_parts,
    with_totals,
    without_amount,
)

REFINANCING = ("增发", "配股", "可转债")
RESEARCH = ("研发人数", "占员工人数比(%)", "研发支出(万元)", "研发支出占营收比(%)")
PATENTS = ("发明专利", "实用新型专利", "外观设计专利", "国际专利")
DOUBLED = 1.0  # 表2-3 lists companies whose market value rose by 100 % or more


def market_value(study: Study) -> Filled:
    """L1: market value at the end of both years, its growth, and that without the companies listed in between."""
    rows = study.frame("market_values")
    by = {"year": study.years}
    values, companies = study.in_scope(rows, by, "market_value_wan"), study.in_scope(distinct(rows, "year"), by)
    sheet, places = Sheet("year"), [(year,) for year in study.years]
    sheet.put(places, "companies", "companies", companies)
    sheet.put(places, "market_value_wan", "wan_rmb", values, companies)
    sheet.put([(study.year,)], "growth", "ratio", growth_of(values, companies), companies[1:])
    before = set(rows["company"][rows["year"] == study.years[0]])
    if study.given("listings"):
        before -= set(listings_of(study, FIRST_OFFER)["company"])
    old = rows[rows["company"].isin(before)]
    kept = study.in_scope(old, by, "market_value_wan")
    companies = study.in_scope(distinct(old, "year"), by)
    sheet.put([(study.year,)], "growth_without_new", "ratio", growth_of(kept, companies), companies[1:])
    notes = [f"不含{study.year}年新上市企业的增速只比较两个年末均有市值的企业。"]
    return sheet.frame(), notes


def channels(study: Study) -> Filled:
    """L2: companies and amounts by channel of financing in the domestic market."""
    rows = listings_of(study, FIRST_OFFER, *REFINANCING)
    rows = rows[rows["market"] == DOMESTIC]
    sheet = Sheet("channel")
    for name, channels in [
        *((channel, (channel,)) for channel in (FIRST_OFFER, *REFINANCING)),
        ("再融资", REFINANCING),
        (TOTAL, (FIRST_OFFER, *REFINANCING)),
    ]:
        some = rows[rows["channel"].isin(channels)]
        companies = study.in_scope(distinct(some), {})
        sheet.put([(name,)], "companies", "companies", companies[None])
        _put_amount(sheet, [(name,)], study, some, {})
    notes = ["只计境内市场；一家企业有多种融资方式的，在合计中只计一次。", *without_amount(rows)]
    return sheet.frame(), notes


def _put_amount(
    sheet: Sheet, places: Sequence[tuple], study: Study, rows: pd.DataFrame, by: Mapping[str, Sequence]
) -> None:
    """Put the sum of published amounts, resting on the rows that have one."""
    published = rows[rows["amount_wan"].notna()]
    shape = (len(places), -1)
    base = study.in_scope(published, by).reshape(shape)
    sheet.put(places, "amount_wan", "wan_rmb", study.in_scope(published, by, "amount_wan").reshape(shape), base)


def overseas(study: Study) -> Filled:
    """L3: the companies listed abroad, with amount and the chance that they are in scope."""
    rows = listings_of(study, FIRST_OFFER)
    rows = plainly_in_scope(study, rows[rows["market"] != DOMESTIC]).sort_values(["date", "company_id"])
    sheet = Sheet("company_id", "name", "date", "market", "board")
    places = [
        (row.company_id, row.name_, f"{row.date:%Y-%m-%d}", row.market, row.board)
        for row in rows.assign(name_=names_of(study, rows)).itertuples()
    ]
    if places:
        sheet.put(places, "amount_wan", "wan_rmb", exact(rows["amount_wan"]), np.ones((len(rows), 1)))
        sheet.chance(places, "in_scope", *company_chances(study, rows))
    return sheet.frame(), ["金额按所载汇率折算为人民币。", LISTED_BY_LABEL]


def boards(study: Study) -> Filled:
    """L4: first offers by market and board, beside all first offers there whatever their domain."""
    rows = listings_of(study, FIRST_OFFER)
    sheet = Sheet("market", "board")
    for market in sorted(rows["market"].unique(), key=lambda name: (name != DOMESTIC, name)):
        there = rows[rows["market"] == market]
        boards = sorted(there["board"].unique(), key=lambda name: (-(there["board"] == name).sum(), name))
        whole = study.in_scope(distinct(there), {})
        for board in (*boards, TOTAL):
            _put_board(
                sheet, study, (market, board), there if board == TOTAL else there[there["board"] == board], there, whole
            )
    _put_board(sheet, study, (TOTAL, TOTAL), rows, rows, study.in_scope(distinct(rows), {}))
    notes = ["占比以同一市场为分母；全部企业为该板块所有新上市企业，不论是否属于产业范围。", *without_amount(rows)]
    return sheet.frame(), notes


def _put_board(
    sheet: Sheet, study: Study, place: tuple[str, str], rows: pd.DataFrame, there: pd.DataFrame, whole: np.ndarray
) -> None:
    companies = study.in_scope(distinct(rows), {})
    amount, all_amounts = (_published_sum(study, part) for part in (rows, there))
    sheet.put([place], "companies", "companies", companies[None])
    _put_amount(sheet, [place], study, rows, {})
    sheet.put([place], "share", "share", ratio(companies, whole)[None], whole[None])
    sheet.put([place], "amount_share", "share", ratio(amount, all_amounts)[None], whole[None])
    every, of = (np.full((1, 3), float(len(part.drop_duplicates(_ANYONE)))) for part in (rows, there))
    sheet.put([place], "all_companies", "companies", every)
    sheet.put([place], "all_share", "share", ratio(every, of), of)


_ANYONE = ["company_id", "name"]  # a company that is not known has a name alone


def _published_sum(study: Study, rows: pd.DataFrame) -> np.ndarray:
    return study.in_scope(rows[rows["amount_wan"].notna()], {}, "amount_wan")


def gainers(study: Study) -> Filled:
    """L5: the companies of one board whose market value rose by 100 % or more."""
    rows = study.frame("market_values")
    rows = rows[(rows["board"] == study.board) & (rows["company"] >= 0)]
    values = rows.pivot_table(index="company", columns="year", values="market_value_wan", aggfunc="last")
    values = values.reindex(columns=list(study.years)).dropna()
    growth = values[study.year] / values[study.years[0]] - 1
    risen = growth[growth >= DOUBLED].rename("growth").reset_index()
    risen = plainly_in_scope(study, risen).sort_values(["growth", "company"], ascending=[False, True])
    sheet = Sheet("company_id", "name", "board", "domain")
    labels = [study.labelling.codes[study.labelling.plain[place]] for place in risen["company"]]
    ids = study.companies["company_id"].to_numpy()[risen["company"]]
    places = [
        (company, name, study.board, label)
        for company, name, label in zip(ids, names_of(study, risen), labels, strict=True)
    ]
    if places:
        sheet.put(places, "growth", "ratio", exact(risen["growth"]), np.ones((len(risen), 1)))
        sheet.chance(places, "in_scope", *company_chances(study, risen))
    return sheet.frame(), [f"{study.board}中两个年末均有市值、涨幅不低于100%的企业。", LISTED_BY_LABEL]


def _on_board(study: Study, indicators: Sequence[str]) -> pd.DataFrame:
    rows = study.frame("indicators")
    chosen = (rows["board"] == study.board) & (rows["year"] == study.year) & rows["indicator"].isin(indicators)
    return rows[chosen & rows["value"].notna()]


def _whole_board(rows: pd.DataFrame, indicators: tuple[str, ...], amount: str | None) -> np.ndarray:
    """Return counts or sums over all companies of a board, whatever their label, shape (indicators, 3)."""
    grouped = rows.groupby("indicator")
    found = grouped.size() if amount is None else grouped[amount].sum()
    return np.repeat(found.reindex(list(indicators), fill_value=0).to_numpy(float)[:, None], 3, axis=1)


def research(study: Study) -> Filled:
    """L6: means of research staff and expense, in scope against the whole board."""
    rows, by = _on_board(study, RESEARCH), {"indicator": RESEARCH}
    sheet = Sheet("indicator", "group")
    units = ("persons", "percent", "wan_rmb", "percent")
    ours, whole = f"工业互联网企业（{study.board}）", f"{study.board}整体"
    count, total = study.in_scope(rows, by), study.in_scope(rows, by, "value")
    every, all_total = _whole_board(rows, RESEARCH, None), _whole_board(rows, RESEARCH, "value")
    for index, (indicator, unit) in enumerate(zip(RESEARCH, units, strict=True)):
        one = slice(index, index + 1)
        sheet.put([(indicator, ours)], "mean", unit, ratio(total[one], count[one]), count[one])
        sheet.put([(indicator, whole)], "mean", unit, ratio(all_total[one], every[one]), every[one])
    return sheet.frame(), ["均值只计披露该指标的企业。"]


def patents(study: Study) -> Filled:
    """L7: patents by kind, in scope against the whole board."""
    rows, by = _on_board(study, PATENTS), {"indicator": PATENTS}
    ours, every = study.in_scope(rows, by, "value"), _whole_board(rows, PATENTS, "value")
    companies = np.append(study.in_scope(rows, by), study.in_scope(distinct(rows), {})[None], axis=0)
    ours, every = (np.append(part, part.sum(axis=0, keepdims=True), axis=0) for part in (ours, every))
    every = np.repeat(every[:, :1], ours.shape[1], axis=1)
    sheet, places = Sheet("kind"), [(kind,) for kind in (*PATENTS, TOTAL)]
    sheet.put(places, "in_scope", "patents", ours, companies)
    sheet.put(places, "board", "patents", every, companies)
    sheet.put(places, "share", "share", ratio(ours, every), companies)
    sheet.put(places, "mix_in_scope", "share", ratio(ours, ours[-1:]), companies)
    sheet.put(places, "mix_board", "share", ratio(every, every[-1:]), companies)
    return sheet.frame(), [f"{study.board}；合计为所列四类之和。"]


def _listed_by(study: Study, column: str, values: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return newly listed and cumulative companies by a column of companies: shape (values, 2 + draws)."""
    rows = listings_of(study, FIRST_OFFER, until=True)
    rows = rows[(rows["market"] == DOMESTIC) & (rows["company"] >= 0)]
    rows = rows.assign(**{column: study.companies[column].to_numpy()[rows["company"]]})
    new = rows[rows["date"].dt.year == study.year]
    by = {column: values}
    return study.in_scope(distinct(new), by), study.in_scope(distinct(rows), by)


def listed_provinces(study: Study) -> Filled:
    """L8: listed companies by province, newly and in all."""
    values = study.provinces
    new, cumulative = _listed_by(study, "province", values)
    sheet = Sheet("province")
    for measures, sums in ((NEW_COMPANIES, new), (COMPANIES, cumulative)):
        names, counts = with_totals(values, sums)
        put_parts(sheet, [(name,) for name in names], measures, counts, counts[-1:])
    return sheet.frame(), [_CUMULATIVE, "前五合计：该口径下企业最多的五个省份之和。"]


_CUMULATIVE = "只计境内上市企业；累计为上市记录中至报告年末首发上市的企业，不扣除退市。"


def listed_domains(study: Study) -> Filled:
    """L9: listed companies by domain, newly and in all."""
    rows = listings_of(study, FIRST_OFFER, until=True)
    rows = rows[rows["market"] == DOMESTIC]
    new = rows[rows["date"].dt.year == study.year]
    sheet, places = Sheet("domain"), [(code,) for code in (*study.domains, TOTAL)]
    for measures, some in ((NEW_COMPANIES, new), (COMPANIES, rows)):
        counts = and_total(study.sums(distinct(some), {}))
        put_parts(sheet, places, measures, counts, counts[-1:])
    return sheet.frame(), [_CUMULATIVE]
