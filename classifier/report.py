"""Tables and figures in, the report out: one page to read and print, a workbook to work with, csv and pictures beside.

Everything is made in memory first and a run over the same tables gives the same bytes; then all files appear together.
Numbers are written by `numerals.number_text` wherever a person reads them; csv and xlsx hold them unrounded.
"""

import datetime
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from classifier.canvas import MUTED, STRONG
from classifier.charts import HALVES, Figure
from classifier.domains import Scheme
from classifier.findings import CHARACTERISTIC
from classifier.numerals import Cell, cell_text, cells, dimensions, interval_text, number_text, unit_behind, unit_name
from classifier.outputs import XLSX_CHARACTERS, CsvWriter, unwritable, whole_file
from classifier.pages import render
from classifier.records import Batch
from classifier.sources import Problem
from classifier.study import TOP_FIVE, TOTAL, Table
from classifier.survey import Survey
from classifier.tables import align
from classifier.unlisted import MONTHS

PROBLEMS = "problems.csv"
SHOWN_ROWS = 60  # of a table on the page; csv and xlsx hold all
INPUTS = {
    "events": "融资事件",
    "listings": "上市与再融资",
    "market_values": "年末市值",
    "indicators": "企业指标",
    "valuations": "估值",
}
_CHAPTERS = {"L": "上市企业", "U": "非上市企业的融资事件"}
_DIMENSIONS = {
    **{"year": "年份", "period": "时段", "province": "省份", "domain": "领域", "group": "组别", "channel": "方式"},
    **{"market": "市场", "board": "板块", "indicator": "指标", "kind": "专利类型", "investor": "机构"},
    **{"names": "所投企业", "company_id": "企业编号", "name": "企业", "date": "上市日期", "region": "地区"},
    **{"first_listed": "首次上榜", "round": "最新轮次", "round_date": "轮次日期"},
}
_MEASURES = {
    **{"companies": "企业数", "new_companies": "新上市企业数", "all_companies": "全部企业数"},
    **{"published_companies": "披露金额的企业数", "listed_companies": "上市企业数", "events": "事件数"},
    **{"published_events": "披露金额的事件数", "market_value_wan": "总市值", "amount_wan": "金额"},
    **{"amount_low_wan": "金额（取低值）", "amount_high_wan": "金额（取高值）", "valuation_usd": "估值"},
    **{"share": "占比", "new_share": "新上市占比", "all_share": "全部企业占比", "amount_share": "金额占比"},
    **{"growth": "增速", "growth_without_new": "增速（不含新上市）", "companies_growth": "企业数增速"},
    **{"events_growth": "事件数增速", "amount_growth": "金额增速", "share_growth": "占比增速"},
    **{"events_change": "事件数增减", "share_change": "占比增减", "mean": "均值", "board": "板块整体"},
    **{"in_scope": "产业范围内", "mix_in_scope": "产业范围内构成", "mix_board": "板块构成"},
    **{"location_quotient": "区位商", "chance_above_one": "高于1的概率"},
}
_FIGURES = {"n": "所依据的企业或事件数", "plain": "直接计数", "value": "校正值", "low": "区间下限", "high": "区间上限"}
_PERIODS = {**{month: f"{int(month)}月" for month in MONTHS}, **HALVES}
_SUMS = {TOTAL, TOP_FIVE, "全年", *HALVES}
_FORMS = {
    **dict.fromkeys(("share", "ratio", "points"), "0.0%"),
    **dict.fromkeys(("quotient", "usd_100m"), "#,##0.00"),
}
_PLAIN_FORMS = {"year": "0", "n": "#,##0"}
_UNROUNDED = {"wan_rmb": "万元", "share": "比例", "ratio": "比例", "points": "比例之差"}  # in csv and xlsx
_WIDE = ("name", "names", "domain", "measure", "investor", "indicator", "group")


