"""The command line: parse, call one function, print. Command name: gonglian."""

import atexit
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click

from classifier import __version__
from classifier.commands.audit import audit
from classifier.commands.book import ledger, track
from classifier.commands.common import (
    Examples,
    OneLineErrors,
    check_not_same,
    encoding_option,
    format_option,
    json_option,
    label_cells,
    labeled_option,
    model_option,
    note,
    population_option,
    prior_option,
    quiet_option,
    read_weight,
    scorer_of,
    sheet_option,
    tell_unread,
    threshold_option,
)
from classifier.commands.model import model as model_group
from classifier.commands.statistics import report, stats
from classifier.errors import ClassifierError
from classifier.resources import labeled_folder, model_folder

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_CLASSIFY_BATCH = 256


@click.group(cls=OneLineErrors, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="gonglian")
def main() -> None:
    """Assign Chinese companies to the domains of the industrial internet, or to none.

    Data goes to stdout, everything else to stderr. Exit code 0: done; 1: a known error, told in one line; 2: wrong
    usage; 3: gonglian audit drift says to stop; 130: interrupted.

    \b
    Shell completion (bash; zsh and fish alike):
      eval "$(_GONGLIAN_COMPLETE=bash_source gonglian)"
    """
    _stop_on_terminate()
    atexit.register(gc.freeze)  # or Python looks for cycles in all that numba made, a fifth of a short run


