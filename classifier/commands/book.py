"""gonglian track and gonglian ledger: what is known of companies, kept for good."""

import json
from pathlib import Path
from typing import Any

import click

from classifier.commands.common import (
    Examples,
    json_option,
    labeled_option,
    ledger_option,
    model_option,
    note,
    prior_option,
    quiet_option,
    scorer_of,
    threshold_option,
)
from classifier.commands.statistics import tell_problems
from classifier.errors import ClassifierError


@click.command(cls=Examples)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--events", multiple=True, metavar="FILE", help="Financing events; may be given again.")
@ledger_option
@click.option("--source", default="", help="Where the files are from, as IT桔子 (default: the name of each file).")
@click.option(
    "--date",
    "dated",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The day that the descriptions are of (default: today).",
)
@threshold_option
@prior_option
@model_option
@labeled_option
@json_option
@quiet_option
def track(
    files: tuple[str, ...],
    events: tuple[str, ...],
    ledger: Path,
    source: str,
    dated: Any,
    threshold: float | None,
    prior: float | None,
    model: Path | None,
    labeled: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take lists of companies and financing events into the ledger: match or add, score, and say what needs a person.

    A company is found by code, else by full name, else by normalised short name; a name that may mean two companies is
    reported, and nothing is added for it. Changed descriptions become new versions, new ones are scored. A company that
    only an event names is added without description. Labels in a column 人工标签 are the source's. A
    person's label stands: a model that is sure of another opens a dispute.
    Each file is taken whole or not at all; giving it again changes nothing.

    Examples:
      gonglian track companies.xlsx --events events.xlsx
      gonglian track week27.csv --source IT桔子 --date 2026-07-01 --prior 0.9 --ledger startups.db
    """
    from classifier.ledger import Ledger
    from classifier.track import read_tracked, to_record, to_text
    from classifier.track import track as take

    if not files and not events:
        raise click.UsageError("name a file of companies, or one of financing events with --events")
    scorer = scorer_of(model, labeled, prior, threshold)
    grids = [*map(read_tracked, files), *(read_tracked(path, events=True) for path in events)]
    with Ledger.open(ledger) as opened:
        tracked = take(opened, grids, scorer, source=source, dated=dated and dated.date())
        head = opened.head()
    if not quiet:
        tell_problems(tracked.problems)
        note(f"{ledger}: head {head}")
    if as_json:
        click.echo(json.dumps(to_record(tracked), ensure_ascii=False, indent=1))
    else:
        click.echo(to_text(tracked, scorer.scheme))


@click.group()
def ledger() -> None:
    """Look after the ledger: a file in which nothing is changed or deleted, only added."""


@ledger.command(cls=Examples, name="verify")
@click.option("--head", default=None, metavar="PLACE:HASH", help="A head kept outside: finds a file that was cut off.")
@ledger_option
def ledger_verify(head: str | None, ledger: Path) -> None:
    """Find rows that were edited, deleted, inserted, swapped or cut off behind the ledger's back; exit code 1 if any.

    Examples:
      gonglian ledger verify
      gonglian ledger verify --head 120:5f0c...
    """
    from classifier.ledger import Ledger

    with Ledger.open(ledger, create=False) as book:
        faults, end = book.verify(head), book.head()
    for fault in faults:
        click.echo(f"{fault.place}\t{fault.table}\t{fault.row_id}\t{fault.reason}")
    if faults:
        raise ClassifierError(f"{ledger}: {len(faults)} faults; restore it from a copy that verifies")
    click.echo(f"whole; head {end}")


@ledger.command(cls=Examples, name="head")
@ledger_option
def ledger_head(ledger: Path) -> None:
    """Print the place and hash of the last row: keep it elsewhere, and verify with it.

    Examples:
      gonglian ledger head >> heads.txt
    """
    from classifier.ledger import Ledger

    with Ledger.open(ledger, create=False) as book:
        click.echo(book.head())