@dataclass(frozen=True)
class Edition:
    """What a report is made from; ``facts`` stand in its head: model, inputs, rates, ..., by their Chinese names."""

    tables: Sequence[Table]
    figures: Sequence[Figure]
    year: int
    against: int
    scheme: Scheme
    facts: Mapping[str, str]

    @property
    def corrected(self) -> bool:
        """Whether figures are corrected for misclassification; else they are counts as they are."""
        return any(table.data["low"].notna().any() for table in self.tables)

    @property
    def title(self) -> str:
        """What stands above all."""
        return f"{self.year}年工业互联网投融资统计"

    def name(self, dimension: str, value: object) -> str:
        """Return a value of a dimension as people read it."""
        if dimension == "domain":
            return {domain.code: domain.name for domain in self.scheme.domains}.get(str(value), str(value))
        if dimension == "period":
            return _PERIODS.get(str(value), str(value))
        return f"{value}年" if dimension == "year" else "" if value is None or value != value else str(value)


def write_report(
    tables: Sequence[Table],
    figures: Sequence[Figure],
    folder: Path,
    *,
    year: int,
    against: int,
    scheme: Scheme,
    facts: Mapping[str, str],
    problems: Sequence[Problem] = (),
) -> list[Path]:
    """Write report.html, report.xlsx, tables/*.csv and figures/*, and return their paths.

    A file of an earlier report that this one does not have (a figure that is no longer drawn) is deleted; other files
    in the folder stay.

    Parameters
    ----------
    facts : mapping
        What stands in the head of the report: model, inputs, rates, ..., by its Chinese name.
    problems : sequence of Problem
        Cells and rows that could not be used, for problems.csv.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    edition = Edition(tables, figures, year, against, scheme, facts)
    contents = {"report.html": page(edition).encode("utf-8", "replace"), "report.xlsx": workbook(edition)}
    contents |= {f"tables/{table.name}.csv": csv_bytes(table.data) for table in tables} | _problem_file(problems)
    for figure in figures:
        contents[f"figures/{figure.id}_{figure.name}.svg"] = figure.svg.encode("utf-8", "replace")
        if figure.png:
            contents[f"figures/{figure.id}_{figure.name}.png"] = figure.png
    possible = {f"figures/{table.id}_{table.name}.{kind}" for table in tables for kind in ("svg", "png")}
    return _place(folder, contents, stale={*possible, PROBLEMS} - contents.keys())


def write_tables(survey: Survey, target: Path) -> list[Path]:
    """Write a survey's tables as a workbook (``target`` ends in .xlsx) or as csv files in a folder; return the paths.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    if target.suffix.lower() == ".xlsx":
        contents = {target.name: workbook(edition_of(survey))}
        return _place(target.parent, contents | _problem_file(survey.problems))
    contents = {f"{table.name}.csv": csv_bytes(table.data) for table in survey.tables}
    return _place(target, contents | _problem_file(survey.problems))


def edition_of(survey: Survey, figures: Sequence[Figure] = ()) -> Edition:
    """Return what a survey's report is made from."""
    years = survey.comparison
    return Edition(survey.tables, figures, years.year, years.against, survey.scorer.scheme, survey.facts())


def _problem_file(problems: Sequence[Problem]) -> dict[str, bytes]:
    return {PROBLEMS: csv_bytes(pd.DataFrame(problems))} if problems else {}


def _place(folder: Path, contents: Mapping[str, bytes], *, stale: Iterable[str] = ()) -> list[Path]:
    """Write all files beside their names, and only then let each take its name."""
    try:
        with ExitStack() as parts:
            for name, content in contents.items():
                stream = parts.enter_context(whole_file(folder / name))
                stream.write(content)
                stream.flush()
        for name in stale:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(str(folder), error) from error
    return [folder / name for name in contents]


def csv_bytes(data: pd.DataFrame) -> bytes:
    """Return a table as csv under its own names, with the mark by which Excel knows UTF-8; empty where it has NaN."""
    cells = data.astype(object).where(data.notna(), None)
    stream = io.BytesIO()
    writer = CsvWriter(stream, ",", marked=True)
    writer.write(Batch({str(name): cells[name].tolist() for name in data.columns}, len(data)))
    return stream.getvalue()


# ------------------------------------------------------------------------------------------------------------- page


class Shown(NamedTuple):
    """A number on the page, and under it in small type its interval, its n, ...; ``strong`` where it stands out."""

    text: str
    small: Sequence[str] = ()
    strong: bool = False


class Column(NamedTuple):
    """A column of numbers: its name, its unit, n where it is the same in every row, and whether a group begins."""

    name: str
    unit: str
    n: str
    first: bool


