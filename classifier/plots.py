"""Bars, lines and tiles: figures drawn from cells alone, whatever table they come from."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from classifier.canvas import INK, STRONG, WARM, WIDTH, blank, pixels, place_axes, wrapped, write
from classifier.numerals import Cell, finite, number_text

BAR, GAP = 16, 11
FULLEST = 0.6  # opacity of the fullest colour of a tile: text on it stays readable on light and dark pages


class Series(NamedTuple):
    """Bars or points, one a category, each with its colour and label; ``name`` stands in the legend."""

    name: str
    colours: Sequence[str]
    cells: Sequence[Cell]
    labels: Sequence[str]


class Panel(NamedTuple):
    """Series on common axes."""

    heading: str
    series: Sequence[Series]


class Tile(NamedTuple):
    """A field of a heat map: its number, the quotient that colours it, and whether that is surely above 1."""

    number: float
    quotient: float
    sure: bool


def bar_figure(categories: Sequence[str], panels: Sequence[Panel]) -> Canvas:
    """Return horizontal bars: panels side by side over the same categories, a legend above."""
    names = [wrapped(name, letters=10, lines=2) for name in categories]
    left, top = max(pixels(name, 13) for name in names) + 10, 54
    pitch = max(GAP + BAR * len(panels[0].series), 36 if any("\n" in name for name in names) else 0)
    room = (WIDTH - left - 24 * (len(panels) - 1)) / len(panels)
    canvas = blank(top + pitch * len(names) + 4)
    _legend(canvas, panels)
    _write_names(canvas, names, left, top, pitch)
    for place, panel in enumerate(panels):
        _draw_panel(canvas, panel, left + place * (room + 24), top, room, pitch)
    return canvas


def line_figure(points: Sequence[str], lines: Panel, categories: Sequence[str], bars: Panel) -> Canvas:
    """Return a line a series over the points and, where there are any, bars below, with one legend for both."""
    pitch, left, top = GAP + 2 * BAR, 58, 314
    canvas = blank(top + 4 + pitch * len(categories) if bars.series else top - 30)
    _legend(canvas, [lines])
    write(canvas, 0, 46, lines.heading, alpha=0.8)
    _draw_lines(canvas, points, lines.series)
    if bars.series:
        _write_names(canvas, categories, left, top, pitch)
        _draw_panel(canvas, bars, left, top, WIDTH - left, pitch)
    return canvas


def heat_map(columns: Sequence[str], rows: Mapping[str, Sequence[Tile]]) -> Canvas:
    """Return a tile for every row and column, coloured by its quotient, with a key of the colours above."""
    left, top, line = max(pixels(row, 13) for row in rows) + 12, 84, 25
    canvas = blank(top + line * len(rows) + 4)
    axes = place_axes(canvas, left, top, WIDTH - left, line * len(rows))
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    _draw_key(canvas)
    wide = (WIDTH - left) / len(columns)
    for x, column in enumerate(columns):
        name = wrapped(column, letters=max(2, int((wide - 6) / 12)), lines=3)
        write(canvas, left + (x + 0.5) * wide, top - 8, name, side="center", va="bottom")
    _write_names(canvas, list(rows), left, top, line)
    for y, tiles in enumerate(rows.values()):
        for x, tile in enumerate(tiles):
            _draw_tile(axes, x, y, tile)
    return canvas


def _write_names(canvas: Canvas, names: Sequence[str], left: float, top: float, pitch: float) -> None:
    for place, name in enumerate(names):
        write(canvas, left - 9, top + (place + 0.5) * pitch, name, size=13, side="right", va="center")


def _note(
    axes: Axes, place: tuple[float, float], shift: tuple[float, float], text: str, side: str = "left", alpha: float = 1
) -> None:
    axes.annotate(
        text,
        place,
        shift,
        textcoords="offset points",
        fontsize=12,
        ha=side,
        va="center",
        alpha=alpha,
        annotation_clip=False,
    )


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


def _legend(canvas: Canvas, panels: Sequence[Panel]) -> None:
    """Say above all panels what the colours of the first mean, and the marks where there are intervals."""
    handles: list[Artist] = [Patch(color=bars.colours[0], label=bars.name) for bars in panels[0].series if bars.name]
    if any(cell.bounded for panel in panels for bars in panel.series for cell in bars.cells):
        plain = _plain_marks([], [])
        plain.set_label("模型直接计数")
        handles += [Line2D([], [], color=INK, linewidth=1.2, label="95%区间"), plain]
    if handles:
        canvas.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 1), ncols=len(handles))


# -------------------------------------------------------------------------------------------------------------- bars


def _draw_panel(canvas: Canvas, panel: Panel, left: float, top: float, room: float, pitch: float) -> None:
    """Draw bars from the left edge on, as long as leaves every label its place."""
    count = len(panel.series[0].cells)
    axes = place_axes(canvas, left, top, room, pitch * count)
    write(canvas, left, top - 8, panel.heading, alpha=0.8)
    for place, bars in enumerate(panel.series):
        rows = np.arange(count) + (place - (len(panel.series) - 1) / 2) * BAR / pitch
        _draw_bars(axes, bars, rows, height=BAR / pitch * 0.84, alpha=0.75 if place else 1)
    axes.axvline(0, color=INK, linewidth=1, alpha=0.6)
    axes.set(xlim=(0, room / _scale(panel.series, room)), ylim=(count - 0.5, -0.5))


def _draw_bars(axes: Axes, bars: Series, rows: np.ndarray, *, height: float, alpha: float) -> None:
    axes.barh(rows, [max(finite(cell.value), 0) for cell in bars.cells], height=height, color=bars.colours)
    _draw_marks(axes, bars.cells, rows)
    for cell, row, label in zip(bars.cells, rows, bars.labels, strict=True):
        _note(axes, (_end(cell), row), (6, 0), label, alpha=alpha)


def _draw_marks(axes: Axes, bars: Sequence[Cell], rows: np.ndarray) -> None:
    """Draw the intervals and the plain counts."""
    whiskers = [(row, cell.low, cell.high) for cell, row in zip(bars, rows, strict=True) if cell.bounded]
    for row, low, high in whiskers:
        axes.plot([max(low, 0), max(high, 0)], [row, row], color=INK, linewidth=1.2, solid_capstyle="butt")
    if whiskers:
        axes.add_line(_plain_marks([cell.plain for cell in bars], rows.tolist()))


def _end(cell: Cell) -> float:
    seen = (cell.value, cell.high, cell.plain) if cell.bounded else (cell.value,)
    return max(0.0, *map(finite, seen))


def _scale(series: Sequence[Series], room: float) -> float:
    """Return pixels a unit, such that every bar has room for its label."""
    labelled = [pair for bars in series for pair in zip(bars.cells, bars.labels, strict=True)]
    ends = [(_end(cell), pixels(label, 12) + 14) for cell, label in labelled]
    return min(((room - taken) / end for end, taken in ends if end > 0), default=1.0)


# ------------------------------------------------------------------------------------------------------------- lines


def _draw_lines(canvas: Canvas, points: Sequence[str], lines: Sequence[Series]) -> None:
    """Draw lines with their bands, their plain counts and their names at the end, over named points."""
    top = max([1.0, *(_end(cell) for line in lines for cell in line.cells)])
    ticks = {tick: f"{tick:,.0f}" for tick in MaxNLocator(4, integer=True).tick_values(0, top) if tick >= 0}
    left = max(pixels(text, 12) for text in ticks.values()) + 8
    axes = place_axes(canvas, left, 58, WIDTH - left - 62, 200)
    axes.set(xlim=(-0.3, len(points) - 0.9), ylim=(0, max(ticks)))
    for tick, text in ticks.items():
        axes.axhline(tick, color=INK, linewidth=0.8, alpha=0.18 if tick else 0.6)
        _note(axes, (-0.3, tick), (-8, 0), text, "right")
    for place, point in enumerate(points):
        _note(axes, (place, 0), (0, -14), point, "center")
    for line in reversed(lines):
        _draw_line(axes, line)
    _name_lines(axes, lines, max(ticks))


def _draw_line(axes: Axes, line: Series) -> None:
    places, colour = range(len(line.cells)), line.colours[0]
    axes.fill_between(
        places,
        np.maximum([cell.low for cell in line.cells], 0),
        [cell.high for cell in line.cells],
        color=colour,
        alpha=0.22,
        linewidth=0,
    )
    axes.plot(places, [cell.value for cell in line.cells], color=colour, linewidth=2.2)
    if any(cell.bounded for cell in line.cells):
        axes.add_line(_plain_marks(places, [cell.plain for cell in line.cells], size=3.6, colour=colour))


def _name_lines(axes: Axes, lines: Sequence[Series], top: float) -> None:
    """Write each line's name where it ends, apart from each other."""
    ends = []
    for line in lines:
        last = max(place for place, cell in enumerate(line.cells) if cell.known)
        ends.append((line.cells[last].value, last, line.name))
    ends.sort()
    apart = max(0.0, 16 - (ends[-1][0] - ends[0][0]) / top * 200) / 2
    for place, (value, last, name) in enumerate(ends):
        _note(axes, (last, value), (9, apart * (2 * place + 1 - len(ends))), name)