def _stop_on_terminate() -> None:
    """Let SIGTERM clean up as Ctrl-C does."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        return


@main.command(cls=Examples)
@click.argument("texts", nargs=-1, required=True)
@json_option
@model_option
@labeled_option
@prior_option
@threshold_option
def classify(
    texts: tuple[str, ...],
    as_json: bool,
    model: Path | None,
    labeled: Path | None,
    prior: float | None,
    threshold: float | None,
) -> None:
    """Label descriptions given as arguments, or one a line on stdin (-).

    Prints one line a text, tab-separated: domain name, code, probability, runner-up, its probability, status, and the
    terms that decided with what each adds to the log-odds of the domain against the runner-up.

    Examples:
      gonglian classify "工业机器人及机器视觉检测设备的研发、生产和销售"
      cut -f3 companies.tsv | gonglian classify - --json
    """
    scorer = scorer_of(model, labeled, prior, threshold)
    given = _stdin_lines() if texts == ("-",) else iter(texts)
    while batch := list(islice(given, _CLASSIFY_BATCH)):
        for text, label in zip(batch, scorer.label(batch), strict=True):
            click.echo(_as_json(text, label, scorer.facts.identity) if as_json else _as_line(label))


def _stdin_lines() -> Any:
    try:
        yield from sys.stdin.buffer.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ClassifierError(
            f"stdin: not UTF-8 ({error}); convert it, or use gonglian score with --encoding"
        ) from error


def _as_line(label: Any) -> str:
    return "\t".join(
        [
            label.domain_name,
            label.domain,
            f"{label.probability:.3f}",
            label.runner_up,
            f"{label.runner_up_probability:.3f}",
            label.status,
            label.reason,
        ]
    )


def _as_json(text: str, label: Any, model: str) -> str:
    record = label._asdict()
    record["contributions"] = {c.word: round(c.log_odds, 4) for c in label.contributions}
    return json.dumps({"text": text, **record, "model": model}, ensure_ascii=False)


@main.command(cls=Examples)
@click.argument("input", metavar="INPUT")
@click.option("-o", "--output", default="-", help="File to write; format by extension; - is stdout (the default).")
@click.option("--text", "text", multiple=True, metavar="COL", help="Column with the description; may be given again.")
@click.option("--name", "name", default=None, metavar="COL", help="Column with the company's name.")
@click.option("--jobs", default=1, show_default=True, help="Threads that score; -1: one a core.")
@format_option
@encoding_option
@sheet_option
@threshold_option
@prior_option
@click.option(
    "--compression", type=click.Choice(["none", "snappy", "zstd"]), help="Of a parquet output (default: none)."
)
@click.option("--prefix", default="", help="Put this before the names of the result's columns.")
@click.option("--resume", is_flag=True, help="Go on with a run that was cut short; if this one is, keep what it did.")
@click.option("--explain", is_flag=True, help="Two columns more: the clause that spoke loudest, and the tie rule.")
@model_option
@labeled_option
@quiet_option
def score(
    input: str,
    output: str,
    text: tuple[str, ...],
    name: str | None,
    jobs: int,
    format: str | None,
    encoding: str | None,
    sheet: str | None,
    threshold: float | None,
    prior: float | None,
    compression: str | None,
    prefix: str,
    resume: bool,
    explain: bool,
    model: Path | None,
    labeled: Path | None,
    quiet: bool,
) -> None:
    """Label every company of a file: csv, tsv, xlsx, jsonl, parquet, also .gz and .zst; - is stdin.

    The file's own columns come first and unchanged, then domain, domain_name, probability, runner_up,
    runner_up_probability, status (accepted or review), reason and model. --format names the format of the input where
    its name does not tell, and of stdout where the input is a file.

    Examples:
      gonglian score companies.xlsx -o labelled.xlsx
      gonglian score list.csv --text 简介 --text 经营范围 --name 企业名称 -o labelled.parquet --jobs 2
      zcat list.csv.gz | gonglian score - --text 公司介绍 > labelled.csv
      gonglian score disputed.xlsx -o why.xlsx --explain
      gonglian score millions.csv.zst -o labelled.parquet --jobs -1 --resume --compression zstd
    """
    from classifier.batch import score_table
    from classifier.machine import is_kept
    from classifier.records import find_roles, format_of, open_table
    from classifier.scoring import MANY

    if jobs == 0 or jobs < -1:
        raise click.UsageError("--jobs is a number of threads, or -1 for one a core")
    check_not_same(input, output)
    for_input = input == "-" or output != "-" or _format_known(input) is None
    scorer = scorer_of(model, labeled, prior, threshold)
    workers = jobs if jobs > 0 else os.cpu_count() or 1
    with open_table(input, format=format if for_input else None, encoding=encoding, sheet=sheet) as table:
        roles = find_roles(table, text, name)
        if output == "-":
            kind, zipped = format or ("csv" if table.format == "xlsx" else table.format), ""
        else:
            kind, zipped = format_of(output)
        if compression:
            zipped = _compressed(kind, compression)
        if not quiet:
            note(f"{input}: description from {' + '.join(roles.text)}, name from {roles.name or 'no column'}")
            if (table.expected_rows or 0) > MANY and not is_kept():
                note("making machine code of the scoring loop, once on this machine: some 10 seconds")
        with _progress(table.expected_rows, quiet) as advance, _kept_if_interrupted(resume):
            summary = score_table(
                table,
                roles,
                scorer,
                output,
                kind,
                workers=workers,
                zipped=zipped,
                prefix=prefix,
                resume=resume,
                explain=_briefly(scorer) if explain else None,
                progress=advance,
            )
        if not quiet:
            _report(table, summary, scorer.scheme, output)


def _briefly(scorer: Any) -> Any:
    """Return what explains descriptions in two columns."""
    from classifier.evidence import explain_briefly

    return lambda texts: [(brief.clause, brief.tie_rule) for brief in explain_briefly(texts, scorer)]


def _compressed(format: str, compression: str) -> str:
    """Return how a parquet output is to be compressed, or raise an error for the others."""
    if format != "parquet":
        raise click.UsageError("--compression is of parquet; csv, tsv and jsonl take it from the name: -o list.csv.zst")
    return compression.replace("none", "")


def _format_known(path: str) -> str | None:
    """Return the format that a file's name tells, or None."""
    from classifier.records import format_of

    try:
        return format_of(path)[0]
    except ClassifierError:
        return None


@contextmanager
def _progress(total: int | None, quiet: bool) -> Any:
    from tqdm import tqdm

    with tqdm(total=total, unit=" rows", file=sys.stderr, disable=quiet, mininterval=0.5, dynamic_ncols=True) as bar:
        yield bar.update
        bar.total = bar.n


@contextmanager
def _kept_if_interrupted(resume: bool) -> Any:
    try:
        yield
    except KeyboardInterrupt:
        if resume:
            note("the finished parts are kept; give the same command again to go on")
        raise


