"""What every figure is drawn on: a page 680 pixels wide, its colours, and text and axes placed on it in pixels.

A page has 72 pixels an inch, so one point of matplotlib is one pixel.
"""

import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from classifier.tables import width

WIDTH = 680
INK = "#1f2328"
STRONG = "#0072b2"  # Okabe and Ito's blue: the report year
MUTED = "#7b97aa"  # the same hue, lighter and greyer: the comparison year
WARM = "#d55e00"  # Okabe and Ito's vermilion: above the national share
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gonglian",
    "text.parse_math": False,
    "text.color": INK,
    "font.size": 13,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0.25,
    "legend.handlelength": 1.2,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.6,
}


def blank(height: float) -> Canvas:
    """Return a page on which nothing is drawn."""
    return Canvas(figsize=(WIDTH / 72, height / 72), dpi=72)


def place_axes(canvas: Canvas, left: float, top: float, wide: float, high: float) -> Axes:
    """Return axes without anything on them, placed in pixels from the upper left corner."""
    height = canvas.get_figheight() * 72
    axes = canvas.add_axes((left / WIDTH, 1 - (top + high) / height, wide / WIDTH, high / height))
    axes.set_axis_off()
    return axes


def write(
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
        canvas.text(x / WIDTH, 1 - down / height, printable(line), fontsize=size, ha=side, va=va, alpha=alpha)


def printable(text: str) -> str:
    """Return a text with blanks for what no page shows.

    >>> printable("广\\x00东")
    '广 东'
    """
    return "".join(character if character.isprintable() else " " for character in text)


def pixels(text: str, size: float) -> float:
    """Return how wide a text gets, at least: the width of its longest line.

    >>> pixels("领域", 12)
    24.0
    """
    return max(sum(1.0 if width(character) > 1 else 0.58 for character in line) for line in text.split("\n")) * size


def wrapped(text: str, *, letters: int, lines: int) -> str:
    """Return a text in lines of so many Chinese characters, the last with an ellipsis where it had to end.

    >>> wrapped("工业自动化与边缘计算", letters=6, lines=2).split("\\n")
    ['工业自动化与', '边缘计算']
    >>> wrapped("工业软件及APP", letters=6, lines=2).split("\\n")
    ['工业软件及', 'APP']
    """
    parts = [""]
    for word in re.findall(rf"[!-~]{{1,{2 * letters}}}|.", " ".join(text.split())):
        if width(parts[-1] + word) > 2 * letters:
            parts.append("")
        parts[-1] += word
    return "\n".join(parts if len(parts) <= lines else [*parts[: lines - 1], parts[lines - 1][:-1] + "…"])
