"""Published tables held against themselves: parts and totals, shares and counts, halves and years, growth and levels.

Our own tables say by their measures what must hold (`classifier.tidy`), printed ones by a ``checks.toml`` beside them
(`classifier.printed`). Figures are compared within their rounding (`classifier.quantities`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from classifier.errors import InputError
from classifier.printed import Relations, check_printed, read_relations
from classifier.quantities import Finding
from classifier.records import open_table
from classifier.resources import labeled_folder
from classifier.tables import align
from classifier.tidy import check_tables, is_tidy

RELATIONS = "checks.toml"
VERDICTS = ("fails", "not checked", "holds")


def check_paths(paths: Iterable[Path], *, tolerance: float = 1e-6) -> list[Finding]:
    """Return what holds and what does not in tables on disk: files that `open_table` reads, or folders of csv files.

    Gonglian's own tables are checked together by `check_tables`. Printed ones are checked by the ``checks.toml``
    beside them, or else by that of ``labeled/reference`` which knows tables of these names.

    Raises
    ------
    InputError
        If a file is missing or no table, two tables have one name, or a relation asks for what is not there.
    """
    findings: list[Finding] = []
    tidy: dict[str, pd.DataFrame] = {}
    for path in paths:
        printed: dict[str, pd.DataFrame] = {}
        for name, table in read_tables(path).items():
            held = tidy if is_tidy(table) else printed
            if name in held:
                raise InputError(f"{path}: a table {name!r} was read before; name every table once")
            held[name] = table
        if printed:
            findings += _check_beside(path, printed)
    return findings + check_tables(tidy, tolerance=tolerance)


def read_tables(path: Path) -> dict[str, pd.DataFrame]:
    """Return the table of a file (of a workbook the first sheet), or those of a folder's csv files, by name.

    Raises
    ------
    InputError
        If there is no table, or one cannot be read.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no tables (*.csv) in this folder; name a folder or files with tables")
    return {file.stem: _read_table(file) for file in files}


def _read_table(path: Path) -> pd.DataFrame:
    with open_table(str(path)) as table:
        batches = list(table.batches)
    if table.rejected:
        bad = table.rejected[0]
        raise InputError(f"{path}: line {bad.line}: {bad.reason}; mend the row")
    return pd.DataFrame({name: [cell for batch in batches for cell in batch.cells(name)] for name in table.columns})


def _check_beside(path: Path, tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Return the findings of printed tables; a folder's own relations must find all their tables, others need not."""
    own = (path if path.is_dir() else path.parent) / RELATIONS
    known = sorted((labeled_folder() / "reference").glob(f"*/{RELATIONS}"))
    known = [file for file in known if any(file.with_name(f"{name}.csv").exists() for name in tables)]
    source = next((file for file in (own, *known) if file.exists()), None)
    relations = read_relations(source) if source else Relations()
    try:
        return check_printed(tables, relations, partial=not (path.is_dir() and source == own))
    except InputError as error:
        raise InputError(f"{path}: {error}" + (f" ({source})" if source else "")) from error


def to_text(findings: Sequence[Finding], *, holding: bool = True) -> str:
    """Return findings as a table, those that fail first, under a line that counts them.

    ``holding`` = False leaves out what holds. The columns: verdict, difference, tolerance, id, figures, place.
    """
    counts = to_record(findings)
    heading = "{relations} relations: {hold} hold, {fail} do not; not checked: {not_checked}".format_map(counts)
    shown = [finding for finding in findings if holding or finding.verdict != "holds"]
    shown.sort(key=lambda finding: VERDICTS.index(finding.verdict))
    if not shown:
        return heading
    figures = align([[finding.verdict, *_difference(finding)] for finding in shown]).split("\n")
    return "\n".join([heading, "", *map(_line, figures, shown)])


def _difference(finding: Finding) -> tuple[str, str]:
    if finding.difference is None:
        return "-", ""
    return f"{finding.difference:+.6g}", f"±{finding.tolerance:.2g}"


def _line(figures: str, finding: Finding) -> str:
    said = "" if finding.verdict == "holds" else f"\n    {finding.statement}"
    return f"{figures}  {finding.id}: {finding.reason} [{finding.place}]{said}"


def to_record(findings: Sequence[Finding]) -> dict[str, object]:
    """Return findings as plain values, for JSON; what was not compared has null for its numbers."""
    verdicts = Counter(finding.verdict for finding in findings)
    return {
        "relations": verdicts["holds"] + verdicts["fails"],
        "hold": verdicts["holds"],
        "fail": verdicts["fails"],
        "not_checked": verdicts["not checked"],
        "findings": [finding._asdict() for finding in findings],
    }
