"""The report's figures: bars, lines and a heat map with 95 % intervals, as SVG for light and dark pages and as PNG.

Where no Chinese font is installed the SVG is laid out with a stand-in font that has the widths and no shapes, and there
is no PNG.
"""

import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontPath

from classifier.canvas import MUTED, SETTINGS, STRONG, WARM
from classifier.findings import (
    CHARACTERISTIC,
    TOLD,
    View,
    caption,
    change,
    counted,
    counted_by_year,
    few,
    in_words,
    join,
    leader,
    moved,
    told,
)
from classifier.fonts import find_font
from classifier.numerals import Cell, cell_text, cells, finite, number_text
from classifier.pictures import entitle, png_bytes, set_font, svg_text
from classifier.plots import Panel, Series, Tile, bar_figure, heat_map, line_figure
from classifier.study import TOP_FIVE, TOTAL, Table
from classifier.unlisted import MONTHS

FIRST_PROVINCES = 15
HALVES = {"H1": "上半年", "H2": "下半年"}
_RISEN = ("事件增加的是", "减少的是")


@dataclass(frozen=True)
class Figure:
    """A drawn table: ``title`` says what it shows, ``alt`` tells it without the picture.

    ``svg`` takes its ink from the page it stands on; ``png`` is on white, or None where no Chinese font was found.
    """

    id: str
    name: str
    title: str
    caption: str
    alt: str
    svg: str
    png: bytes | None


class _Drawing(NamedTuple):
    canvas: Canvas
    title: str
    caption: str
    alt: str


def draw_figures(
    tables: Iterable[Table],
    names: Mapping[str, str],
    *,
    year: int,
    against: int,
    font: str | Path | None = None,
    plain: bool = False,
) -> list[Figure]:
    """Return a figure for every table that the report draws and that has rows, in the order of ``tables``.

    Parameters
    ----------
    tables : iterable of Table
    names : mapping
        Codes of domains to Chinese names, in the order of the scheme.
    year, against : int
        The report year and the year it is compared with.
    font : path, optional
        A ttf, otf or ttc file; by default a Chinese font is looked for.
    plain : bool
        Draw counts as they are, not corrected and without intervals.

    Raises
    ------
    FontError
        If the font cannot be read, or lacks a character that is drawn.
    """
    face = find_font(font)
    drawn = [table for table in tables if table.id in _DRAWERS]
    views = [View(table, cells(table, plain=plain), names, year, against, plain) for table in drawn]
    with matplotlib.style.context(["default", SETTINGS]), tempfile.TemporaryDirectory(prefix="gonglian-") as folder:
        drawings = [(view, _DRAWERS[view.table.id](view)) for view in views]
        return [_figure(view, drawing, face, Path(folder)) for view, drawing in drawings if drawing]


def _figure(view: View, drawing: _Drawing, face: FontPath | None, folder: Path) -> Figure:
    table, title = view.table, (drawing.title or view.table.title) + few(view)
    set_font(drawing.canvas, table.id, face, folder)
    svg = svg_text(drawing.canvas, table.id, title, drawing.alt)
    png = None
    if face:
        headroom = entitle(drawing.canvas, title)
        set_font(drawing.canvas, table.id, face, folder)
        png = png_bytes(drawing.canvas, headroom)
    return Figure(table.id, table.name, title, drawing.caption, drawing.alt, svg, png)


def _bars(categories: Sequence[str], panels: Sequence[Panel], title: str, description: str) -> _Drawing | None:
    if not categories:
        return None
    return _Drawing(bar_figure(categories, panels), title, description, in_words("条形图", categories, panels))


def _series(name: str, colour: str, found: Sequence[Cell], more: Sequence[str] = ()) -> Series:
    """Return bars labelled with their values, and with something more where it is given."""
    labels = [cell_text(cell) for cell in found]
    if more:
        labels = [label + after for label, after in zip(labels, more, strict=True)]
    return Series(name, [colour] * len(labels), found, labels)


