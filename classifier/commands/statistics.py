"""gonglian stats and gonglian report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from classifier.commands.common import (
    Examples,
    check_not_same,
    json_option,
    labeled_option,
    model_option,
    note,
    prior_option,
    quiet_option,
    scorer_of,
    threshold_option,
)
from classifier.errors import ClassifierError
from classifier.resources import model_folder

SHOWN_PROBLEMS = 20


@click.group()
def stats() -> None:
    """The report's statistics: its tables with intervals, what amounts and rounds mean, whether tables add up."""


INPUTS = {
    "ledger": "Ledger of gonglian track: companies, labels, events and listings, instead of files.",
    "companies": "Companies: labelled by gonglian score or a person, or with descriptions to label on the way.",
    "events": "Financing events: company, date, round, amount, investors.",
    "listings": "Listings and refinancings: company, date, board, amount, channel (首发, 增发, 配股, 可转债).",
    "market_values": "Market values: company, year or date, value.",
    "indicators": "R&D and patents: company, year, and a column an indicator.",
    "valuations": "Valuations: company, valuation, date of first listing there, latest round.",
}


def _statistics(command: Any) -> Any:
    """Add the options of every command that makes the report's tables."""
    options = [
        *(
            click.option(f"--{kind.replace('_', '-')}", kind, metavar="FILE", help=text)
            for kind, text in INPUTS.items()
        ),
        click.option("--year", type=int, required=True, help="The report's year."),
        click.option("--against", type=int, default=None, help="The year to compare with (default: the one before)."),
        click.option("--board", default="科创板", show_default=True, help="The board of 表2-3 to 表2-6."),
        click.option("--rate", "rates", multiple=True, metavar="CUR=RMB", help="Another exchange rate, as USD=6.4614."),
        click.option(
            "--confusion",
            type=click.Path(path_type=Path),
            default=None,
            help="Held-out labels to correct by (default: the model's own; see gonglian evaluate --confusion).",
        ),
        click.option("--plain", is_flag=True, help="Raw counts of labels: not corrected, without intervals."),
        click.option("--draws", type=click.IntRange(100), default=1_000, show_default=True, help="Labellings drawn."),
        click.option("--seed", default=0, show_default=True, help="Start of the random numbers."),
        *(model_option, labeled_option, prior_option, threshold_option, quiet_option),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _survey(options: dict[str, Any]) -> Any:
    """Return what the options of `_statistics` ask for, and tell on stderr what could not be used."""
    from classifier.correction import read_confusion
    from classifier.finance import read_rates
    from classifier.regions import load_gazetteer
    from classifier.study import Comparison
    from classifier.survey import make_survey, read_rate

    paths = {kind: options[kind] for kind in INPUTS if options[kind]}
    if not paths.keys() & {"companies", "ledger"}:
        raise click.UsageError("name the companies: --companies FILE, or --ledger FILE")
    scorer = scorer_of(options["model"], options["labeled"], options["prior"], options["threshold"])
    year = options["year"]
    comparison = Comparison(
        year,
        year - 1 if options["against"] is None else options["against"],
        options["board"],
        tuple(load_gazetteer().areas),
        0 if options["plain"] else options["draws"],
        options["seed"],
    )
    confusion = options["confusion"] or (options["model"] or model_folder()) / "confusion.csv"
    survey = make_survey(
        paths,
        scorer,
        read_rates().override(dict(read_rate(rate) for rate in options["rates"])),
        read_confusion(confusion, scorer.scheme.codes),
        comparison,
    )
    if not options["quiet"]:
        tell_problems(survey.problems)
        for warning in survey.warnings():
            note(f"warning: {warning}")
        for table in survey.tables:
            if table.missing:
                needed = ", ".join(f"--{kind.replace('_', '-')}" for kind in table.missing)
                note(f"no {table.id} {table.title} ({table.printed_as}): needs {needed}")
    return survey


def tell_problems(problems: Sequence[Any]) -> None:
    """Print the first cells and rows that could not be used, and how many there are."""
    for problem in problems[:SHOWN_PROBLEMS]:
        note(f"not used: {problem.file}: row {problem.row}: {problem.column} {problem.cell!r}: {problem.reason}")
    if len(problems) > SHOWN_PROBLEMS:
        note(f"{len(problems):,} cells or rows not used; gonglian report and stats tables -o list all in problems.csv")


@stats.command(cls=Examples, name="tables")
@_statistics
@click.option("-o", "--output", default="-", help="Workbook (.xlsx) or folder of csv to write; - prints (default).")
@click.option("--table", "chosen", multiple=True, metavar="ID", help="Only this table, as U6; may be given again.")
@click.option("--sensitivity", is_flag=True, help="Plain counts under other priors, thresholds and models as well.")
@click.option(
    "--other-model",
    "others",
    multiple=True,
    type=click.Path(path_type=Path),
    help="With --sensitivity: the folder of another model; may be given again.",
)
@json_option
def stats_tables(
    output: str, chosen: tuple[str, ...], sensitivity: bool, others: tuple[Path, ...], as_json: bool, **options: Any
) -> None:
    """Make the report's tables: 17 of them, for one year against another, each figure with its interval.

    Every figure says n, the count corrected for misclassification, and its 95 % interval; --plain says raw counts.

    Examples:
      gonglian stats tables --companies labelled.xlsx --events events.xlsx --year 2020
      gonglian stats tables --companies labelled.csv --listings ipo.csv --year 2020 -o tables.xlsx
      gonglian stats tables --companies companies.xlsx --events events.csv --year 2020 --table U6 --sensitivity
    """
    from dataclasses import replace

    survey = _survey(options)
    tables = survey.tables
    if sensitivity:
        tables = survey.with_scenarios([scorer_of(model, options["labeled"], None, None) for model in others])
    unknown = set(chosen) - {table.id for table in tables}
    if unknown:
        raise click.UsageError(f"no table {sorted(unknown)[0]}; there are {', '.join(table.id for table in tables)}")
    survey = replace(survey, tables=[table for table in tables if not chosen or table.id in chosen])
    _write_tables(survey, output, as_json)


def _write_tables(survey: Any, output: str, as_json: bool) -> None:
    from classifier.report import table_text, write_tables

    if output != "-":
        for path in write_tables(survey, Path(output)):
            note(str(path))
    elif as_json:
        click.echo(json.dumps([_table_record(table) for table in survey.tables], ensure_ascii=False, indent=1))
    else:
        for table in survey.tables:
            click.echo(table_text(table, survey))


def _table_record(table: Any) -> dict[str, Any]:
    rows = table.data.astype(object).where(table.data.notna(), None).to_dict("records")
    return {"id": table.id, "name": table.name, "title": table.title, "missing": table.missing, "rows": rows}


@stats.command(cls=Examples, name="events")
@click.argument("input", metavar="FILE")
@click.option("-o", "--output", default="-", help="File to write; format by extension; - is stdout (the default).")
@click.option("--rate", "rates", multiple=True, metavar="CUR=RMB", help="Another exchange rate, as USD=6.4614.")
@quiet_option
def stats_events(input: str, output: str, rates: tuple[str, ...], quiet: bool) -> None:
    """Say what dates, rounds and amounts of financing events were understood as, row by row, and by which rule.

    Examples:
      gonglian stats events events.xlsx
      gonglian stats events events.csv -o read.xlsx --rate USD=6.9
    """
    import pyarrow as pa

    from classifier.finance import read_rates
    from classifier.outputs import open_output
    from classifier.records import Batch, format_of
    from classifier.sources import NEEDED, WANTED, read_grid, understand_events
    from classifier.survey import read_rate

    check_not_same(input, output)
    grid = read_grid(input, WANTED["events"], [name for name in NEEDED["events"] if name != "name"])
    events = understand_events(grid, read_rates().override(dict(read_rate(rate) for rate in rates)))
    read = pa.Table.from_pandas(events.assign(date=events["date"].dt.date, investors=events["investors"].str.join(" ")))
    kind, zipped = ("csv", "") if output == "-" else format_of(output)
    with open_output(output, kind, zipped=zipped, marked=output != "-", schema=None) as writer:
        added = {f"read_{name}": read[name].combine_chunks() for name in events.columns}
        writer.write(Batch({**grid.others, **added}, grid.rows))
    if not quiet:
        tell_problems(grid.problems)
        for column in ("round", "rule", "precision"):
            counts = events[column].value_counts()
            note(f"{column}: " + ", ".join(f"{name or 'not read'} {count:,}" for name, count in counts.items()))


@stats.command(cls=Examples, name="check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--all", "everything", is_flag=True, help="Print what holds as well.")
@json_option
def stats_check(paths: tuple[Path, ...], everything: bool, as_json: bool) -> None:
    """Check that tables add up: parts and totals, shares, growth, halves and years, within rounding.

    Takes tables that gonglian made (csv, or a folder of them) and printed ones (a file each, or a folder of csv with
    their relations in its checks.toml). Exit code 1 if anything fails.

    Examples:
      gonglian stats check labeled/reference/aii2020
      gonglian stats check out/report/tables
    """
    from classifier.consistency import check_paths, to_record, to_text

    findings = check_paths(paths)
    if as_json:
        click.echo(json.dumps(to_record(findings), ensure_ascii=False, indent=1))
    else:
        click.echo(to_text(findings, holding=everything))
    failed = sum(finding.verdict == "fails" for finding in findings)
    if failed:
        raise ClassifierError(f"{failed} of {len(findings)} relations do not hold; see above")


@click.command(cls=Examples)
@_statistics
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option(
    "--font", type=click.Path(path_type=Path), default=None, help="Font file with Chinese characters, for the pictures."
)
def report(output: Path, font: Path | None, **options: Any) -> None:
    """Write the report: one HTML page, a workbook, every table as csv, every figure as SVG and PNG.

    Examples:
      gonglian report --companies labelled.xlsx --events events.xlsx --listings listings.csv --year 2020 -o out/report
    """
    from classifier.charts import draw_figures
    from classifier.fonts import missing_font_hint
    from classifier.report import write_report

    survey = _survey(options)
    names = {domain.code: domain.name for domain in survey.scorer.scheme.domains if domain.in_scope}
    comparison = survey.comparison
    years = {"year": comparison.year, "against": comparison.against}
    figures = draw_figures(survey.tables, names, **years, font=font, plain=options["plain"])
    facts = survey.facts()
    paths = write_report(
        survey.tables, figures, output, **years, scheme=survey.scorer.scheme, facts=facts, problems=survey.problems
    )
    if figures and not any(figure.png for figure in figures):
        note(missing_font_hint())
    if not options["quiet"]:
        note(f"{len(paths)} files in {output}; begin with {output / 'report.html'}")
