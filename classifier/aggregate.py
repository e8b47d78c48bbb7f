"""Labelled companies, events and listings in, the report's 17 tables out: numbers only, every one with its interval."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from classifier import listed, unlisted
from classifier.correction import Confusion, Labelling, Stratum, draw_labels
from classifier.domains import Scheme
from classifier.errors import InputError
from classifier.study import FIGURE_COLUMNS, Comparison, Filled, Sources, Study, Table

POPULATIONS = ("unlisted", "listed")


class _Plan(NamedTuple):
    """How a table is made: its names, the inputs it needs, and the function that fills it."""

    id: str
    name: str
    title: str
    printed_as: str
    needs: tuple[str, ...]
    fill: Callable[[Study], Filled]


def build_tables(sources: Sources, scheme: Scheme, confusion: Confusion, comparison: Comparison) -> list[Table]:
    """Return the report's 17 tables. One whose input was not given has no rows and says what it needs.

    Raises
    ------
    InputError
        If two companies have one company_id, or a label is not one of the scheme.
    """
    companies = sources.companies.sort_values("company_id", kind="stable").reset_index(drop=True)
    twice = companies["company_id"][companies["company_id"].duplicated()]
    if len(twice):
        raise InputError(f"company {twice.iloc[0]!r} stands twice; {twice.nunique()} do; keep one row of each")
    sources = replace(sources, companies=companies)
    labelling = _label(sources, confusion, comparison)
    study = Study(companies, labelling, sources, scheme, comparison)
    return [_build(study, plan) for plan in _PLANS]


def populations(sources: Sources) -> pd.Series:
    """Return for each company which of `POPULATIONS` it is of: listed ones have a listing or a market value."""
    frames = (frame for frame in (sources.listings, sources.market_values) if frame is not None)
    listed_ids = set().union(*(frame["company_id"] for frame in frames))
    unlisted_name, listed_name = POPULATIONS
    return sources.companies["company_id"].isin(listed_ids).map({False: unlisted_name, True: listed_name})


def _label(sources: Sources, confusion: Confusion, comparison: Comparison) -> Labelling:
    """Return what the labels of the companies probably are: listed ones were judged by other texts than unlisted."""
    companies = sources.companies
    strata = map(Stratum, populations(sources), companies["domain"], companies["status"])
    return draw_labels(
        list(strata), companies["label"].tolist(), confusion, draws=comparison.draws, seed=comparison.seed
    )


def _build(study: Study, plan: _Plan) -> Table:
    missing = tuple(name for name in plan.needs if not study.given(name))
    if missing:
        nothing = pd.DataFrame(columns=list(FIGURE_COLUMNS))
        return Table(plan.id, plan.name, plan.title, plan.printed_as, nothing, (), missing)
    data, notes = plan.fill(study)
    return Table(plan.id, plan.name, plan.title, plan.printed_as, data, tuple(notes))


_PLANS = (
    _Plan("L1", "market_value", "上市企业总市值", "图2-1", ("market_values",), listed.market_value),
    _Plan("L2", "financing_channels", "上市企业融资：首发与再融资", "正文2.1", ("listings",), listed.channels),
    _Plan("L3", "overseas_listings", "境外上市企业", "表2-1", ("listings",), listed.overseas),
    _Plan("L4", "boards", "新上市企业：按市场与板块", "表2-2", ("listings",), listed.boards),
    _Plan("L5", "gainers", "市值翻番的企业", "表2-3", ("market_values",), listed.gainers),
    _Plan("L6", "research", "研发投入", "表2-4", ("indicators",), listed.research),
    _Plan("L7", "patents", "专利", "表2-5、表2-6", ("indicators",), listed.patents),
    _Plan("L8", "listed_provinces", "上市企业：按省份", "图2-2", ("listings",), listed.listed_provinces),
    _Plan("L9", "listed_domains", "上市企业：按领域", "图2-3", ("listings",), listed.listed_domains),
    _Plan("U1", "months", "融资事件：按月", "图3-1", ("events",), unlisted.months),
    _Plan("U2", "round_groups", "融资事件：按轮次", "图3-2", ("events",), unlisted.round_groups),
    _Plan("U3", "investors", "投资机构：所投企业上市数", "表3-1", ("events", "listings"), unlisted.investors),
    _Plan("U4", "provinces", "融资事件：按省份", "图3-3", ("events",), unlisted.provinces),
    _Plan("U5", "province_domains", "融资事件：省份与领域", "图3-4", ("events",), unlisted.province_domains),
    _Plan("U6", "domains", "融资企业：按领域", "图3-5", ("events",), unlisted.domains),
    _Plan("U7", "domain_amounts", "融资金额：按领域", "正文3.4", ("events",), unlisted.domain_amounts),
    _Plan("U8", "unicorns", "独角兽企业", "表3-2", ("valuations",), unlisted.unicorns),
)