def _report(table: Any, summary: Any, scheme: Any, output: str) -> None:
    from classifier.tables import align

    for said in table.notes:
        note(f"note: {said}")
    if summary.guarded:
        note(f"note: {summary.guarded} cells would run as formulas in a spreadsheet; they got an apostrophe in front")
    for row in summary.rejected[:20]:
        note(f"not scored: {table.path}: line {row.line}: {row.reason}")
    if summary.rejected:
        note(
            f"{len(summary.rejected)} rows not scored"
            + (f"; all of them in {summary.rejects_file}" if summary.rejects_file else "")
        )
    rows = [["domain", "companies", "accepted", "to review"]]
    for domain in scheme.domains:
        count, accepted = summary.domains[domain.code], summary.accepted[domain.code]
        rows.append([f"{domain.name} {domain.code}", f"{count:,}", f"{accepted:,}", f"{count - accepted:,}"])
    accepted = sum(summary.accepted.values())
    rows.append(["all", f"{summary.rows:,}", f"{accepted:,}", f"{summary.rows - accepted:,}"])
    note(align(rows))
    total, lost = summary.rows + len(summary.rejected), len(summary.rejected)
    place = "stdout" if output == "-" else output
    note(f"rows in {total:,} = rows out {summary.rows:,} + not scored {lost:,}; written to {place}")


@main.command(cls=Examples)
@labeled_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of the model (default: models/default).",
)
@click.option(
    "--name", default="default", show_default=True, help="Name of the model; stands in the column model of results."
)
@click.option("--with", "book", type=click.Path(path_type=Path), default=None, help="Ledger whose decisions join in.")
def train(labeled: Path | None, output: Path | None, name: str, book: Path | None) -> None:
    """Train a model on labeled/ alone: the same texts and settings give the same labels.

    Examples:
      gonglian train
      gonglian train --labeled my-labels -o my-model --name mine
    """
    from classifier.artifact import load_model, save_model
    from classifier.domains import load_scheme
    from classifier.labels import check_examples, read_examples
    from classifier.model import read_settings
    from classifier.model import train as fit
    from classifier.text import load_dictionary, read_lexicon

    folder = labeled or labeled_folder()
    target = output or Path("models") / "default"
    scheme, settings = load_scheme(folder), read_settings(folder / "settings.toml")
    examples = read_examples(folder / "corpus")
    if book:
        examples = _with_decisions(examples, book, scheme)
    faults = [
        fault for fault in check_examples(examples, scheme) if fault.rule in ("code", "id", "empty", "two labels")
    ]
    if faults:
        raise ClassifierError(
            f"{faults[0].place}: {faults[0].message}; {len(faults)} such faults, see gonglian labels check"
        )
    lexicon = read_lexicon(folder / "lexicon")
    kept: list[Any] = []
    dictionary = load_dictionary(lexicon)
    model = fit(examples, scheme, dictionary, lexicon, settings, name=name, report=note, keep=kept.append)
    save_model(model, target, kept[0])
    saved = load_model(target, scheme)
    held_out = saved.record["held_out_folds"]
    note(f"held-out folds: macro-F1 {held_out['macro_f1']:.3f}, scope-F1 {held_out['scope_f1']:.3f}")
    click.echo(f"{target}\t{saved.identity}")


def _with_decisions(examples: list[Any], book: Path, scheme: Any) -> list[Any]:
    """Return the examples with what people decided in a ledger behind them."""
    from classifier.decided import add_decided, labels_from_ledger
    from classifier.ledger import Ledger

    with Ledger.open(book, create=False) as opened:
        joined = add_decided(examples, labels_from_ledger(opened), scheme)
    note(f"{len(joined.examples) - len(examples)} decisions of {book} join the training data")
    return list(joined.examples)