class Row(NamedTuple):
    """A row of a table on the page: what it is of, its numbers, and whether it sums others up."""

    heads: list[str]
    cells: list[Shown]
    total: bool


class Grid(NamedTuple):
    """A table as people read it; ``groups`` are names over so many columns each (none where there is no such level)."""

    heads: list[str]
    groups: list[tuple[str, int]]
    columns: list[Column]
    rows: list[Row]
    left_out: int


class _Layout(NamedTuple):
    """Which dimension runs across a table, which measures it shows (none: all), and whether it shows n."""

    across: str = "year"
    measures: tuple[str, ...] = ()
    n: bool = True


_LAYOUTS = {"L6": _Layout("group"), "U5": _Layout("domain", ("events",), n=False)}
_FOLDED = ("amount_low_wan", "amount_high_wan")  # stand under the amount that they bound
_HIDDEN = "company_id"


def grid(table: Table, edition: Edition) -> Grid:
    """Return a table with years, groups or domains side by side, and its measures under each."""
    pivot = _pivot(table, edition.year)
    counted = Counter(group for group, _ in pivot.columns)
    grouped = bool(pivot.across) and max(counted.values(), default=0) > 1
    columns = [_column(pivot, place, edition, grouped=grouped) for place in range(len(pivot.columns))]
    return Grid(
        [_DIMENSIONS.get(name, name) for name in pivot.down if name != _HIDDEN],
        [(edition.name(pivot.across, group), count) for group, count in counted.items()] if grouped else [],
        columns,
        [_row(pivot, place, columns, edition) for place in list(pivot.rows)[:SHOWN_ROWS]],
        max(0, len(pivot.rows) - SHOWN_ROWS),
    )


class _Pivot(NamedTuple):
    """A table turned: by row and column (what stands across, and the measure), the key of a figure in ``found``."""

    layout: _Layout
    across: str
    down: list[str]
    found: dict[tuple, Cell]
    rows: dict[tuple, dict[tuple, tuple]]
    columns: list[tuple]


def _pivot(table: Table, year: int) -> _Pivot:
    layout, names = _LAYOUTS.get(table.id, _Layout()), dimensions(table)
    across = layout.across if layout.across in names and len(names) > 1 else ""
    down = [name for name in names if name != across and not (across and name == "year")]
    found = cells(table)
    rows: dict[tuple, dict[tuple, tuple]] = {}
    for key in found:
        place, measure = dict(zip(names, key, strict=False)), key[-1]
        other_year = across not in ("", "year") and place.get("year", year) != year
        if not other_year and measure not in _FOLDED and measure in (layout.measures or (measure,)):
            rows.setdefault(tuple(place[name] for name in down), {})[place.get(across, ""), measure] = key
    columns = _ordered([column for row in rows.values() for column in row], by_value=across == "year")
    return _Pivot(layout, across, down, found, rows, columns)


def _column(pivot: _Pivot, place: int, edition: Edition, *, grouped: bool) -> Column:
    group, measure = pivot.columns[place]
    name = _MEASURES.get(measure, measure) if grouped or not pivot.across else edition.name(pivot.across, group)
    column = [pivot.found[row[group, measure]] for row in pivot.rows.values() if (group, measure) in row]
    first = grouped and (place == 0 or pivot.columns[place - 1][0] != group)
    return Column(name, *_common(column, pivot.layout), first)


def _row(pivot: _Pivot, place: tuple, columns: Sequence[Column], edition: Edition) -> Row:
    row = pivot.rows[place]
    return Row(
        [edition.name(name, value) for name, value in zip(pivot.down, place, strict=True) if name != _HIDDEN],
        [_shown(pivot, row.get(key), column) for key, column in zip(pivot.columns, columns, strict=True)],
        any(value in _SUMS for value in place),
    )


def _ordered(met: Sequence[tuple], *, by_value: bool) -> list[tuple]:
    """Return columns with those of one group together (as they come, or by value), measures in one order in each."""
    groups, measures = (list(dict.fromkeys(column[part] for column in met)) for part in (0, 1))
    groups = sorted(groups) if by_value else groups
    return sorted(set(met), key=lambda column: (groups.index(column[0]), measures.index(column[1])))


