"""How far the tables hang on choices: the same counts under other thresholds, priors and models."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from classifier.aggregate import build_tables
from classifier.correction import Confusion
from classifier.domains import Scheme
from classifier.errors import InputError
from classifier.sources import Judge
from classifier.study import FIGURE_COLUMNS, Comparison, Sources, Table


class Scenario(NamedTuple):
    """Another way to label the same companies; ``accepted_alone`` counts labels under review as out of scope."""

    name: str
    judge: Judge
    accepted_alone: bool = False


def compare_scenarios(
    tables: Iterable[Table],
    scenarios: Sequence[Scenario],
    sources: Sources,
    scheme: Scheme,
    confusion: Confusion,
    comparison: Comparison,
) -> list[Table]:
    """Return the tables with a column of plain counts for every scenario behind the figures.

    Raises
    ------
    InputError
        If the companies have no descriptions to judge anew.
    """
    if not sources.companies["text"].any():
        raise InputError("the companies have no descriptions to judge anew; give a file that has them")
    once = replace(comparison, draws=0)
    others = {
        scenario.name: build_tables(_relabelled(sources, scenario, scheme), scheme, confusion, once)
        for scenario in scenarios
    }
    return [
        replace(table, data=_beside(table.data, {name: other[place].data for name, other in others.items()}))
        for place, table in enumerate(tables)
    ]


def _relabelled(sources: Sources, scenario: Scenario, scheme: Scheme) -> Sources:
    """Return the sources with the companies' predictions as a scenario has them; a person's label stays."""
    labels = scenario.judge(sources.companies["text"].tolist())
    domains = [
        scheme.out_of_scope if scenario.accepted_alone and label.status != "accepted" else label.domain
        for label in labels
    ]
    companies = sources.companies.assign(domain=domains, status=[label.status for label in labels])
    return replace(sources, companies=companies)


def _beside(data: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return figures with the plain ones of other tables behind them; a place that another lacks is NaN there."""
    keys = [column for column in data.columns if column not in FIGURE_COLUMNS] + ["measure"]
    for name, other in others.items():
        if len(data):
            data = data.merge(other[[*keys, "plain"]].rename(columns={"plain": name}), how="left", on=keys)
    return data
