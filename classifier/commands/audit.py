"""gonglian audit: disputed classifications."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import click

from classifier.commands.common import (
    Examples,
    check_not_same,
    encoding_option,
    format_option,
    json_option,
    labeled_option,
    ledger_option,
    model_option,
    note,
    population_option,
    prior_option,
    quiet_option,
    scorer_of,
    sheet_option,
    threshold_option,
)
from classifier.commands.statistics import INPUTS, tell_problems
from classifier.errors import InputError
from classifier.resources import labeled_folder, model_folder


@click.group()
def audit() -> None:
    """Audit classifications: why, who decided, disputes from claim to decision, what hangs on them, suspect labels."""


STOPPED = 3  # exit code of a drift that is to stop a job
DAY = click.DateTime(["%Y-%m-%d"])
reason_option = click.option("--reason", required=True, help="Why.")


def _login() -> str:
    """Return the name of who is logged in, "" where the system does not know."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


person_option = click.option("--person", default=_login, help="Who you are (default: your login name).")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from classifier.ledger import Ledger

    with Ledger.open(path, create=False) as ledger:
        yield ledger


def _show_case(ledger: Any, scheme: Any, case: Any, as_json: bool) -> None:
    from classifier.disputes import case_record, case_text

    company = ledger.company(case.dispute.company_id)
    click.echo(
        json.dumps(case_record(case, company), ensure_ascii=False, indent=1)
        if as_json
        else case_text(case, company, scheme)
    )


@audit.command(cls=Examples, name="open")
@click.argument("company", metavar="COMPANY")
@click.option("--claim", required=True, metavar="DOMAIN", help="Where it belongs: a code or a Chinese name.")
@reason_option
@click.option("--reopens", type=int, default=None, metavar="ID", help="The decided dispute that this one reopens.")
@person_option
@ledger_option
@labeled_option
@json_option
def audit_open(
    company: str,
    claim: str,
    reason: str,
    reopens: int | None,
    person: str,
    ledger: Path,
    labeled: Path | None,
    as_json: bool,
) -> None:
    """Claim that a company (id, code or name) belongs to another domain; prints the number of the dispute.

    Examples:
      gonglian audit open 688002 --claim 工业自动化与边缘计算 --reason "红外探测器是传感器"
      gonglian audit open 688002 --claim 网络与标识 --reason "年报改了主营业务" --reopens 1
    """
    from classifier.disputes import find_code, find_company, open_case
    from classifier.domains import load_scheme

    scheme = load_scheme(labeled)
    with _opened(ledger) as book:
        company_id = find_company(book, company).company_id
        code = find_code(scheme, claim)
        case = open_case(book, scheme, company_id, code, reason=reason, person=person, reopens=reopens)
        _show_case(book, scheme, case, as_json)


@audit.command(cls=Examples, name="assign")
@click.argument("dispute", metavar="ID", type=int)
@click.argument("persons", metavar="PERSON...", nargs=-1, required=True)
@click.option("--arbiter", is_flag=True, help="As arbiter, where the two reviewers differ.")
@click.option("--substitute", is_flag=True, help="One more, for somebody who does not answer.")
@click.option("--reason", default="", help="Why these; a substitute needs it.")
@person_option
@ledger_option
@labeled_option
@json_option
def audit_assign(
    dispute: int,
    persons: tuple[str, ...],
    arbiter: bool,
    substitute: bool,
    reason: str,
    person: str,
    ledger: Path,
    labeled: Path | None,
    as_json: bool,
) -> None:
    """Assign two reviewers to a dispute or, where they differ, an arbiter: never the claimant, and nobody twice.

    Who assigned whom, when and why is kept.

    Examples:
      gonglian audit assign 1 李雷 韩梅梅
      gonglian audit assign 1 王老师 --arbiter --person 编辑部
      gonglian audit assign 1 赵六 --substitute --reason "韩梅梅休假"
    """
    from classifier.disputes import assign
    from classifier.domains import load_scheme

    with _opened(ledger) as book:
        role = "arbiter" if arbiter else "reviewer"
        case = assign(book, dispute, persons, person=person, reason=reason, role=role, substitute=substitute)
        _show_case(book, load_scheme(labeled), case, as_json)