@main.command(cls=Examples)
@click.argument("input", metavar="FILE")
@click.option(
    "--text",
    "text",
    multiple=True,
    required=True,
    metavar="COL",
    help="Column with the description; may be given again.",
)
@click.option("--label", "label", required=True, metavar="COL", help="Column with the label that people gave.")
@click.option("--second-label", default=None, metavar="COL", help="Column with the label that a second person gave.")
@click.option(
    "--weight", "weight", default=None, metavar="COL", help="Column with sampling weights (default: weight, if there)."
)
@click.option(
    "--confusion",
    type=click.Path(path_type=Path),
    default=None,
    help="Also write the counts of predicted and true labels, for gonglian stats --confusion.",
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    default=None,
    help="Also write shares by label, probability and unknown words, for gonglian audit drift.",
)
@population_option("With --confusion and --profile: which companies the texts are of.")
@json_option
@format_option
@encoding_option
@sheet_option
@model_option
@labeled_option
@prior_option
@threshold_option
def evaluate(
    input: str,
    text: tuple[str, ...],
    label: str,
    second_label: str | None,
    weight: str | None,
    confusion: Path | None,
    profile: Path | None,
    population: str,
    as_json: bool,
    format: str | None,
    encoding: str | None,
    sheet: str | None,
    model: Path | None,
    labeled: Path | None,
    prior: float | None,
    threshold: float | None,
) -> None:
    """Measure a model on texts that people labelled; rows without a label are left out.

    Labels are codes or Chinese names of the scheme. With a second reading in another column, rows on which the two
    differ are disputed: they are left out, and the model should doubt them.

    Examples:
      gonglian evaluate held_out.csv --text 简介 --label 领域
      gonglian evaluate held_out.csv --text description --label label --json > figures.json
      gonglian evaluate held_out.csv --text 简介 --label 甲 --second-label 乙
      gonglian evaluate held_out.csv --text 简介 --label 领域 --confusion my-model/confusion.csv --model my-model
      gonglian evaluate held_out.csv --text 简介 --label 领域 --profile my-model/profile.json --model my-model
    """
    from classifier.artifact import load_model
    from classifier.correction import confusion_csv
    from classifier.evaluate import evaluate as measure
    from classifier.evaluate import to_record, to_text
    from classifier.outputs import whole_file
    from classifier.records import find_roles, open_table

    scorer = scorer_of(model, labeled, prior, threshold)
    with open_table(input, format=format, encoding=encoding, sheet=sheet) as table:
        find_roles(table, [*text, label, *filter(None, (second_label, weight))])
        weight = weight or ("weight" if "weight" in table.columns else None)
        rows, unlabelled = _read_rows(table, scorer, text, (label, second_label or label), weight)
        tell_unread(table)
    judged, disputed = _judge(rows)
    if confusion:
        with whole_file(confusion) as stream:
            stream.write(confusion_csv(scorer.facts.identity, {population: judged}).encode())
    codes, out_of_scope = scorer.scheme.codes, scorer.scheme.out_of_scope
    evaluation = measure(judged, codes, out_of_scope, unlabelled=unlabelled, disputed=disputed)
    if profile:
        _write_profile(profile, population, Path(input).name, rows, load_model(model or model_folder(), scorer.scheme))
    if as_json:
        click.echo(
            json.dumps(
                {"file": input, "model": scorer.facts.identity, **to_record(evaluation)}, ensure_ascii=False, indent=1
            )
        )
    else:
        click.echo(f"model {scorer.facts.identity}\n{to_text(evaluation, scorer.scheme.name)}")


class _Read(NamedTuple):
    """A row with a label: text, what two people say (or one, twice), what the model says, and a sampling weight."""

    text: str
    first: str
    second: str
    said: Any
    weight: float


def _read_rows(
    table: Any, scorer: Any, text: Sequence[str], readings: tuple[str, str], weight: str | None
) -> tuple[list[_Read], int]:
    """Return the rows with both readings, labelled by the model, and the count of the others."""
    from classifier.records import join_texts

    rows: list[_Read] = []
    unlabelled = 0
    for batch in table.batches:
        first, second = (label_cells(scorer.scheme, batch, column) for column in readings)
        read = [index for index in range(len(first)) if first[index] and second[index]]
        unlabelled += len(first) - len(read)
        texts = join_texts(batch, text).to_pylist()
        cells = batch.cells(weight) if weight else []
        for index, said in zip(read, scorer.label([texts[index] for index in read]), strict=True):
            mass = read_weight(table, cells[index], weight) if weight else 1.0
            rows.append(_Read(texts[index], first[index], second[index], said, mass))
    return rows, unlabelled


def _judge(rows: Sequence[_Read]) -> tuple[Any, Any]:
    """Return rows whose two readings agree, and rows whose readings differ."""
    import numpy as np

    from classifier.evaluate import Disputed, judge

    agreed = [row for row in rows if row.first == row.second]
    others = [row for row in rows if row.first != row.second]
    doubted = np.array([row.said.probability for row in others])
    return (
        judge([row.said for row in agreed], [row.first for row in agreed], [row.weight for row in agreed]),
        Disputed(doubted, np.array([row.weight for row in others])),
    )


def _write_profile(path: Path, population: str, source: str, rows: Sequence[_Read], model: Any) -> None:
    import numpy as np

    from classifier.drift import model_profile_json, profile_texts
    from classifier.outputs import whole_file

    texts, said, weight = [row.text for row in rows], [row.said for row in rows], [row.weight for row in rows]
    found = profile_texts(f"{len(rows):,} held-out texts ({source})", texts, said, model, np.array(weight))
    with whole_file(path) as stream:
        stream.write(model_profile_json({population: found}).encode())