def _by_year(
    view: View, values: Sequence[str], measure: str, more: Callable[[int, str], str] = lambda year, value: ""
) -> list[Series]:
    """Return a series a year that has figures, the report year first."""
    rows = {year: view.row(year, over=values, measure=measure) for year in view.years}
    return [
        _series(f"{year}年", view.years[year], row, [more(year, value) for value in values])
        for year, row in rows.items()
        if any(cell.known for cell in row)
    ]


def _market_value(view: View) -> _Drawing | None:
    """L1: total market value at two year ends, and the later one without the newly listed."""
    before, now = (view.cell(year, "market_value_wan") for year in (view.against, view.year))
    if not now.known:
        return None
    existing = view.cell(view.year, "growth_without_new")
    old = Cell(before.unit, before.n, value=before.value * (1 + existing.value))
    rows = {f"{view.against}年末": before, f"{view.year}年末": now, "其中原有企业": old}
    rows = {name: cell for name, cell in rows.items() if cell.known}
    colours = [MUTED if cell is before else STRONG for cell in rows.values()]
    bars = _series("", STRONG, list(rows.values()))._replace(colours=colours)
    companies = told("（", view.cell(view.year, "companies"), "）")
    title = join(
        "；",
        join("，", told(f"{view.year}年末总市值", now, companies), change(view, view.cell(view.year, "growth"))),
        join("，", "不计当年新上市的企业", change(view, existing)) if existing.known else "",
    )
    shown = f"上市企业{view.against}年末与{view.year}年末的总市值；其中原有企业的由增速推算"
    description = caption(view, shown, counted_by_year(view, "companies", mark="年末"))
    return _bars(list(rows), [Panel("上市企业总市值（亿元）", [bars])], title, description)


def _boards(view: View) -> _Drawing | None:
    """L4: number and amount of new listings by board."""
    keys = [key for key, cell in view.cells.items() if key[-1] == "companies" and cell.known and TOTAL not in key]
    companies, amounts = ([view.cell(*key[:-1], measure) for key in keys] for measure in ("companies", "amount_wan"))
    total, total_amount = (view.cell(TOTAL, TOTAL, measure) for measure in ("companies", "amount_wan"))
    boards = [board for _, board, _ in keys]
    title = join(
        "；",
        join("，", told(f"{view.year}年新上市", total), told("首发募资", total_amount)),
        join("：", "企业数", leader(boards, companies)),
        join("：", "募资额", leader(boards, amounts)),
    )
    panels = [
        Panel("新上市（家）", [_series("", STRONG, companies)]),
        Panel("首发募资（亿元）", [_series("", STRONG, amounts)]),
    ]
    shown = f"{view.year}年新上市的企业数与首发募资额，按市场与板块"
    description = caption(view, shown, counted(("", total)))
    return _bars([f"{market} {board}" for market, board, _ in keys], panels, title, description)


def _listed_provinces(view: View) -> _Drawing | None:
    """L8: the provinces with most listed companies."""
    values = view.ranked("province", "companies")[:FIRST_PROVINCES]
    values = [value for value in values if view.cell(value, "companies").value >= 0.5]
    return _listed(view, values, f"上市企业最多的{len(values)}个省份")


def _listed_domains(view: View) -> _Drawing | None:
    """L9: listed companies by domain."""
    return _listed(view, view.ranked("domain", "companies"), "各领域的上市企业")