@audit.command(cls=Examples, name="review")
@click.argument("dispute", metavar="ID", type=int)
@click.option("--code", default=None, metavar="DOMAIN", help="Your answer; without it you get what there is to read.")
@click.option("--reason", default="", help="Why; an answer needs it.")
@click.option("--blind", is_flag=True, help="Do not show what the model says before both reviewers have answered.")
@person_option
@ledger_option
@labeled_option
@json_option
def audit_review(
    dispute: int,
    code: str | None,
    reason: str,
    blind: bool,
    person: str,
    ledger: Path,
    labeled: Path | None,
    as_json: bool,
) -> None:
    """Read a dispute that you are assigned to, or answer it; the other's answer is shown when both have answered.

    Two answers that agree decide the dispute.

    Examples:
      gonglian audit review 1 --blind
      gonglian audit review 1 --code automation_edge --reason "传感器归工业自动化与边缘计算"
    """
    from classifier.disputes import brief, brief_record, brief_text, find_code, review
    from classifier.domains import load_scheme

    scheme = load_scheme(labeled)
    with _opened(ledger) as book:
        if code is not None:
            case = review(book, scheme, dispute, person, find_code(scheme, code), reason=reason)
            _show_case(book, scheme, case, as_json)
            return
        found = brief(book, dispute, person, blind=blind)
    click.echo(json.dumps(brief_record(found), ensure_ascii=False, indent=1) if as_json else brief_text(found, scheme))


@audit.command(cls=Examples, name="resolve")
@click.argument("dispute", metavar="ID", type=int)
@click.option("--code", required=True, metavar="DOMAIN", help="The decision: a code or a Chinese name.")
@reason_option
@person_option
@ledger_option
@labeled_option
@json_option
def audit_resolve(
    dispute: int, code: str, reason: str, person: str, ledger: Path, labeled: Path | None, as_json: bool
) -> None:
    """Decide a dispute on which the reviewers differ, as its arbiter.

    Examples:
      gonglian audit resolve 1 --code automation_edge --reason "定义明列传感器"
    """
    from classifier.disputes import find_code, resolve
    from classifier.domains import load_scheme

    scheme = load_scheme(labeled)
    with _opened(ledger) as book:
        case = resolve(book, scheme, dispute, person, find_code(scheme, code), reason=reason)
        _show_case(book, scheme, case, as_json)


@audit.command(cls=Examples, name="list")
@click.option(
    "--state",
    type=click.Choice(["open", "in review", "disagreement", "decided"]),
    default=None,
    help="Only those in this state (default: all that are not decided).",
)
@ledger_option
@labeled_option
@json_option
def audit_list(state: str | None, ledger: Path, labeled: Path | None, as_json: bool) -> None:
    """List disputes: what is claimed, how far they have come, and for whom they wait.

    Examples:
      gonglian audit list
      gonglian audit list --state decided --json
    """
    from classifier.disputes import case_record, cases_text, load_cases
    from classifier.domains import load_scheme

    with _opened(ledger) as book:
        cases = [(case, book.company(case.dispute.company_id)) for case in load_cases(book, state)]
    if as_json:
        click.echo(json.dumps([case_record(*case) for case in cases], ensure_ascii=False, indent=1))
    else:
        click.echo(cases_text(cases, load_scheme(labeled)))


@audit.command(cls=Examples, name="history")
@click.argument("company", metavar="COMPANY")
@click.option("--blind", is_flag=True, help="Leave out what models say.")
@ledger_option
@labeled_option
@json_option
def audit_history(company: str, blind: bool, ledger: Path, labeled: Path | None, as_json: bool) -> None:
    """Print all that the ledger has on a company, by time: who, when, why, on which text and model.

    Examples:
      gonglian audit history 睿创微纳
      gonglian audit history 688002 --json
    """
    from classifier.disputes import find_company, history, history_text
    from classifier.domains import load_scheme

    with _opened(ledger) as book:
        entries = history(book, find_company(book, company).company_id, blind=blind)
    if as_json:
        click.echo(json.dumps([entry._asdict() for entry in entries], ensure_ascii=False, indent=1))
    else:
        click.echo(history_text(entries, load_scheme(labeled)))