@main.group()
def labels() -> None:
    """Look after the training data."""


@labels.command(cls=Examples, name="check")
@labeled_option
def labels_check(labeled: Path | None) -> None:
    """Check the training data: codes, ids, empty texts, duplicates, near-duplicates, a text or term under two labels.

    Prints one line a fault (place, rule, what to do); exit code 1 if there is any.

    Examples:
      gonglian labels check
      gonglian labels check --labeled my-labels
    """
    from classifier.domains import load_scheme
    from classifier.labels import check_examples, check_lexicon, read_examples
    from classifier.text import read_lexicon

    folder = labeled or labeled_folder()
    scheme = load_scheme(folder)
    examples = read_examples(folder / "corpus")
    terms = read_lexicon(folder / "lexicon")
    faults = [*check_examples(examples, scheme), *check_lexicon(folder / "lexicon", scheme)]
    for fault in faults:
        click.echo(f"{fault.place}\t{fault.rule}\t{fault.message}")
    note(f"{len(examples):,} texts, {len(terms):,} lexicon terms, {len(faults)} faults")
    if faults:
        raise ClassifierError(f"{folder}: {len(faults)} faults in the training data; mend the rows above")


@labels.command(cls=Examples, name="add")
@click.option(
    "--from-ledger", "book", required=True, type=click.Path(path_type=Path), help="Ledger with the decisions."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Only decisions before this day.")
@labeled_option
def labels_add(book: Path, until: Any, labeled: Path | None) -> None:
    """Add what people decided in a ledger to the training data, with the text that they decided on.

    Companies under dispute are left out. Decisions since --until stay to judge the next model by (gonglian model
    compare --since).

    Examples:
      gonglian labels add --from-ledger gonglian.db --labeled my-labels --until 2026-10-01
    """
    from classifier.decided import add_decided, labels_from_ledger, write_decided
    from classifier.domains import load_scheme
    from classifier.labels import read_examples
    from classifier.ledger import Ledger

    folder = labeled or labeled_folder()
    corpus = read_examples(folder / "corpus")
    with Ledger.open(book, create=False) as opened:
        decided = labels_from_ledger(opened, until=until and until.date())
    joined = add_decided(corpus, decided, load_scheme(folder))
    new = joined.examples[len(corpus) :]
    grown = write_decided(new, folder / "corpus")
    for finding in joined.findings:
        note(f"left out: {finding.place}: {finding.rule}: {finding.message}")
    click.echo(f"{len(new)} decided texts added to {len(grown)} files of {folder / 'corpus'}")


@main.command(cls=Examples)
@json_option
@labeled_option
def domains(as_json: bool, labeled: Path | None) -> None:
    """Print the scheme: every label with its definition, what belongs there, what does not, and the tie rules.

    Examples:
      gonglian domains
      gonglian domains --json
    """
    from dataclasses import asdict

    from classifier.domains import load_scheme

    scheme = load_scheme(labeled or labeled_folder())
    if as_json:
        click.echo(json.dumps(asdict(scheme), ensure_ascii=False, indent=1))
        return
    click.echo(f"{scheme.title} {scheme.version}\n{scheme.source}")
    for domain in scheme.domains:
        click.echo(f"\n{domain.name} {domain.code}\n  {domain.definition}")
        for head, entries in (("包括", domain.includes), ("不包括", domain.excludes), ("先例", domain.precedents)):
            if entries:
                click.echo(f"  {head}：{'；'.join(entries)}")
    click.echo("\n归类规则")
    for number, rule in enumerate(scheme.tie_rules, 1):
        click.echo(f"  {number}. {rule}")


@main.command(cls=Examples)
@json_option
@model_option
@labeled_option
def doctor(as_json: bool, model: Path | None, labeled: Path | None) -> None:
    """Print what this installation consists of: versions, model, dictionary, fonts; say what is wrong.

    Examples:
      gonglian doctor
      gonglian doctor --json
    """
    from classifier.doctor import examine

    facts, problems = examine(model or model_folder(), labeled or labeled_folder())
    if as_json:
        click.echo(json.dumps({"facts": facts, "problems": problems}, ensure_ascii=False, indent=1))
    else:
        for name, value in facts.items():
            click.echo(f"{name}: {value}")
    if problems:
        raise ClassifierError("; ".join(problems))


for command in (stats, report, track, audit, ledger, model_group):
    main.add_command(command)

if __name__ == "__main__":
    main()
