"""What commands share: errors in one line, help with examples, options, notes on stderr."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from classifier.errors import ClassifierError, OutputError
from classifier.resources import labeled_folder, model_folder

SHOWN_UNREAD = 20  # rows
FORMATS = ("csv", "tsv", "xlsx", "jsonl", "parquet")


class OneLineErrors(click.Group):
    """Turns known errors into one line on stderr and exit code 1, here and nowhere else."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ClassifierError as error:
            click.echo(f"gonglian: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("gonglian: interrupted; no output file was written or changed", err=True)
            ctx.exit(130)


class Examples(click.Command):
    """A command whose help keeps the lines of its examples."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help with every paragraph of examples unwrapped."""
        text, _, examples = inspect.cleandoc(self.help or "").partition("Examples:")
        self.help = text + ("\b\nExamples:" + examples if examples else "")
        super().format_help_text(ctx, formatter)
        self.help = text + ("Examples:" + examples if examples else "")


model_option = click.option(
    "--model", type=click.Path(path_type=Path), default=None, help="Folder of the model (default: the shipped one)."
)
labeled_option = click.option(
    "--labeled",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder with domains.toml, settings.toml, corpus/ and lexicon/ (default: the shipped one).",
)
prior_option = click.option(
    "--prior",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="Share of companies out of scope that you expect in the input (default: the model's).",
)
threshold_option = click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=None,
    help="Least probability for status accepted (default: the model's, higher in scope than out of it).",
)
format_option = click.option(
    "--format", "format", type=click.Choice(FORMATS), default=None, help="Format, where the name does not tell."
)
encoding_option = click.option(
    "--encoding", default=None, help="Encoding of csv, tsv, jsonl (default: BOM, else UTF-8, else GB18030)."
)
sheet_option = click.option("--sheet", default=None, help="Sheet of a workbook (default: the first).")
ledger_option = click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gonglian.db"),
    show_default=True,
    envvar="GONGLIAN_LEDGER",
    help="The ledger (default also: the variable GONGLIAN_LEDGER).",
)


def population_option(help: str) -> Callable[[Any], Any]:
    """Return the option that tells which companies held-out texts are of."""
    kinds = click.Choice(["unlisted", "listed"])
    return click.option("--population", type=kinds, default="unlisted", show_default=True, help=help)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress bar, no notes, no summary.")


def scorer_of(model: Path | None, labeled: Path | None, prior: float | None, threshold: float | None) -> Any:
    """Return a model ready to label, by default the shipped one, with the decision that the options ask for."""
    from classifier.scoring import decide_with, load_scorer

    return decide_with(load_scorer(model or model_folder(), labeled or labeled_folder()), prior, threshold)


def note(text: str) -> None:
    """Print to stderr: data alone goes to stdout."""
    click.echo(text, err=True)


def tell_unread(table: Any) -> None:
    """Print what was noted while a file was read, and the rows of it that could not be."""
    for said in table.notes:
        note(f"note: {said}")
    for row in table.rejected[:SHOWN_UNREAD]:
        note(f"not read: {table.path}: line {row.line}: {row.reason}")
    if len(table.rejected) > SHOWN_UNREAD:
        note(f"{len(table.rejected):,} rows of {table.path} not read; mend them")


def label_cells(scheme: Any, batch: Any, column: str) -> list[str]:
    """Return a column of labels as codes, also where they are given by name; others as they are."""
    from classifier.records import cell_text

    code_of = {domain.name: domain.code for domain in scheme.domains}
    cells = [cell_text(value).strip() for value in batch.cells(column)]
    return [code_of.get(cell, cell) for cell in cells]


def read_weight(table: Any, value: Any, column: str) -> float:
    """Return a sampling weight."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ClassifierError(
            f"{table.path}: column {column}: {value!r} is not a number; correct it or name another --weight"
        ) from None


def check_not_same(input: str, output: str) -> None:
    """Refuse to write over the input."""
    if output != "-" and input != "-" and Path(output).exists() and Path(output).samefile(input):
        raise OutputError(f"{output}: is the input itself; name another file with -o")