def _common(column: Sequence[Cell], layout: _Layout) -> tuple[str, str]:
    """Return the unit and the n that all figures of a column have, each empty where they differ."""
    units, counts = {cell.unit for cell in column}, {cell.n for cell in column if cell.known}
    same = layout.n and len(counts) == 1 and len(column) > 1
    return (
        unit_behind(units.pop()) if len(units) == 1 else "",
        f"n={counts.pop():,.0f}" if same else "",
    )


def _shown(pivot: _Pivot, key: tuple | None, column: Column) -> Shown:
    if key is None:
        return Shown("")
    cell, (*place, measure) = pivot.found[key], key
    unit = unit_behind(cell.unit)
    said = bool(column.unit) or any(unit in str(value) for value in place)
    chance = pivot.found.get((*place, "chance_above_one"))
    strong = bool(chance and chance.value >= CHARACTERISTIC and TOTAL not in place)
    n = f"n={cell.n:,.0f}" if cell.bounded and pivot.layout.n and not column.n else ""
    under = [*_bounds(pivot.found, place, measure), n]
    text = cell_text(cell, signed=_is_change(measure)) + ("" if said else unit)
    return Shown(text, [line for line in under if line], strong)


def _bounds(found: Mapping[tuple, Cell], place: Sequence, measure: str) -> Iterator[str]:
    """Yield what bounds or explains a figure: its interval, amounts at their low and high reading, its quotient."""
    yield interval_text(found[*place, measure], signed=_is_change(measure))
    low, high, quotient = (found.get((*place, name)) for name in (*_FOLDED, "location_quotient"))
    if measure == "amount_wan" and low and high and low.value < high.value:
        yield f"取值{cell_text(low)}–{cell_text(high)}"
    if measure == "events" and quotient and TOTAL not in place and cell_text(found[*place, measure]) != "0":
        yield f"区位商{cell_text(quotient)}"


def _is_change(measure: str) -> bool:
    return "growth" in measure or measure.endswith("_change")


def page(edition: Edition) -> str:
    """Return the report as one page that asks for no other file."""
    figures = {figure.id: figure for figure in edition.figures}
    chapters = [
        (title, [_section(table, figures.get(table.id), edition) for table in edition.tables if table.id[0] == initial])
        for initial, title in _CHAPTERS.items()
    ]
    chance = number_text(CHARACTERISTIC, "share")
    return render("report.html", strong=STRONG, muted=MUTED, edition=edition, chapters=chapters, chance=chance)


def _section(table: Table, figure: Figure | None, edition: Edition) -> dict[str, Any]:
    return {
        "table": table,
        "figure": figure,
        "drawing": Markup(figure.svg) if figure else "",
        "grid": grid(table, edition),
        "missing": [(INPUTS.get(name, name), f"--{name.replace('_', '-')}") for name in table.missing],
    }


# --------------------------------------------------------------------------------------------------------- workbook


def workbook(edition: Edition) -> bytes:
    """Return all tables as a workbook: contents first, then a sheet a table, tidy as in csv, with numbers as numbers.

    What a table's rows and words mean stands in a box beside it, so that the sheet holds nothing but the table.
    """
    import xlsxwriter

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(stream, options)
    book.set_properties({"title": edition.title, "created": datetime.datetime(edition.year, 12, 31)})
    styles = _Styles(book)
    _write_contents(book.add_worksheet("目录"), edition, styles)
    for table in edition.tables:
        _write_sheet(book.add_worksheet(table.name), table, styles)
        book.get_worksheet_by_name(table.name).insert_textbox(
            1, len(table.data.columns) + 1, _legend(table, edition), {"width": 460, "height": 420}
        )
    book.close()
    return stream.getvalue()


