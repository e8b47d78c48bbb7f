"""From the files of a year to its tables: what was asked, what was read, and what came out."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from classifier.aggregate import POPULATIONS, build_tables, populations
from classifier.correction import Confusion
from classifier.errors import ClassifierError, InputError
from classifier.finance import Rates
from classifier.ledger import Ledger, read_ledger_sources
from classifier.parts import file_hash
from classifier.scoring import Scorer, decide_with
from classifier.sensitivity import Scenario, compare_scenarios
from classifier.sources import Problem, read_facts, read_sources
from classifier.study import Comparison, Sources, Table

PRIORS = (0.3, 0.6, 0.7, 0.9)  # the shipped model expects the second
THRESHOLDS = (0.6, 0.8, 0.97)
INPUTS = {
    "ledger": "输入：台账",
    "companies": "输入：企业",
    "events": "输入：融资事件",
    "listings": "输入：上市与再融资",
    "market_values": "输入：市值",
    "indicators": "输入：指标",
    "valuations": "输入：估值",
}
FAR = 1.5  # a share in scope so many times that of the held-out texts is another population
FEW_COMPANIES = 100  # fewer say little of a share


@dataclass(frozen=True)
class Survey:
    """The tables of a year with everything that they were made from; ``paths`` are its files by kind."""

    paths: Mapping[str, str]
    scorer: Scorer
    rates: Rates
    confusion: Confusion
    comparison: Comparison
    sources: Sources
    problems: Sequence[Problem]
    tables: Sequence[Table]

    def facts(self) -> dict[str, str]:
        """Return what the head of a report says of how it was made, by Chinese names."""
        scheme, comparison = self.scorer.scheme, self.comparison
        end = datetime.date(comparison.year, 12, 31)
        rates = [f"1{name}={self.rates.rmb_per(code, end):g}元" for name, code in (("美元", "USD"), ("港元", "HKD"))]
        return {
            "年度": f"{comparison.year}年，对比{comparison.against}年",
            "分类体系": f"{scheme.version} {scheme.title}",
            "模型": self.scorer.facts.identity,
            "汇率": "，".join(rates) + "；其他年份见labeled/reference/rates.csv",
            "校正": f"按留出文本的混淆校正，{comparison.draws:,}次抽样，95%区间" if comparison.draws else "未校正",
            "未能使用的单元格": f"{len(self.problems):,}",
            **{
                INPUTS[kind]: f"{Path(path).name}，sha256 {file_hash(Path(path))[:16]}"
                for kind, path in self.paths.items()
            },
        }

    def warnings(self) -> list[str]:
        """Return why the correction may not fit these companies: another model, other decisions, other shares."""
        return [*self._other_models(), *self._other_shares()]

    def _other_models(self) -> list[str]:
        said = set(self.sources.companies["model"]) - {""} - self.confusion.models
        measured = ", ".join(sorted(self.confusion.models))
        return [f"labels by {model}, corrected by the errors of {measured}" for model in sorted(said)]

    def _other_shares(self) -> list[str]:
        """Compare the share of companies called in scope with that among the held-out texts (docs/statistics.md)."""
        found, outside = [], self.scorer.scheme.out_of_scope
        for population in POPULATIONS:
            called = self.confusion.called(population)
            companies = self.sources.companies[populations(self.sources) == population]
            predicted = companies["domain"][companies["label"] == ""]
            if not called or len(predicted) < FEW_COMPANIES:
                continue
            expected, share = 1 - called.get(outside, 0.0), (predicted != outside).mean()
            if not expected / FAR <= share <= expected * FAR:
                found.append(
                    f"{share:.0%} of the {population} companies are called in scope, {expected:.0%} of the held-out "
                    "ones: the correction may not fit; label some hundred of your own, drawn at random, and make a "
                    "confusion of them (gonglian evaluate --confusion)"
                )
        return found

    def with_scenarios(self, models: Sequence[Scorer]) -> list[Table]:
        """Return the tables with plain counts under other priors, thresholds and models behind their figures.

        Raises
        ------
        InputError
            If the companies have no descriptions.
        """
        priors = [Scenario(f"prior {prior}", decide_with(self.scorer, prior, None).label) for prior in PRIORS]
        thresholds = [
            Scenario(f"accepted at {threshold}", decide_with(self.scorer, None, threshold).label, accepted_alone=True)
            for threshold in THRESHOLDS
        ]
        others = [Scenario(other.facts.identity, other.label) for other in models]
        scenarios = [*priors, *thresholds, *others]
        return compare_scenarios(
            self.tables, scenarios, self.sources, self.scorer.scheme, self.confusion, self.comparison
        )


def make_survey(
    paths: Mapping[str, str], scorer: Scorer, rates: Rates, confusion: Confusion, comparison: Comparison
) -> Survey:
    """Return the tables that files of companies, events, listings, ... yield (keys of `classifier.sources.WANTED`).

    A ``ledger`` among the paths stands for companies, events and listings.

    Companies without a label are judged by ``scorer``. Without draws (``comparison.draws`` is 0) all figures are plain.

    Raises
    ------
    InputError
        If a file cannot be read, lacks a column, or has a label that is not in the scheme.
    """
    if "ledger" in paths:
        sources, problems = _read_ledger(paths, rates)
    else:
        sources, problems = read_sources(paths, scorer.scheme, rates, scorer.label)
    tables = build_tables(sources, scorer.scheme, confusion, comparison)
    if not comparison.draws:
        tables = [_plain(table) for table in tables]
    return Survey(paths, scorer, rates, confusion, comparison, sources, problems, tables)


def _read_ledger(paths: Mapping[str, str], rates: Rates) -> tuple[Sources, list[Problem]]:
    """Return what a ledger holds; files of other kinds stand instead of its own, or beside."""
    if "companies" in paths:
        raise InputError(f"{paths['ledger']}: a ledger holds its own companies; leave out {paths['companies']}")
    with Ledger.open(paths["ledger"], create=False) as ledger:
        sources, problems = read_ledger_sources(ledger)
    facts = {kind: path for kind, path in paths.items() if kind != "ledger"}
    frames, more = read_facts(facts, sources.companies, rates, sources.listings)
    return replace(sources, **frames), [*problems, *more]


def _plain(table: Table) -> Table:
    nothing = float("nan")
    return replace(table, data=table.data.assign(value=table.data["plain"], low=nothing, high=nothing))


def read_rate(text: str) -> tuple[str, float]:
    """Return currency and RMB a unit from a text as ``USD=6.4614``.

    Raises
    ------
    ClassifierError
        If it is not of that form.

    >>> read_rate("USD=6.4614")
    ('USD', 6.4614)
    """
    currency, _, rate = text.partition("=")
    try:
        return currency.strip().upper(), float(rate)
    except ValueError:
        raise ClassifierError(f"rate {text!r} is not of the form USD=6.4614; write currency, = and RMB") from None