def _facts(command: Any) -> Any:
    """Add an option for every kind of file with facts."""
    for kind in reversed([kind for kind in INPUTS if kind not in ("ledger", "companies")]):
        help = f"{INPUTS[kind]} Instead of those in the ledger." if kind in ("events", "listings") else INPUTS[kind]
        command = click.option(f"--{kind.replace('_', '-')}", kind, metavar="FILE", default=None, help=help)(command)
    return command


@audit.command(cls=Examples, name="impact")
@click.argument("dispute", metavar="ID", type=int)
@click.option("--code", default=None, metavar="DOMAIN", help="Another label than the one decided, else claimed.")
@click.option("--year", type=int, required=True, help="The report's year.")
@click.option("--against", type=int, default=None, help="The year to compare with (default: the one before).")
@click.option("--board", default="科创板", show_default=True, help="The board of 表2-3 to 表2-6.")
@_facts
@click.option(
    "--confusion",
    type=click.Path(path_type=Path),
    default=None,
    help="Held-out labels to correct by (default: the model's own; see gonglian evaluate --confusion).",
)
@ledger_option
@model_option
@labeled_option
@quiet_option
@json_option
def audit_impact(
    dispute: int,
    code: str | None,
    year: int,
    against: int | None,
    board: str,
    confusion: Path | None,
    ledger: Path,
    model: Path | None,
    labeled: Path | None,
    quiet: bool,
    as_json: bool,
    **files: str | None,
) -> None:
    """Print which figures of gonglian stats change, and by how much, if the decision on a dispute stands.

    Companies and labels, events and listings are those of the ledger; market values, indicators and valuations come
    from files. A dispute that is not decided is taken as claimed.

    Examples:
      gonglian audit impact 1 --year 2020
      gonglian audit impact 1 --year 2020 --market-values market_values.csv --json
    """
    from dataclasses import replace

    from classifier.correction import read_confusion
    from classifier.disputes import find_code, load_case
    from classifier.domains import load_scheme
    from classifier.finance import read_rates
    from classifier.impact import before_decision, impact, to_text
    from classifier.ledger import read_ledger_sources
    from classifier.regions import load_gazetteer
    from classifier.sources import read_facts
    from classifier.study import Comparison

    scheme = load_scheme(labeled)
    with _opened(ledger) as book:
        case = load_case(book, dispute)
        sources, problems = read_ledger_sources(book)
        before = before_decision(sources, book, case)
    facts = {kind: path for kind, path in files.items() if path}
    frames, more = read_facts(facts, before.companies, read_rates(), before.listings)
    if not quiet:
        tell_problems([*problems, *more])
    standing = case.decision.code if case.decision else case.dispute.claimed
    changes = impact(
        replace(before, **frames),
        case.dispute.company_id,
        find_code(scheme, code) if code else standing,
        scheme,
        read_confusion(confusion or (model or model_folder()) / "confusion.csv", scheme.codes),
        Comparison(year, year - 1 if against is None else against, board, tuple(load_gazetteer().areas)),
    )
    if as_json:
        rows = changes.astype(object).where(changes.notna(), None).to_dict("records")
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        click.echo(to_text(changes, scheme))


@audit.command(cls=Examples, name="show")
@click.argument("company", metavar="COMPANY")
@click.option(
    "--against",
    default=None,
    metavar="DOMAIN",
    help="Weigh the domain against this one (default: what an open dispute claims, else the runner-up).",
)
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write one page for the file."
)
@ledger_option
@model_option
@labeled_option
@prior_option
@threshold_option
@json_option
def audit_show(
    company: str,
    against: str | None,
    html: Path | None,
    ledger: Path,
    model: Path | None,
    labeled: Path | None,
    prior: float | None,
    threshold: float | None,
    as_json: bool,
) -> None:
    """Show why a company has its label: terms for and against, what would flip it, precedents, the codebook, history.

    COMPANY is an id, code or name of the ledger, or - for a description on stdin.

    Examples:
      gonglian audit show 睿创微纳
      gonglian audit show 688002 --against 工业自动化与边缘计算 --html why.html
      echo "工业机器人的研发、生产和销售" | gonglian audit show -
    """
    from classifier.artifact import read_held_out
    from classifier.disputes import find_code
    from classifier.evidence import explain, to_html, to_record, to_text
    from classifier.precedents import load_precedents

    scorer = scorer_of(model, labeled, prior, threshold)
    heading, text, past, claimed = _stdin_case() if company == "-" else _ledger_case(ledger, company)
    rival = find_code(scorer.scheme, against) if against else claimed
    precedents = load_precedents(scorer, (labeled or labeled_folder()) / "corpus")
    unseen = partial(read_held_out, model or model_folder(), scorer.facts.labels)
    evidence = explain(text, scorer, rival=rival, precedents=precedents, out_of_fold=unseen, history=past)
    if html:
        from classifier.outputs import whole_file

        with whole_file(html) as stream:
            stream.write(to_html(evidence, heading=heading).encode())
        note(str(html))
    elif as_json:
        click.echo(json.dumps(to_record(evidence), ensure_ascii=False, indent=1))
    else:
        click.echo(f"{heading}\n{to_text(evidence)}" if heading else to_text(evidence))