class _Styles:
    """Formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._numbers: dict[str, Any] = {}
        self.head = book.add_format({"bold": True, "bottom": 1})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.link = book.add_format({"font_color": STRONG, "underline": 1})

    def number(self, form: str) -> Any:
        """Return a format for numbers."""
        if form not in self._numbers:
            self._numbers[form] = self._book.add_format({"num_format": form})
        return self._numbers[form]


def _write_contents(sheet: Any, edition: Edition, styles: _Styles) -> None:
    sheet.write_string(0, 0, edition.title, styles.title)
    for column, (name, wide) in enumerate({"编号": 10, "表": 34, "印刷版": 16, "工作表": 22, "缺少的输入": 40}.items()):
        sheet.write_string(2, column, name, styles.head)
        sheet.set_column(column, column, wide)
    for row, table in enumerate(edition.tables, 3):
        sheet.write_url(row, 3, f"internal:'{table.name}'!A1", styles.link, table.name)
        for column, text in ((0, table.id), (1, table.title), (2, table.printed_as), (4, "、".join(table.missing))):
            sheet.write_string(row, column, text)
    for row, (name, text) in enumerate(edition.facts.items(), len(edition.tables) + 5):
        sheet.write_string(row, 0, f"{name}：{text}")


def _write_sheet(sheet: Any, table: Table, styles: _Styles) -> None:
    names = [str(name) for name in table.data.columns]
    for column, name in enumerate(names):
        sheet.write_string(0, column, name, styles.head)
        sheet.set_column(column, column, 24 if name in _WIDE else 13)
    for row, values in enumerate(table.data.itertuples(index=False, name=None), 1):
        unit = values[names.index("unit")]
        for column, (name, value) in enumerate(zip(names, values, strict=True)):
            _write_cell(sheet, row, column, value, styles.number(_PLAIN_FORMS.get(name) or _FORMS.get(unit, "#,##0.0")))
    sheet.freeze_panes(1, 0)
    if len(table.data):
        sheet.autofilter(0, 0, len(table.data), len(names) - 1)


def _write_cell(sheet: Any, row: int, column: int, value: Any, form: Any) -> None:
    """Write a number as a number, text as text, and nothing where there is no number."""
    if isinstance(value, str):
        sheet.write_string(row, column, value[:XLSX_CHARACTERS])
    elif math.isfinite(value):
        sheet.write_number(row, column, value, form)


def _legend(table: Table, edition: Edition) -> str:
    """Return what a table is and what its words mean, in Chinese."""
    data = table.data
    codes = [code for code in (data["domain"].unique() if "domain" in data else ()) if code != TOTAL]
    words = {
        "列": {name: _DIMENSIONS.get(name, name) for name in dimensions(table)} | _FIGURES,
        "指标": {measure: _MEASURES.get(measure, measure) for measure in data["measure"].unique()},
        "单位": {unit: _UNROUNDED.get(unit, unit_name(unit)) for unit in data["unit"].unique()},
        "领域": {code: edition.name("domain", code) for code in codes},
    }
    told = [f"{name}：{'，'.join(f'{a} {b}' for a, b in meant.items())}。" for name, meant in words.items() if meant]
    missing = [f"缺少输入：{INPUTS.get(name, name)}（{name}）。" for name in table.missing]
    return "\n".join([f"{table.id} {table.title}（{table.printed_as}）", *missing, *table.notes, "", *told])


# ------------------------------------------------------------------------------------------------------------- text


def table_text(table: Table, survey: Survey) -> str:
    """Return a table as lines for a terminal: a heading, a figure a line, and the notes."""
    heading = f"{table.id} {table.title} ({table.printed_as})"
    if table.missing:
        return f"{heading}: {', '.join(table.missing)} not given\n"
    names = [name for name in dimensions(table) if name != _HIDDEN]
    scenarios = list(table.data.columns[list(table.data.columns).index("high") + 1 :])
    edition = edition_of(survey)
    lines = [
        _line(dict(zip(dimensions(table), key, strict=False)), key[-1], cell, edition)
        + [number_text(count, cell.unit) for count in others]
        for (key, cell), others in zip(cells(table).items(), table.data[scenarios].to_numpy(float), strict=True)
    ]
    heads = [*names, "measure", "n", "plain", "value", "95 %", *scenarios]
    return "\n".join([heading, align([heads, *lines]), *table.notes, ""])


def _line(place: Mapping[str, Any], measure: str, cell: Cell, edition: Edition) -> list[str]:
    signed = _is_change(measure)
    unit = unit_behind(cell.unit)
    return [
        *(edition.name(name, value) for name, value in place.items() if name != _HIDDEN),
        _MEASURES.get(measure, measure) + (f"（{unit}）" if unit else ""),
        f"{cell.n:,.0f}",
        number_text(cell.plain, cell.unit, signed=signed),
        cell_text(cell, signed=signed),
        interval_text(cell, signed=signed),
    ]