def _listed(view: View, values: Sequence[str], shown: str) -> _Drawing | None:
    """Draw all listed companies, with their share, and those newly listed."""
    names = [view.name(value) for value in values]
    every, new = (view.row(over=values, measure=measure) for measure in ("companies", "new_companies"))
    shares = [told(" (", view.cell(value, "share"), ")") for value in values]
    series = [_series("累计上市", STRONG, every, shares), _series(f"其中{view.year}年新上市", WARM, new)]
    total, total_new = (view.cell(TOTAL, measure) for measure in ("companies", "new_companies"))
    title = join(
        "；",
        join("，", told("上市企业", total), told("前五省份占", view.cell(TOP_FIVE, "share"))),
        leader(names, every),
        join("，", told(f"{view.year}年新上市", total_new), leader(names, new)),
    )
    description = caption(view, shown, counted(("", total)))
    return _bars(names, [Panel("上市企业（家，占比）", series)], title, description)


def _months(view: View) -> _Drawing | None:
    """U1: events month by month, and published amounts by half-year."""
    if not view.values("period", "events"):
        return None
    months, halves = [f"{int(month)}月" for month in MONTHS], list(HALVES.values())
    events = Panel("每月融资事件（起）", _by_year(view, MONTHS, "events"))
    amounts = Panel("披露金额（亿元）", _by_year(view, list(HALVES), "amount_wan"))
    shown, reading, alt = "每月融资事件数", "线", in_words("折线图", months, [events])
    if amounts.series:
        shown, reading = f"上：{shown}；下：各半年披露的融资金额", "线和柱"
        alt += in_words("条形图", halves, [amounts])
    description = caption(view, shown, counted_by_year(view, "全年", "events"), reading)
    return _Drawing(line_figure(months, events, halves, amounts), _months_title(view), description, alt)


def _months_title(view: View) -> str:
    year, half = (view.cell(view.year, period, "events") for period in ("全年", "H2"))
    later = year._replace(unit="share", value=half.value / year.value if year.value else math.nan)
    amount, growth, amount_growth = (
        view.cell(view.year, "全年", measure) for measure in ("amount_wan", "events_growth", "amount_growth")
    )
    return join(
        "；",
        join("，", told(f"{view.year}年融资事件", year), change(view, growth)),
        told("下半年占", later),
        join("，", told("披露金额", amount), change(view, amount_growth)),
    )


def _round_groups(view: View) -> _Drawing | None:
    """U2: events by group of rounds."""
    values = view.values("group", "events")
    main, parts = ([group for group in values if group.startswith("其中") == part] for part in (False, True))
    groups = [*main[:1], *parts, *main[1:]]
    series = _by_year(view, groups, "events", lambda year, group: told(" (", view.cell(year, group, "share"), ")"))
    title = join(
        "；",
        *(told(f"{view.year}年{group}占", view.cell(view.year, group, "share")) for group in groups[:1]),
        moved(view, main, "events_growth", _RISEN),
    )
    description = caption(view, "各轮次的融资事件数及其占比", counted_by_year(view, TOTAL, "events"))
    return _bars(groups, [Panel("融资事件（起，占比）", series)], title, description)


def _provinces(view: View) -> _Drawing | None:
    """U4: the provinces with most events."""
    values = view.ranked("province", "events", view.year)[:FIRST_PROVINCES]
    values = [value for value in values if any(view.cell(year, value, "events").value >= 0.5 for year in view.years)]
    title = join(
        "；",
        told(f"{'、'.join(values[:5])}占{view.year}年融资事件的", view.cell(view.year, TOP_FIVE, "share")),
        moved(view, values, "events_growth", _RISEN),
    )
    shown = f"{view.year}年融资事件最多的{len(values)}个省份"
    description = caption(view, shown, counted_by_year(view, TOTAL, "events"))
    return _bars(values, [Panel("融资事件（起）", _by_year(view, values, "events"))], title, description)