_Shown = tuple[str, str, list[dict[str, Any]], str | None]


def _stdin_case() -> _Shown:
    return "", sys.stdin.read().strip(), [], None


def _ledger_case(path: Path, company: str) -> _Shown:
    """Return a company's name, its newest description, its history, and what an open dispute claims."""
    from classifier.disputes import find_company, history

    with _opened(path) as book:
        found = find_company(book, company)
        latest = book.latest_description(found.company_id)
        claims = [dispute.claimed for dispute in book.disputes("open", company_id=found.company_id)]
        past = [
            {"at": entry.at, "event": entry.kind, "what": entry.what, "by": entry.who, "why": entry.why}
            for entry in history(book, found.company_id)
        ]
    name = found.full_name or found.name
    if latest is None:
        raise InputError(f"{path}: {name} has no description; add one with gonglian track")
    return f"{name} ({found.company_id})", latest.text, past, claims[-1] if claims else None


@audit.command(cls=Examples, name="labels")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--text", multiple=True, metavar="COL", help="Column of FILE with the description; may be given again.")
@click.option("--label", default=None, metavar="COL", help="Column of FILE with the label to be audited.")
@click.option("--name", default=None, metavar="COL", help="Column of FILE with the company's name.")
@click.option("--limit", default=50, show_default=True, help="Rows to print.")
@click.option("-o", "--output", default=None, help="Also write all ranked rows: csv, tsv, xlsx, jsonl or parquet.")
@format_option
@encoding_option
@sheet_option
@labeled_option
@json_option
def audit_labels(
    file: str | None,
    text: tuple[str, ...],
    label: str | None,
    name: str | None,
    limit: int,
    output: str | None,
    format: str | None,
    encoding: str | None,
    sheet: str | None,
    labeled: Path | None,
    as_json: bool,
) -> None:
    """Rank labels by how much a model that has not seen their texts doubts them: rank, likely label, and why.

    Those of FILE (csv, tsv, xlsx, jsonl, parquet; - is stdin), judged beside the training data; without FILE those of
    the training data. Labels are codes or Chinese names; rows are counted from 1, the first below the header.
    Confident learning (Northcutt, Jiang, Chuang 2021). Probabilities are calibrated on the training data, which is
    easier than real text: believe the order more than the numbers. The first run on the same labels trains a model a
    fold, which takes some minutes.

    Examples:
      gonglian audit labels
      gonglian audit labels --labeled my-labels --limit 200 --json
      gonglian audit labels labelled.xlsx -o suspects.xlsx
      gonglian audit labels labelled.csv --text 简介 --label 领域
    """
    from classifier.domains import load_scheme
    from classifier.labelled import find_labelled_suspects, join_corpus, read_labelled
    from classifier.labels import read_examples
    from classifier.model import read_settings
    from classifier.records import format_of
    from classifier.suspects import find_suspects, kept_out_of_fold
    from classifier.text import load_dictionary, read_lexicon

    options = {"format": format, "encoding": encoding, "sheet": sheet}
    if file is None and (text or label or name or any(options.values())):
        raise click.UsageError("--text, --label, --name, --format, --encoding and --sheet are for a FILE; name one")
    if output:
        format_of(output)
        check_not_same(file or "-", output)
    folder = labeled or labeled_folder()
    scheme, corpus = load_scheme(folder), read_examples(folder / "corpus")
    given = read_labelled(file, scheme, text=text, label=label, name=name, **options) if file else None
    if given:
        _tell_labelled(given)
    examples = join_corpus(given.examples, corpus) if given else corpus
    dictionary = load_dictionary(read_lexicon(folder / "lexicon"))
    settings = read_settings(folder / "settings.toml")
    found = kept_out_of_fold(examples, scheme, dictionary, settings, report=note)
    ranked = find_labelled_suspects(given.examples, corpus, found) if given else find_suspects(corpus, found)
    if output:
        _write_frame(ranked, output)
    click.echo(
        json.dumps(ranked.head(limit).reset_index().to_dict("records"), ensure_ascii=False, indent=1)
        if as_json
        else _suspects_text(ranked.head(limit))
    )
    note(f"{int(ranked['suspect'].sum())} of {len(ranked):,} labels are suspect")


