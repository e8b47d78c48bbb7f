"""gonglian model: an old model against a new one."""

import json
from pathlib import Path
from typing import Any

import click

from classifier.commands.common import Examples, json_option, label_cells, labeled_option, read_weight, tell_unread
from classifier.resources import labeled_folder, model_folder


@click.group()
def model() -> None:
    """Look after models."""


@model.command(cls=Examples, name="compare")
@click.argument("new", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--old", type=click.Path(path_type=Path), default=None, help="Folder of the old model (default: the shipped one)."
)
@click.option("--held-out", "held_out", default=None, metavar="FILE", help="Texts with people's labels.")
@click.option("--text", multiple=True, metavar="COL", help="With --held-out: column with the description.")
@click.option(
    "--label", default="label", show_default=True, metavar="COL", help="With --held-out: column with the label."
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="Labels of the ledger since this day judge the models (default: none: a model may have learned from them).",
)
@click.option("--year", type=int, default=None, help="Also which figures of the ledger's tables of this year move.")
@click.option("--ledger", type=click.Path(path_type=Path), default=None, help="Ledger: what flips there.")
@labeled_option
@json_option
def model_compare(
    new: Path,
    old: Path | None,
    held_out: str | None,
    text: tuple[str, ...],
    label: str,
    since: Any,
    year: int | None,
    ledger: Path | None,
    labeled: Path | None,
    as_json: bool,
) -> None:
    """Compare a new model with an old one on held-out texts and on a ledger, before it is made the default.

    Examples:
      gonglian model compare models/new --held-out held_out.csv --text 简介 --label 领域
      gonglian model compare models/new --ledger gonglian.sqlite --since 2026-10-01 --year 2026
    """
    from classifier.comparison import compare, to_record, to_text
    from classifier.scoring import load_scorer

    if held_out and not text:
        raise click.UsageError("--held-out needs --text COL")
    if not held_out and not ledger:
        raise click.UsageError("name what to compare on: --held-out FILE, or --ledger FILE")
    scorers = [load_scorer(folder, labeled or labeled_folder()) for folder in (old or model_folder(), new)]
    record: dict[str, Any] = {}
    if held_out:
        compared = compare(scorers[0], scorers[1], *_held_out(held_out, text, label, scorers[0].scheme))
        record["held_out"] = to_record(compared)
        if not as_json:
            click.echo(f"{held_out}\n{to_text(compared, scorers[0].scheme.name)}\n")
    if ledger:
        compared, moved = _on_ledger(ledger, scorers, since, year)
        figures = [] if moved is None else json.loads(moved.to_json(orient="records", force_ascii=False))
        record["ledger"] = {**to_record(compared), "moved": figures}
        if not as_json:
            click.echo(f"{ledger}\n{to_text(compared, scorers[0].scheme.name)}")
            if moved is not None:
                click.echo(f"\n{len(moved)} figures of the tables of {year} move\n{moved.to_string(index=False)}")
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False, indent=1))


def _held_out(path: str, text: tuple[str, ...], label: str, scheme: Any) -> tuple[list, list, list, list]:
    """Return ids, texts, labels and weights of the rows of a file."""
    from classifier.records import find_roles, join_texts, open_table

    texts: list[str] = []
    labels: list[str] = []
    weights: list[float] = []
    with open_table(path) as table:
        find_roles(table, [*text, label])
        for batch in table.batches:
            labels += label_cells(scheme, batch, label)
            texts += join_texts(batch, list(text)).to_pylist()
            weights += (
                [read_weight(table, cell, "weight") for cell in batch.cells("weight")]
                if "weight" in table.columns
                else [1.0] * batch.rows
            )
        tell_unread(table)
    return [f"row {row}" for row in range(1, len(texts) + 1)], texts, labels, weights


def _on_ledger(path: Path, scorers: Any, since: Any, year: int | None) -> Any:
    """Return the comparison on the newest descriptions of a ledger, and which figures of the tables move."""
    from classifier.comparison import compare_said, moved_figures
    from classifier.correction import Confusion
    from classifier.ledger import Ledger, read_ledger_sources
    from classifier.regions import load_gazetteer
    from classifier.study import Comparison

    scheme = scorers[0].scheme
    with Ledger.open(path, create=False) as book, book.reading():
        sources, _ = read_ledger_sources(book)
        labels = book.current_labels()
    day = since.date().isoformat() if since else None
    person = {company: one.code for company, one in labels.items() if day and one.at[:10] >= day}
    ids, texts = sources.companies["company_id"].tolist(), sources.companies["text"].tolist()
    said = [scorer.label(texts) for scorer in scorers]
    compared = compare_said(scorers, said, ids, [person.get(company, "") for company in ids])
    if year is None:
        return compared, None
    asked = Comparison(year, year - 1, provinces=tuple(load_gazetteer().areas))
    return compared, moved_figures(sources, said[0], said[1], scheme, Confusion(scheme.codes, {}), asked)