def _province_domains(view: View) -> _Drawing | None:
    """U5: events by province and domain, coloured by location quotient."""
    order = {code: place for place, code in enumerate(view.names)}
    domains = sorted(view.values("domain", "events"), key=lambda code: order.get(code, len(order)))
    names = [view.name(code) for code in domains]
    events = {p: view.row(view.year, p, over=domains, measure="events") for p in view.values("province", "events")}
    sums = {province: sum(finite(cell.value) for cell in row) for province, row in events.items()}
    provinces = sorted((p for p in events if sums[p] >= 0.5), key=lambda p: -sums[p])
    if not provinces:
        return None
    tiles = {p: [_tile(view, p, domain) for domain in domains] for p in provinces}
    rows = [
        f"{p}：" + "，".join(f"{name} {cell_text(cell)}" for name, cell in zip(names, events[p], strict=True))
        for p in provinces
    ]
    framed = "" if view.plain else f"；加框：高于1的把握不低于{number_text(CHARACTERISTIC, 'share')}"
    shown = (
        f"{view.year}年各省份各领域的融资事件数；颜色为区位商，即该领域在该省份的占比除以在全国的占比，"
        f"橙色高于1，蓝色低于1{framed}"
    )
    count = sum(finite(cell.n) for p in provinces for cell in events[p])
    description = caption(view, shown, f"{count:,.0f}", "数字", "")
    title = _characteristic_title(view, provinces, domains)
    return _Drawing(heat_map(names, tiles), title, description, f"热力图。{'。'.join(rows)}。")


def _tile(view: View, *place: str) -> Tile:
    events, quotient = (view.cell(view.year, *place, measure).value for measure in ("events", "location_quotient"))
    return Tile(events, quotient, view.sure(view.year, *place))


def _characteristic_title(view: View, provinces: Sequence[str], domains: Sequence[str]) -> str:
    """Return where a domain is beyond doubt above its national share, those with most events first."""
    places = [(view.year, p, d) for p in provinces for d in domains]
    sure = [place for place in places if view.sure(*place)]
    sure.sort(key=lambda place: -finite(view.cell(*place, "events").value))
    if view.plain:
        return ""
    if not sure:
        return f"{view.year}年没有省份在某个领域明显高于全国"
    named = [f"{p}的{view.name(d)}（{cell_text(view.cell(y, p, d, 'location_quotient'))}）" for y, p, d in sure[:TOLD]]
    many = f"等{len(sure)}处" if len(sure) > TOLD else ""
    return f"{'、'.join(named)}{many}区位商明显高于1"


def _domains(view: View) -> _Drawing | None:
    """U6: shares of the domains."""
    values = view.ranked("domain", "share", view.year)
    names = [view.name(value) for value in values]
    most = leader(names, view.row(view.year, over=values, measure="share"))
    title = join(
        "；",
        most and f"{view.year}年{most}",
        moved(view, values, "share_change", ("占比上升的是", "下降的是")),
    )
    description = caption(view, "有融资事件的企业在各领域的占比", counted_by_year(view, TOTAL, "companies"))
    return _bars(names, [Panel("企业占比", _by_year(view, values, "share"))], title, description)


def _domain_amounts(view: View) -> _Drawing | None:
    """U7: published amounts by domain."""
    values = view.ranked("domain", "amount_wan", view.year)
    names = [view.name(value) for value in values]
    title = join(
        "；",
        told(f"{view.year}年披露金额合计", view.cell(view.year, TOTAL, "amount_wan")),
        leader(names, view.row(view.year, over=values, measure="amount_wan")),
    )
    series = _by_year(
        view, values, "amount_wan", lambda year, value: told(" (", view.cell(year, value, "published_companies"), ")")
    )
    shown = "各领域披露的融资金额，及披露金额的企业数"
    description = caption(view, shown, counted_by_year(view, TOTAL, "published_companies"))
    return _bars(names, [Panel("披露金额（亿元，企业数）", series)], title, description)


_DRAWERS: dict[str, Callable[[View], _Drawing | None]] = {
    "L1": _market_value,
    "L4": _boards,
    "L8": _listed_provinces,
    "L9": _listed_domains,
    "U1": _months,
    "U2": _round_groups,
    "U4": _provinces,
    "U5": _province_domains,
    "U6": _domains,
    "U7": _domain_amounts,
}
