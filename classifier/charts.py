"""The report's figures: bars, lines and a heat map with 95 % intervals, as SVG for light and dark pages and as PNG.

A drawing is laid out in pixels of a page 680 wide, so one point of matplotlib is one pixel. Ink is one colour, which
the SVG leaves to the page (``currentColor``); where no Chinese font is installed the SVG is laid out with a stand-in
font that has the widths and no shapes, and there is no PNG.
"""

import importlib.util
import io
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import matplotlib.style
import numpy as np
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontPath, FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from classifier.errors import ClassifierError
from classifier.study import FIGURE_COLUMNS, TOP_FIVE, TOTAL, UNKNOWN, Table
from classifier.tables import width

WIDTH = 680
BAR, GAP = 16, 11
PNG_DPI, MARGIN = 200, 14
INK = "#1f2328"
STRONG = "#0072b2"  # Okabe and Ito's blue: the report year
MUTED = "#7b97aa"  # the same hue, lighter and greyer: the comparison year
WARM = "#d55e00"  # Okabe and Ito's vermilion: above the national share
FIRST_PROVINCES = 15
CHARACTERISTIC = 0.9  # chance above one from which a domain is said to be characteristic of a province
FEW = 10  # companies or events, below which a title warns
TOLD = 3  # as many examples a title names
MONTHS = tuple(f"{month:02}" for month in range(1, 13))
HALVES = {"H1": "上半年", "H2": "下半年"}
FULLEST = 0.6  # opacity of the fullest colour of a heat map: text on it stays readable on light and dark pages
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gonglian",
    "text.parse_math": False,
    "text.color": INK,
    "font.size": 13,
    "legend.fontsize": 12,
    "legend.frameon": False,
}