# ------------------------------------------------------------------------------------------------------------- tiles


def _draw_tile(axes: Axes, x: float, y: float, tile: Tile) -> None:
    text = number_text(finite(tile.number), "events")
    some = text != "0"
    colour, opacity = _heat_colour(tile.quotient if some else math.nan)
    axes.add_patch(Rectangle((x + 0.012, y + 0.05), 0.976, 0.9, facecolor=colour, alpha=opacity, linewidth=0))
    if some and tile.sure:
        axes.add_patch(Rectangle((x + 0.022, y + 0.08), 0.956, 0.84, fill=False, edgecolor=INK, linewidth=1.2))
    axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=12, alpha=1 if some else 0.55)


def _heat_colour(quotient: float) -> tuple[str, float]:
    """Return a colour and its opacity: fullest from four times and from a quarter on, hardly any at 1."""
    if not math.isfinite(quotient):
        return INK, 0.04
    depth = max(-2.0, min(2.0, math.log2(max(quotient, 1e-9))))
    return (WARM if depth > 0 else STRONG), max(0.04, FULLEST * abs(depth) / 2)


def _draw_key(canvas: Canvas) -> None:
    """Draw what the colours of the tiles mean."""
    axes = place_axes(canvas, 52, 4, 9 * 22, 12)
    axes.set(xlim=(0, 9), ylim=(1, 0))
    for place in range(9):
        colour, opacity = _heat_colour(2 ** ((place - 4) / 2))
        axes.add_patch(Rectangle((place + 0.04, 0), 0.92, 1, facecolor=colour, alpha=opacity, linewidth=0))
    write(canvas, 0, 15, "区位商")
    for place, text in ((0, "≤0.25"), (2, "0.5"), (4, "1"), (6, "2"), (8, "≥4")):
        write(canvas, 52 + (place + 0.5) * 22, 30, text, side="center")