def _tell_labelled(given: Any) -> None:
    """Say which columns of a file were taken, and every row that is not judged."""
    columns, path = given.columns, given.examples[0].file
    note(
        f"{path}: description from {' + '.join(columns.text)}, label from {columns.label}, "
        f"name from {columns.name or 'no column'}"
    )
    for said in given.notes:
        note(f"note: {said}")
    for one in given.problems:
        note(f"not judged: {one.file}: row {one.row}: {one.column} {one.cell!r}: {one.reason}")
    judged, lost, blank = len(given.examples), len(given.problems), given.unlabelled
    note(f"rows in {judged + lost + blank:,} = judged {judged:,} + not judged {lost:,} + without a label {blank:,}")


def _write_frame(frame: Any, path: str) -> None:
    from classifier.outputs import open_output
    from classifier.records import Batch, format_of

    kind, zipped = format_of(path)
    with open_output(path, kind, zipped=zipped, marked=True) as writer:
        writer.write(Batch({str(column): frame[column].tolist() for column in frame.columns}, len(frame)))


def _suspects_text(ranked: Any) -> str:
    """Return ranked labels as a table: three digits a probability, yes where a label is suspect."""
    from classifier.tables import align

    shown = ranked.assign(
        score=ranked["score"].map("{:.3f}".format),
        probability=ranked["probability"].map("{:.3f}".format),
        suspect=ranked["suspect"].map({True: "yes", False: ""}),
    ).astype(str)
    return align([list(shown.columns), *shown.to_numpy().tolist()])