FAMILIES = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Source Han Sans"),
    *("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "HarmonyOS Sans SC", "MiSans", "DengXian"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Heiti SC", "STHeiti", "SimHei", "Arial Unicode MS"),
    *("Droid Sans Fallback", "Noto Serif CJK SC", "Songti SC", "STSong", "SimSun", "AR PL UMing CN"),
)
PACKAGED = (("pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"),)
_SVG = "http://www.w3.org/2000/svg"
_LEFT_OUT = (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style")
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


class FontError(ClassifierError):
    """A font cannot be read, or lacks a character that a figure shows."""


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


# ---------------------------------------------------------------------------------------------------------- numbers


class Cell(NamedTuple):
    """One figure of a table: the count as it is, and corrected with its 95 % interval."""

    unit: str = ""
    n: float = math.nan
    plain: float = math.nan
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return math.isfinite(self.value)

    @property
    def bounded(self) -> bool:
        """Whether there is an interval (facts that no label changes have none)."""
        return -math.inf < self.low < self.high < math.inf


_NOTHING = Cell()
_NO_VALUE = ("", UNKNOWN, TOP_FIVE, TOTAL)
_SHOWN_UNITS = {("location_quotient", "ratio"): "quotient", ("mean", "wan_rmb"): "wan"}
_UNITS = {
    "companies": "家",
    "events": "起",
    "wan_rmb": "亿元",
    "wan": "万元",
    "share": "%",
    "ratio": "%",
    "percent": "%",
    "points": "个百分点",
    "patents": "件",
    "persons": "人",
    "usd_100m": "亿美元",
    "quotient": "",
}
_FORMS: dict[str, tuple[float, str]] = {  # by what a number is multiplied, and how it is written
    "companies": (1, ",.0f"),
    "events": (1, ",.0f"),
    "patents": (1, ",.0f"),
    "wan_rmb": (1e-4, ",.1f"),
    "share": (100, ",.1f"),
    "ratio": (100, ",.1f"),
    "points": (100, ",.1f"),
    "quotient": (1, ",.2f"),
    "usd_100m": (1, ",.2f"),
}


def dimensions(table: Table) -> list[str]:
    """Return the names of the columns that come before the figures."""
    names = list(table.data.columns)
    return names[: names.index("measure")]


def cells(table: Table, *, plain: bool = False) -> dict[tuple, Cell]:
    """Return a table's figures by their dimensions and measure; ``plain``: counts as they are, without intervals."""
    columns = [*dimensions(table), *FIGURE_COLUMNS]
    found = {}
    for row in table.data[columns].itertuples(index=False, name=None):
        *place, measure, unit, n, counted, value, low, high = row
        bounds = (counted, math.nan, math.nan) if plain else (value, low, high)
        found[*place, measure] = Cell(_SHOWN_UNITS.get((measure, unit), unit), n, counted, *bounds)
    return found


def unit_name(unit: str) -> str:
    """Return a unit as the report prints it.

    >>> unit_name("wan_rmb"), unit_name("events"), unit_name("share")
    ('亿元', '起', '%')
    """
    return _UNITS.get(unit, unit)


def number_text(value: float, unit: str, *, signed: bool = False) -> str:
    """Return a number as the report prints it everywhere; ``signed`` is for changes.

    >>> number_text(0.491, "share"), number_text(4_780_000, "wan_rmb"), number_text(1451.7, "events")
    ('49.1%', '478.0', '1,452')
    >>> number_text(0.085, "ratio", signed=True), number_text(-0.0001, "points", signed=True)
    ('+8.5%', '0.0')
    >>> number_text(float("nan"), "events")
    '—'
    """
    if not math.isfinite(value):
        return "—"
    factor, form = _FORMS.get(unit, (1, ",.1f"))
    text = format(value * factor, "z" + form)
    sign = "+" if signed and float(text.replace(",", "")) > 0 else ""
    return sign + text + ("%" if unit_name(unit) == "%" else "")


def cell_text(cell: Cell, *, signed: bool = False) -> str:
    """Return a cell's value as text."""
    return number_text(cell.value, cell.unit, signed=signed)


def interval_text(cell: Cell, *, signed: bool = False) -> str:
    """Return a cell's interval in brackets, or nothing where there is none.

    >>> interval_text(Cell("events", 452, 452, 447, 430, 471))
    '[430–471]'
    """
    ends = [number_text(end, cell.unit, signed=signed) for end in (cell.low, cell.high)]
    return f"[{('至' if signed else '–').join(ends)}]" if cell.bounded else ""


# ------------------------------------------------------------------------------------------------------------ fonts


def find_font(given: str | Path | None = None) -> FontPath | None:
    """Return a font file (with the number of its face) that has Chinese shapes; None where there is none.

    Looks at ``given``, else at installed fonts, also those that came after matplotlib made its list, else at fonts that
    Python packages carry.

    Raises
    ------
    FontError
        If ``given`` is no font.
    """
    if given is not None:
        return _given_font(Path(given))
    return _installed_font() or _newly_installed_font() or _packaged_font()


def missing_font_hint() -> str:
    """Return what to do where no Chinese font was found."""
    return (
        "no Chinese font found: figures were written as SVG only, without PNG; install one "
        "(Debian, Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts; "
        "macOS: brew install --cask font-noto-sans-cjk-sc; Windows: Settings > System > Optional features > "
        "Chinese (Simplified) Supplemental Fonts), or name a ttf, otf or ttc file with --font FILE"
    )


def _given_font(path: Path) -> FontPath:
    try:
        faces = [FT2Font(str(path), face_index=index) for index in range(FT2Font(str(path)).num_faces)]
    except (OSError, RuntimeError) as error:
        raise FontError(f"{path}: not a font that can be read ({error}); name a ttf, otf or ttc file") from error
    simplified = [face.face_index for face in faces if face.family_name in FAMILIES]
    return FontPath(str(path), (simplified or [0])[0])


def _installed_font() -> FontPath | None:
    upright = [entry for entry in font_manager.fontManager.ttflist if entry.style == "normal"]
    named = [entry for entry in upright if entry.name in FAMILIES and Path(entry.fname).exists()]
    named.sort(key=lambda entry: (FAMILIES.index(entry.name), abs(int(entry.weight) - 400), entry.fname))
    return next((FontPath(entry.fname, entry.index) for entry in named if _is_chinese(entry.fname, entry.index)), None)


def _newly_installed_font() -> FontPath | None:
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            face = _given_font(Path(path))
        except FontError:
            continue
        family = FT2Font(face.path, face_index=face.face_index).family_name
        if family in FAMILIES and _is_chinese(face.path, face.face_index):
            return face
    return None


def _packaged_font() -> FontPath | None:
    for package, file in PACKAGED:
        found = importlib.util.find_spec(package)
        if found and found.origin and (path := Path(found.origin).with_name(file)).exists():
            return FontPath(str(path), 0)
    return None


def _is_chinese(path: str, face: int) -> bool:
    return not _lacking(FontPath(path, face), "工业互联网")


def _lacking(font: FontPath, characters: Iterable[str]) -> list[str]:
    shapes = FT2Font(font.path, face_index=font.face_index).get_charmap()
    return sorted(character for character in set(characters) if ord(character) not in shapes)


def _stand_in_font(characters: Iterable[str], path: Path, *, family: str = "gonglian stand-in") -> FontPath:
    """Write a font of empty shapes whose widths are those of usual fonts: Chinese 1 em, others a little over half."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.ttLib.tables._g_l_y_f import Glyph

    shapes = {ord(character): "wide" if width(character) > 1 else "narrow" for character in {*characters, *"lp"}}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "narrow", "wide"])
    builder.setupCharacterMap(shapes)
    builder.setupGlyf({name: Glyph() for name in (".notdef", "narrow", "wide")})
    builder.setupHorizontalMetrics({".notdef": (560, 0), "narrow": (560, 0), "wide": (1000, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return FontPath(str(path), 0)


# --------------------------------------------------------------------------------------------------------- printing


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
    views = [_View(table, cells(table, plain=plain), names, year, against, plain) for table in tables]
    with matplotlib.style.context(["default", _SETTINGS]), tempfile.TemporaryDirectory(prefix="gonglian-") as folder:
        drawings = [(view, _DRAWERS[view.table.id](view)) for view in views if view.table.id in _DRAWERS]
        return [
            _printed(view.table, _warned(drawing, view), face, Path(folder)) for view, drawing in drawings if drawing
        ]


def _printed(table: Table, drawing: _Drawing, face: FontPath | None, folder: Path) -> Figure:
    texts = [text for text in drawing.canvas.findobj(Text) if isinstance(text, Text)]
    characters = set("".join(text.get_text() for text in texts)) - {"\n"}
    if face and (lacking := _lacking(face, characters)):
        named = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in lacking)
        raise FontError(f"{face.path}: has no shape for {named}, found in table {table.id}; name another with --font")
    font = face or _stand_in_font(characters, folder / f"{table.id}.ttf")
    for text in texts:
        text.set_fontproperties(FontProperties(fname=font, size=text.get_fontsize()))
    raw, picture = io.BytesIO(), io.BytesIO()
    drawing.canvas.savefig(raw, format="svg", transparent=True, metadata={"Date": None})
    if face:
        frame = Bbox.from_extents(0, 0, *drawing.canvas.get_size_inches()).padded(MARGIN / 72)
        drawing.canvas.savefig(
            picture, format="png", dpi=PNG_DPI, facecolor="white", bbox_inches=frame, metadata={"Software": None}
        )
    svg = _adapted(raw.getvalue(), table.id, drawing.title, drawing.alt)
    return Figure(
        table.id, table.name, drawing.title, drawing.caption, drawing.alt, svg, picture.getvalue() if face else None
    )


def _adapted(raw: bytes, name: str, title: str, alt: str) -> str:
    """Return matplotlib's SVG as a part of any page: ink and font are the page's, nothing of it reaches the page."""
    root = ElementTree.fromstring(raw)
    _, _, across, down = root.attrib.pop("viewBox").split()
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _LEFT_OUT]:
            parent.remove(child)
    used = set(
        re.findall(r"#([\w-]+)", " ".join(value for element in root.iter() for value in element.attrib.values()))
    )
    for element in root.iter():
        _restyle(element, name, used)
    families = ", ".join([*(f"'{family}'" for family in FAMILIES), "sans-serif"])
    root.attrib = {
        **{"xmlns": _SVG, "viewBox": f"0 0 {across} {down}", "width": across, "height": down},
        **{"role": "img", "aria-labelledby": f"{name}-title {name}-alt"},
        **{"font-family": families, "stroke-linejoin": "round"},
    }
    root[:0] = [_described("title", f"{name}-title", title), _described("desc", f"{name}-alt", alt)]
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _described(tag: str, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag, {"id": name})
    element.text = _printable(text)
    return element


def _restyle(element: ElementTree.Element, name: str, used: set[str]) -> None:
    """Turn styles into attributes (a strict page allows no styles), ink into currentColor, and make names its own."""
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    given = element.attrib
    for rule in filter(None, given.pop("style", "").split(";")):
        key, _, value = rule.partition(":")
        given[key.strip()] = value.strip().replace(INK, "currentColor")
    given.pop("font-family", None)
    if given.get("id") not in used:
        given.pop("id", None)
    if _XLINK_HREF in given:
        given["href"] = given.pop(_XLINK_HREF)
    for key in {"id", "href", "clip-path"} & given.keys():
        given[key] = f"{name}-{given[key]}" if key == "id" else given[key].replace("#", f"#{name}-")


# ----------------------------------------------------------------------------------------------------------- layout


class _Series(NamedTuple):
    """Bars, one a category, each with its colour and label; ``name`` stands in the legend."""

    name: str
    colours: Sequence[str]
    cells: Sequence[Cell]
    labels: list[str]


class _Panel(NamedTuple):
    heading: str
    series: list[_Series]


def _canvas(height: float) -> Canvas:
    return Canvas(figsize=(WIDTH / 72, height / 72), dpi=72)


def _axes(canvas: Canvas, left: float, top: float, wide: float, high: float) -> Axes:
    """Return axes without anything on them, placed in pixels from the upper left corner."""
    height = canvas.get_figheight() * 72
    axes = canvas.add_axes((left / WIDTH, 1 - (top + high) / height, wide / WIDTH, high / height))
    axes.set_axis_off()
    return axes


def _write(
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    *,
    size: float = 12,
    side: str = "left",
    va: str = "baseline",
    alpha: float = 1,
) -> None:
    """Write lines of text, placed in pixels from the upper left corner: at, around (center) or up from (bottom) y."""
    lines = text.split("\n")
    above = {"center": (len(lines) - 1) / 2, "bottom": len(lines) - 1}.get(va, 0)
    height = canvas.get_figheight() * 72
    for place, line in enumerate(lines):
        down = y + (place - above) * 1.3 * size
        canvas.text(x / WIDTH, 1 - down / height, line, fontsize=size, ha=side, va=va, alpha=alpha)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _pixels(text: str, size: float) -> float:
    return max(sum(1.0 if width(character) > 1 else 0.58 for character in line) for line in text.split("\n")) * size


def _wrapped(text: str, *, letters: int, lines: int) -> str:
    """Return a text in lines of so many Chinese characters, the last with an ellipsis where it had to end.

    >>> _wrapped("工业自动化与边缘计算", letters=6, lines=2).split("\\n")
    ['工业自动化与', '边缘计算']
    >>> _wrapped("工业软件及APP", letters=6, lines=2).split("\\n")
    ['工业软件及', 'APP']
    """
    parts = [""]
    for word in re.findall(rf"[!-~]{{1,{2 * letters}}}|.", " ".join(_printable(text).split())):
        if width(parts[-1] + word) > 2 * letters:
            parts.append("")
        parts[-1] += word
    return "\n".join(parts if len(parts) <= lines else [*parts[: lines - 1], parts[lines - 1][:-1] + "…"])


def _bar_figure(categories: Sequence[str], panels: Sequence[_Panel]) -> Canvas:
    """Return horizontal bars: panels side by side over the same categories, a legend above."""
    names = [_wrapped(name, letters=10, lines=2) for name in categories]
    left, top = max(_pixels(name, 13) for name in names) + 10, 54
    pitch = max(GAP + BAR * len(panels[0].series), 36 if any("\n" in name for name in names) else 0)
    room = (WIDTH - left - 24 * (len(panels) - 1)) / len(panels)
    canvas = _canvas(top + pitch * len(names) + 4)
    _legend(canvas, panels)
    _write_names(canvas, names, left, top, pitch)
    for place, panel in enumerate(panels):
        _draw_panel(canvas, panel, left + place * (room + 24), top, room, pitch)
    return canvas


def _write_names(canvas: Canvas, names: Sequence[str], left: float, top: float, pitch: float) -> None:
    for place, name in enumerate(names):
        _write(canvas, left - 9, top + (place + 0.5) * pitch, name, size=13, side="right", va="center")


def _draw_panel(canvas: Canvas, panel: _Panel, left: float, top: float, room: float, pitch: float) -> None:
    axes = _axes(canvas, left, top, room, pitch * len(panel.series[0].cells))
    _write(canvas, left, top - 8, panel.heading, alpha=0.8)
    _draw_bars(axes, panel.series, room, BAR / pitch)


def _draw_bars(axes: Axes, series: Sequence[_Series], room: float, step: float) -> None:
    count = len(series[0].cells)
    for place, bars in enumerate(series):
        rows = np.arange(count) + (place - (len(series) - 1) / 2) * step
        axes.barh(rows, [max(_finite(cell.value), 0) for cell in bars.cells], height=step * 0.84, color=bars.colours)
        _draw_marks(axes, bars.cells, rows)
        for cell, row, label in zip(bars.cells, rows, bars.labels, strict=True):
            axes.annotate(
                label,
                (_end(cell), row),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=12,
                alpha=0.75 if place else 1,
            )
    axes.axvline(0, color=INK, linewidth=1, alpha=0.6)
    axes.set(xlim=(0, room / _scale(series, room)), ylim=(count - 0.5, -0.5))


def _draw_marks(axes: Axes, bars: Sequence[Cell], rows: np.ndarray) -> None:
    """Draw the intervals and the plain counts."""
    whiskers = [(row, cell.low, cell.high) for cell, row in zip(bars, rows, strict=True) if cell.bounded]
    for row, low, high in whiskers:
        axes.plot([max(low, 0), max(high, 0)], [row, row], color=INK, linewidth=1.2, solid_capstyle="butt")
    if whiskers:
        axes.add_line(_plain_marks([cell.plain for cell in bars], rows.tolist()))


def _plain_marks(x: Sequence[float], y: Sequence[float], *, size: float = 4.6, colour: str = INK) -> Line2D:
    return Line2D(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=size,
        markerfacecolor="none",
        markeredgecolor=colour,
        clip_on=False,
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _end(cell: Cell) -> float:
    seen = (cell.value, cell.high, cell.plain) if cell.bounded else (cell.value,)
    return max(0.0, *map(_finite, seen))


def _scale(series: Sequence[_Series], room: float) -> float:
    """Return pixels a unit, such that every bar has room for its label."""
    ends = [
        (_end(cell), _pixels(label, 12) + 14)
        for bars in series
        for cell, label in zip(bars.cells, bars.labels, strict=True)
    ]
    return min(((room - taken) / end for end, taken in ends if end > 0), default=1.0)


def _legend(canvas: Canvas, panels: Sequence[_Panel]) -> None:
    """Say above all panels what the colours of the first mean, and the marks where there are intervals."""
    handles: list[Artist] = [Patch(color=bars.colours[0], label=bars.name) for bars in panels[0].series if bars.name]
    if any(cell.bounded for panel in panels for bars in panel.series for cell in bars.cells):
        plain = _plain_marks([], [])
        plain.set_label("模型直接计数")
        handles += [Line2D([], [], color=INK, linewidth=1.2, label="95%区间"), plain]
    if handles:
        spacing = {
            "borderpad": 0,
            "borderaxespad": 0.25,
            "handlelength": 1.2,
            "handletextpad": 0.5,
            "columnspacing": 1.6,
        }
        canvas.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 1), ncols=len(handles), **spacing)


# --------------------------------------------------------------------------------------------------------- findings


@dataclass(frozen=True)
class _View:
    """A table as its drawer sees it."""

    table: Table
    cells: Mapping[tuple, Cell]
    names: Mapping[str, str]
    year: int
    against: int
    plain: bool

    @property
    def years(self) -> dict[int, str]:
        """Both years, each with its colour."""
        return {self.year: STRONG, self.against: MUTED}

    @property
    def last_year(self) -> str:
        return "上年" if self.against == self.year - 1 else f"{self.against}年"

    @property
    def since(self) -> str:
        return "同比" if self.against == self.year - 1 else f"比{self.against}年"

    def cell(self, *place: object) -> Cell:
        return self.cells.get(place, _NOTHING)

    def row(self, *places: object, over: Sequence[str], measure: str) -> list[Cell]:
        """Return the cells of one measure over the values of the last dimension."""
        return [self.cell(*places, value, measure) for value in over]

    def sure(self, *place: object) -> bool:
        """Whether the location quotient of a province and domain is beyond doubt above 1."""
        return not self.plain and self.cell(*place, "chance_above_one").value >= CHARACTERISTIC

    def name(self, value: str) -> str:
        return self.names.get(value, value)

    def values(self, dimension: str, measure: str) -> list[str]:
        """Return what a dimension holds in the report year where a measure is known: in order, without totals."""
        names = dimensions(self.table)
        keys = [dict(zip([*names, "measure"], key, strict=True)) for key, cell in self.cells.items() if cell.known]
        own = [key for key in keys if key["measure"] == measure and key.get("year", self.year) == self.year]
        return [value for value in dict.fromkeys(key[dimension] for key in own) if value not in _NO_VALUE]

    def ranked(self, dimension: str, measure: str, *places: object) -> list[str]:
        """Return the same, that with the largest figure first."""
        values = self.values(dimension, measure)
        return sorted(values, key=lambda value: -_finite(self.cell(*places, value, measure).value))


def _join(mark: str, *parts: str) -> str:
    return mark.join(filter(None, parts))


def _told(before: str, cell: Cell, after: str = "") -> str:
    """Return a statement of a figure; nothing where it is not known."""
    return f"{before}{_measured(cell)}{after}" if cell.known else ""


def _measured(cell: Cell) -> str:
    return cell_text(cell) + unit_name(cell.unit).removeprefix("%")


def _signed(name: str, cell: Cell) -> str:
    return f"{name}（{cell_text(cell, signed=True)}{unit_name(cell.unit).removeprefix('%')}）"


def _change(view: _View, change: Cell) -> str:
    """Return what became of a figure since the comparison year; no change is claimed where there may be none."""
    if not change.known:
        return ""
    if change.bounded and change.low <= 0 <= change.high:
        return f"与{view.last_year}无显著差异"
    size = number_text(abs(change.value), change.unit)
    if size == number_text(0, change.unit):
        return f"与{view.last_year}持平"
    return f"{view.since}{'增长' if change.value > 0 else '下降'}{size}"


def _leader(names: Sequence[str], found: Sequence[Cell]) -> str:
    """Return who has most; the first two where the interval of the second reaches that of the first."""
    order = sorted(range(len(found)), key=lambda place: -_finite(found[place].value))
    shown = [f"{names[place]}（{_measured(found[place])}）" for place in order]
    if not order or _finite(found[order[0]].value) <= 0:
        return ""
    if len(order) > 1 and found[order[0]].low <= found[order[1]].high:
        return f"{shown[0]}与{shown[1]}居前，区间重叠"
    if len(order) > 1 and found[order[0]].value == found[order[1]].value:
        return f"{shown[0]}与{shown[1]}并列最多"
    return f"{shown[0]}最多"


def _moved(view: _View, values: Sequence[str], measure: str, verbs: tuple[str, str]) -> str:
    """Return what rose and what fell since the comparison year: beyond doubt or, where doubt is not known, the most."""
    changes = [(view.name(value), view.cell(view.year, value, measure)) for value in values]
    known = sorted((pair for pair in changes if pair[1].known), key=lambda pair: -abs(pair[1].value))
    if any(cell.bounded for _, cell in known):
        known = [pair for pair in known if pair[1].low > 0 or pair[1].high < 0]
        if not known:
            return f"与{view.last_year}相比均无显著变化"
    sides = [[pair for pair in known if pair[1].value * sign > 0][:TOLD] for sign in (1, -1)]
    told = [verb + "、".join(_signed(*pair) for pair in side) for verb, side in zip(verbs, sides, strict=True) if side]
    return "，".join(told)


def _warned(drawing: _Drawing, view: _View) -> _Drawing:
    """Return a drawing whose title says so where next to nothing was counted."""
    most = max((cell.n for cell in view.cells.values() if math.isfinite(cell.n)), default=0)
    few = f"（样本很少：n最多为{most:,.0f}，不宜下结论）" if most < FEW else ""
    return drawing._replace(title=drawing.title + few)


def _n(*counted: tuple[str, Cell]) -> str:
    """Return on how many companies or events a figure rests, with what tells the counts apart."""
    return _join("、", *(f"{cell.n:,.0f}{which}" for which, cell in counted if math.isfinite(cell.n)))


def _n_of_years(view: _View, *place: str) -> str:
    return _n(*((f"（{year}年）", view.cell(year, *place)) for year in view.years))


def _caption(view: _View, shown: str, counted: str, reading: str = "柱", mark: str = "，空心圆为模型直接计数") -> str:
    """Return what a figure shows, how to read it, and on how much it rests."""
    told = f"{reading}为模型直接计数，未校正误判" if view.plain else f"{reading}为校正误判后的估计{mark}"
    counted = counted and f"n = {counted}"
    return "".join(f"{part}。" for part in (view.table.printed_as, shown, told, counted) if part)


def _bars_alt(kind: str, categories: Sequence[str], panels: Sequence[_Panel]) -> str:
    """Return bars or lines as words, for those who do not see them."""
    told = []
    for panel in panels:
        for bars in panel.series:
            row = zip(categories, bars.cells, bars.labels, strict=True)
            values = "，".join(f"{name} {label}{interval_text(cell)}" for name, cell, label in row)
            told.append(f"{_join(' ', panel.heading, bars.name)}：{values}。")
    return f"{kind}。{''.join(told)}"


# ----------------------------------------------------------------------------------------------------------- figures


def _bars(view: _View, categories: Sequence[str], panels: Sequence[_Panel], title: str, caption: str) -> _Drawing:
    alt = _bars_alt("条形图", categories, panels)
    return _Drawing(_bar_figure(categories, panels), title or view.table.title, caption, alt)


def _series(name: str, colour: str, found: Sequence[Cell], more: Sequence[str] = ()) -> _Series:
    """Return bars labelled with their values, and with something more where it is given."""
    labels = [cell_text(cell) for cell in found]
    if more:
        labels = [f"{label}{after}" for label, after in zip(labels, more, strict=True)]
    return _Series(name, [colour] * len(labels), found, labels)


def _by_year(
    view: _View, values: Sequence[str], measure: str, more: Callable[[int, str], str] = lambda year, value: ""
) -> list[_Series]:
    """Return a series a year that has figures, the report year first."""
    rows = {year: view.row(year, over=values, measure=measure) for year in view.years}
    return [
        _series(f"{year}年", view.years[year], row, [more(year, value) for value in values])
        for year, row in rows.items()
        if any(cell.known for cell in row)
    ]


def _market_value(view: _View) -> _Drawing | None:
    """L1: total market value at two year ends, and the later one without the newly listed."""
    before, now = (view.cell(year, "market_value_wan") for year in (view.against, view.year))
    if not now.known:
        return None
    existing = view.cell(view.year, "growth_without_new")
    old = before._replace(value=before.value * (1 + existing.value), plain=math.nan, low=math.nan, high=math.nan)
    rows = {f"{view.against}年末": before, f"{view.year}年末": now, "其中原有企业": old}
    rows = {name: cell for name, cell in rows.items() if cell.known}
    colours = [MUTED if cell is before else STRONG for cell in rows.values()]
    bars = _series("", STRONG, list(rows.values()))._replace(colours=colours)
    companies = view.cell(view.year, "companies")
    title = _join(
        "；",
        _join(
            "，",
            _told(f"{view.year}年末总市值", now, _told("（", companies, "）")),
            _change(view, view.cell(view.year, "growth")),
        ),
        _join("，", "不计当年新上市的企业", _change(view, existing)) if existing.known else "",
    )
    shown = f"上市企业{view.against}年末与{view.year}年末的总市值；其中原有企业的由增速推算"
    counted = _n(*((f"（{year}年末）", view.cell(year, "companies")) for year in view.years))
    return _bars(view, list(rows), [_Panel("上市企业总市值（亿元）", [bars])], title, _caption(view, shown, counted))


def _boards(view: _View) -> _Drawing | None:
    """L4: number and amount of new listings by board."""
    places = [key[:-1] for key, cell in view.cells.items() if key[-1] == "companies" and cell.known]
    places = [place for place in places if TOTAL not in place]
    if not places:
        return None
    companies, amounts = ([view.cell(*place, measure) for place in places] for measure in ("companies", "amount_wan"))
    total, total_amount = (view.cell(TOTAL, TOTAL, measure) for measure in ("companies", "amount_wan"))
    boards = [board for _, board in places]
    title = _join(
        "；",
        _join("，", _told(f"{view.year}年新上市", total), _told("首发募资", total_amount)),
        _join("：", "企业数", _leader(boards, companies)),
        _join("：", "募资额", _leader(boards, amounts)),
    )
    panels = [
        _Panel("新上市（家）", [_series("", STRONG, companies)]),
        _Panel("首发募资（亿元）", [_series("", STRONG, amounts)]),
    ]
    shown = f"{view.year}年新上市的企业数与首发募资额，按市场与板块"
    return _bars(view, [" ".join(place) for place in places], panels, title, _caption(view, shown, _n(("", total))))


def _listed_provinces(view: _View) -> _Drawing | None:
    """L8: the provinces with most listed companies."""
    values = view.ranked("province", "companies")[:FIRST_PROVINCES]
    values = [value for value in values if view.cell(value, "companies").value >= 0.5]
    return _listed(view, values, f"上市企业最多的{len(values)}个省份")


def _listed_domains(view: _View) -> _Drawing | None:
    """L9: listed companies by domain."""
    return _listed(view, view.ranked("domain", "companies"), "各领域的上市企业")


def _listed(view: _View, values: Sequence[str], shown: str) -> _Drawing | None:
    """Draw all listed companies, with their share, and those newly listed."""
    if not values:
        return None
    names = [view.name(value) for value in values]
    every, new = (view.row(over=values, measure=measure) for measure in ("companies", "new_companies"))
    shares = [_told(" (", view.cell(value, "share"), ")") for value in values]
    series = [_series("累计上市", STRONG, every, shares), _series(f"其中{view.year}年新上市", WARM, new)]
    total, total_new = (view.cell(TOTAL, measure) for measure in ("companies", "new_companies"))
    title = _join(
        "；",
        _join("，", _told("上市企业", total), _told("前五省份占", view.cell(TOP_FIVE, "share"))),
        _leader(names, every),
        _join("，", _told(f"{view.year}年新上市", total_new), _leader(names, new)),
    )
    return _bars(view, names, [_Panel("上市企业（家，占比）", series)], title, _caption(view, shown, _n(("", total))))


def _round_groups(view: _View) -> _Drawing | None:
    """U2: events by group of rounds."""
    values = view.values("group", "events")
    if not values:
        return None
    main, parts = ([group for group in values if group.startswith("其中") == part] for part in (False, True))
    groups = [*main[:1], *parts, *main[1:]]
    series = _by_year(view, groups, "events", lambda year, group: _told(" (", view.cell(year, group, "share"), ")"))
    title = _join(
        "；",
        _told(f"{view.year}年{groups[0]}占", view.cell(view.year, groups[0], "share")),
        _moved(view, main, "events_growth", ("事件增加的是", "减少的是")),
    )
    caption = _caption(view, "各轮次的融资事件数及其占比", _n_of_years(view, TOTAL, "events"))
    return _bars(view, groups, [_Panel("融资事件（起，占比）", series)], title, caption)


def _provinces(view: _View) -> _Drawing | None:
    """U4: the provinces with most events."""
    values = view.ranked("province", "events", view.year)[:FIRST_PROVINCES]
    values = [value for value in values if any(view.cell(year, value, "events").value >= 0.5 for year in view.years)]
    if not values:
        return None
    title = _join(
        "；",
        _told(f"{'、'.join(values[:5])}占{view.year}年融资事件的", view.cell(view.year, TOP_FIVE, "share")),
        _moved(view, values, "events_growth", ("事件增加的是", "减少的是")),
    )
    shown = f"{view.year}年融资事件最多的{len(values)}个省份"
    caption = _caption(view, shown, _n_of_years(view, TOTAL, "events"))
    return _bars(view, values, [_Panel("融资事件（起）", _by_year(view, values, "events"))], title, caption)


def _domains(view: _View) -> _Drawing | None:
    """U6: shares of the domains."""
    values = view.ranked("domain", "share", view.year)
    if not values:
        return None
    names = [view.name(value) for value in values]
    title = _join(
        "；",
        f"{view.year}年{_leader(names, view.row(view.year, over=values, measure='share'))}",
        _moved(view, values, "share_change", ("占比上升的是", "下降的是")),
    )
    caption = _caption(view, "有融资事件的企业在各领域的占比", _n_of_years(view, TOTAL, "companies"))
    return _bars(view, names, [_Panel("企业占比", _by_year(view, values, "share"))], title, caption)


def _domain_amounts(view: _View) -> _Drawing | None:
    """U7: published amounts by domain."""
    values = view.ranked("domain", "amount_wan", view.year)
    if not values:
        return None
    names = [view.name(value) for value in values]
    title = _join(
        "；",
        _told(f"{view.year}年披露金额合计", view.cell(view.year, TOTAL, "amount_wan")),
        _leader(names, view.row(view.year, over=values, measure="amount_wan")),
    )
    series = _by_year(
        view, values, "amount_wan", lambda year, value: _told(" (", view.cell(year, value, "published_companies"), ")")
    )
    caption = _caption(
        view, "各领域披露的融资金额，及披露金额的企业数", _n_of_years(view, TOTAL, "published_companies")
    )
    return _bars(view, names, [_Panel("披露金额（亿元，企业数）", series)], title, caption)


def _months(view: _View) -> _Drawing | None:
    """U1: events month by month, and published amounts by half-year."""
    lines = [_Panel("每月融资事件（起）", _by_year(view, MONTHS, "events"))]
    if not view.values("period", "events"):
        return None
    halves = _by_year(view, list(HALVES), "amount_wan")
    amounts = [_Panel("披露金额（亿元）", halves)] * bool(halves)
    pitch, left, top = GAP + 2 * BAR, 58, 314
    canvas = _canvas(top - 30 + (34 + pitch * len(HALVES)) * len(amounts))
    _legend(canvas, lines)
    _write(canvas, 0, 46, lines[0].heading, alpha=0.8)
    _draw_lines(canvas, lines[0].series)
    for panel in amounts:
        _write_names(canvas, list(HALVES.values()), left, top, pitch)
        _draw_panel(canvas, panel, left, top, WIDTH - left, pitch)
    shown = "上：每月融资事件数；下：各半年披露的融资金额" if amounts else "每月融资事件数"
    alt = _bars_alt("折线图", [_month_name(month) for month in MONTHS], lines)
    return _Drawing(
        canvas,
        _months_title(view),
        _caption(view, shown, _n_of_years(view, "全年", "events"), "线和柱" if amounts else "线"),
        alt + "".join(_bars_alt("条形图", list(HALVES.values()), [panel]) for panel in amounts),
    )


def _month_name(month: str) -> str:
    return f"{int(month)}月"


def _months_title(view: _View) -> str:
    year, half = (view.cell(view.year, period, "events") for period in ("全年", "H2"))
    amount = view.cell(view.year, "全年", "amount_wan")
    later = year._replace(unit="share", value=half.value / year.value if year.value else math.nan)
    growths = [view.cell(view.year, "全年", measure) for measure in ("events_growth", "amount_growth")]
    title = _join(
        "；",
        _join("，", _told(f"{view.year}年融资事件", year), _change(view, growths[0])),
        _told("下半年占", later),
        _join("，", _told("披露金额", amount), _change(view, growths[1])),
    )
    return title or view.table.title


def _draw_lines(canvas: Canvas, lines: Sequence[_Series]) -> None:
    """Draw a line a year over the months, with its band, its plain counts and its name at the end."""
    top = max([1.0, *(_end(cell) for line in lines for cell in line.cells)])
    ticks = {tick: f"{tick:,.0f}" for tick in MaxNLocator(4, integer=True).tick_values(0, top) if tick >= 0}
    left = max(_pixels(text, 12) for text in ticks.values()) + 8
    axes = _axes(canvas, left, 58, WIDTH - left - 62, 200)
    axes.set(xlim=(-0.3, 11.1), ylim=(0, max(ticks)))
    for tick, text in ticks.items():
        axes.axhline(tick, color=INK, linewidth=0.8, alpha=0.18 if tick else 0.6)
        _note(axes, (-0.3, tick), (-8, 0), text, "right")
    for place, month in enumerate(MONTHS):
        _note(axes, (place, 0), (0, -14), _month_name(month), "center")
    for line in reversed(lines):
        _draw_line(axes, line)
    _name_lines(axes, lines, max(ticks))


def _draw_line(axes: Axes, line: _Series) -> None:
    months, colour = range(len(line.cells)), line.colours[0]
    low, high = ([getattr(cell, end) for cell in line.cells] for end in ("low", "high"))
    axes.fill_between(months, np.maximum(low, 0), high, color=colour, alpha=0.22, linewidth=0)
    axes.plot(months, [cell.value for cell in line.cells], color=colour, linewidth=2.2)
    if any(cell.bounded for cell in line.cells):
        axes.add_line(_plain_marks(months, [cell.plain for cell in line.cells], size=3.6, colour=colour))


def _note(axes: Axes, place: tuple[float, float], shift: tuple[float, float], text: str, side: str) -> None:
    axes.annotate(
        text, place, shift, textcoords="offset points", fontsize=12, ha=side, va="center", annotation_clip=False
    )


def _name_lines(axes: Axes, lines: Sequence[_Series], top: float) -> None:
    """Write each line's name where it ends, apart from each other."""
    ends = []
    for line in lines:
        month = max(place for place, cell in enumerate(line.cells) if cell.known)
        ends.append((line.cells[month].value, month, line.name))
    ends.sort()
    apart = max(0.0, 16 - (ends[-1][0] - ends[0][0]) / top * 200) / 2
    for place, (value, month, name) in enumerate(ends):
        _note(axes, (month, value), (9, apart * (2 * place + 1 - len(ends))), name, "left")


def _province_domains(view: _View) -> _Drawing | None:
    """U5: events by province and domain, coloured by location quotient."""
    order = {code: place for place, code in enumerate(view.names)}
    domains = sorted(view.values("domain", "events"), key=lambda code: order.get(code, len(order)))
    events = {p: view.row(view.year, p, over=domains, measure="events") for p in view.values("province", "events")}
    sums = {province: sum(_finite(cell.value) for cell in row) for province, row in events.items()}
    provinces = sorted((p for p in events if sums[p] >= 0.5), key=lambda p: -sums[p])
    if not provinces:
        return None
    rows = [
        f"{p}：" + "，".join(f"{view.name(d)} {cell_text(cell)}" for d, cell in zip(domains, events[p], strict=True))
        for p in provinces
    ]
    counted = sum(_finite(cell.n) for p in provinces for cell in events[p])
    framed = "" if view.plain else f"；加框：高于1的把握不低于{number_text(CHARACTERISTIC, 'share')}"
    shown = (
        f"{view.year}年各省份各领域的融资事件数；颜色为区位商，即该领域在该省份的占比除以在全国的占比，"
        f"橙色高于1，蓝色低于1{framed}"
    )
    return _Drawing(
        _heat_map(view, provinces, domains),
        _characteristic_title(view, provinces, domains),
        _caption(view, shown, f"{counted:,.0f}", "数字", ""),
        f"热力图。{'。'.join(rows)}。",
    )


def _characteristic_title(view: _View, provinces: Sequence[str], domains: Sequence[str]) -> str:
    """Return where a domain is beyond doubt above its national share, those with most events first."""
    places = [(view.year, p, d) for p in provinces for d in domains]
    sure = [place for place in places if view.sure(*place)]
    sure.sort(key=lambda place: -_finite(view.cell(*place, "events").value))
    if view.plain:
        return view.table.title
    if not sure:
        return f"{view.year}年没有省份在某个领域明显高于全国"
    told = [f"{p}的{view.name(d)}（{cell_text(view.cell(y, p, d, 'location_quotient'))}）" for y, p, d in sure[:TOLD]]
    many = f"等{len(sure)}处" if len(sure) > TOLD else ""
    return f"{'、'.join(told)}{many}区位商明显高于1"


def _heat_map(view: _View, provinces: Sequence[str], domains: Sequence[str]) -> Canvas:
    left, top, line = max(_pixels(p, 13) for p in provinces) + 12, 84, 25
    canvas = _canvas(top + line * len(provinces) + 4)
    axes = _axes(canvas, left, top, WIDTH - left, line * len(provinces))
    axes.set(xlim=(0, len(domains)), ylim=(len(provinces), 0))
    _draw_key(canvas)
    column = (WIDTH - left) / len(domains)
    for x, domain in enumerate(domains):
        name = _wrapped(view.name(domain), letters=max(2, int((column - 6) / 12)), lines=3)
        _write(canvas, left + (x + 0.5) * column, top - 8, name, side="center", va="bottom")
    _write_names(canvas, provinces, left, top, line)
    for y, province in enumerate(provinces):
        for x, domain in enumerate(domains):
            place = (view.year, province, domain)
            events, quotient = (view.cell(*place, measure) for measure in ("events", "location_quotient"))
            _draw_count(axes, x, y, events, quotient, sure=view.sure(*place))
    return canvas


def _draw_count(axes: Axes, x: float, y: float, events: Cell, quotient: Cell, *, sure: bool) -> None:
    text = number_text(_finite(events.value), "events")
    some = text != "0"
    colour, opacity = _heat_colour(quotient.value if some else math.nan)
    axes.add_patch(Rectangle((x + 0.012, y + 0.05), 0.976, 0.9, facecolor=colour, alpha=opacity, linewidth=0))
    if some and sure:
        axes.add_patch(Rectangle((x + 0.022, y + 0.08), 0.956, 0.84, fill=False, edgecolor=INK, linewidth=1.2))
    axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=12, alpha=1 if some else 0.55)


def _heat_colour(quotient: float) -> tuple[str, float]:
    """Return a colour and its opacity: fullest from four times and from a quarter on, hardly any at 1."""
    if not math.isfinite(quotient):
        return INK, 0.04
    depth = max(-2.0, min(2.0, math.log2(max(quotient, 1e-9))))
    return (WARM if depth > 0 else STRONG), max(0.04, FULLEST * abs(depth) / 2)


def _draw_key(canvas: Canvas) -> None:
    """Draw what the colours of the heat map mean."""
    axes = _axes(canvas, 52, 4, 9 * 22, 12)
    axes.set(xlim=(0, 9), ylim=(1, 0))
    for place in range(9):
        colour, opacity = _heat_colour(2 ** ((place - 4) / 2))
        axes.add_patch(Rectangle((place + 0.04, 0), 0.92, 1, facecolor=colour, alpha=opacity, linewidth=0))
    _write(canvas, 0, 15, "区位商")
    for place, text in ((0, "≤0.25"), (2, "0.5"), (4, "1"), (6, "2"), (8, "≥4")):
        _write(canvas, 52 + (place + 0.5) * 22, 30, text, side="center")


_DRAWERS: dict[str, Callable[[_View], _Drawing | None]] = {
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