def _ratings(book: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield the answers to all disputes: dispute, reader (a model, too), code and time."""
    for dispute in book.disputes():
        item = str(dispute.dispute_id)
        for review in book.reviews_of(dispute.dispute_id):
            yield item, review.reviewer, review.code, review.at
        prediction = book.current_prediction(dispute.company_id)
        if prediction:
            yield item, prediction.model, prediction.domain, prediction.at


@audit.command(cls=Examples, name="agreement")
@click.option("--by-month", is_flag=True, help="Also the kappa of every pair by month.")
@ledger_option
@labeled_option
@json_option
def audit_agreement(by_month: bool, ledger: Path, labeled: Path | None, as_json: bool) -> None:
    """Say how far reviewers agree: Krippendorff's alpha over all and by domain, Cohen's kappa by pair, each with 95 %.

    The items are the disputes of the ledger; the model's label on the text is one more reader. Agreement on disputed
    companies understates agreement in general.

    Examples:
      gonglian audit agreement
      gonglian audit agreement --by-month --json
    """
    import pandas as pd

    from classifier.agreement import agreement_by_domain, kappa_by_pair, kappa_over_time, to_ratings
    from classifier.domains import load_scheme

    scheme = load_scheme(labeled)
    with _opened(ledger) as book:
        rated = pd.DataFrame(_ratings(book), columns=["item", "rater", "code", "at"])
    if rated.empty:
        raise InputError(f"{ledger}: no reviews yet; see gonglian audit review")
    rated["at"] = pd.to_datetime(rated["at"]).dt.tz_convert(None)
    ratings = to_ratings(rated)
    frames = {"alpha": agreement_by_domain(ratings, scheme.codes), "kappa": kappa_by_pair(ratings)}
    if by_month:
        pairs = combinations(sorted(rated["rater"].unique()), 2)
        frames |= {f"{one}, {other}": kappa_over_time(rated, one, other) for one, other in pairs}
    if as_json:
        found = {name: json.loads(frame.reset_index().to_json(orient="records")) for name, frame in frames.items()}
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        told = (f"{name}\n{frame.reset_index().round(3).to_string(index=False)}" for name, frame in frames.items())
        click.echo("\n\n".join(told))


@audit.command(cls=Examples, name="queue")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many companies.")
@click.option("--year", type=int, default=None, help="The report's year (default: the last with an event or listing).")
@click.option("--against", type=int, default=None, help="The year to compare with (default: the one before).")
@ledger_option
@labeled_option
@json_option
def audit_queue(
    limit: int, year: int | None, against: int | None, ledger: Path, labeled: Path | None, as_json: bool
) -> None:
    """List what to read next: companies whose label, if it is wrong, moves the published numbers most.

    The model's doubt x what hangs on the company in the tables of two years (small cells weigh more), spread over the
    labels. Companies that a person has labelled, and those under dispute, are left out.

    Examples:
      gonglian audit queue
      gonglian audit queue -n 100 --year 2020 --json
    """
    from classifier.domains import load_scheme
    from classifier.reading import read_queue, to_records, to_text

    if against is not None and year is None:
        raise click.UsageError("--against needs --year")
    years = None if year is None else (year - 1 if against is None else against, year)
    scheme = load_scheme(labeled)
    with _opened(ledger) as book:
        queue = read_queue(book, scheme, years=years, limit=limit)
        click.echo(
            json.dumps(to_records(book, queue), ensure_ascii=False, indent=1)
            if as_json
            else to_text(book, queue, scheme)
        )


@audit.command(cls=Examples, name="drift")
@click.option("--since", type=DAY, default=None, help="First day of the descriptions to look at (default: all).")
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    default=None,
    help="Profile to compare with (default: that of the held-out texts, beside the model).",
)
@click.option("--past", is_flag=True, help="Compare with the descriptions of the ledger before --since instead.")
@click.option("--save", type=click.Path(path_type=Path), default=None, help="Keep the profile of what was looked at.")
@population_option("Which held-out texts to compare with.")
@ledger_option
@model_option
@labeled_option
@json_option
@click.pass_context
def audit_drift(
    context: click.Context,
    since: Any,
    reference: Path | None,
    past: bool,
    save: Path | None,
    population: str,
    ledger: Path,
    model: Path | None,
    labeled: Path | None,
    as_json: bool,
) -> None:
    """Tell whether labels, probabilities or words have moved away from the texts that the model was measured on.

    Population stability index: warn from 0.1, stop accepting from 0.25 (Siddiqi 2006). Exit code 3: stop. Looked at are
    the newest descriptions that the model has labelled. Companies of another kind than the held-out ones, and labels
    made with another --prior or --threshold, need a reference of their own.

    Examples:
      gonglian audit drift --since 2026-07-01
      gonglian audit drift --since 2026-07-01 --past
      gonglian audit drift --save 2025.profile.json
      gonglian audit drift --since 2026-07-01 --reference 2025.profile.json
      gonglian track week.csv && gonglian audit drift --since 2026-07-01 && gonglian report --ledger gonglian.db ...
    """
    from classifier import drift
    from classifier.artifact import load_model
    from classifier.domains import load_scheme

    if past and (reference or not since):
        raise click.UsageError("--past needs --since, and no --reference")
    folder, day = model or model_folder(), since and since.date()
    used = load_model(folder, load_scheme(labeled))
    rates = partial(drift.unknown_rates, model=used)
    with _opened(ledger) as book:
        current = drift.profile_ledger(book, rates, model=used.identity, since=day)
        if reference:
            before = drift.read_reference(reference, used.identity)
        elif past:
            before = drift.profile_ledger(book, rates, model=used.identity, until=day)
        else:
            before = drift.read_model_profile(folder, population, used.identity)
    if save:
        drift.write_profile(current, save)
    found = drift.drift(before, current)
    stop = drift.is_to_stop(found)
    if as_json:
        features = [one._asdict() for one in found]
        record = {"before": before.source, "now": current.source, "model": used.identity, "stop": stop}
        click.echo(json.dumps({**record, "features": features}, ensure_ascii=False, indent=1))
    else:
        click.echo(drift.to_text(before, current, found))
    if stop:
        note("stop accepting labels without a reader: read some hundred texts drawn at random, and train anew")
        context.exit(STOPPED)
