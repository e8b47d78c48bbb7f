"""What figures say in words: titles that claim no more than the intervals allow, captions, and pictures told.

Every function returns a part of a sentence, and nothing ("") where what it would tell is not known.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from classifier.canvas import MUTED, STRONG
from classifier.numerals import Cell, dimensions, finite, interval_text, measured_text, number_text
from classifier.plots import Panel
from classifier.study import TOP_FIVE, TOTAL, UNKNOWN, Table

CHARACTERISTIC = 0.9  # chance above one from which a domain is said to be characteristic of a province
FEW = 10  # companies or events, below which a title warns
TOLD = 3  # as many examples a title names
_NOTHING = Cell()
_NO_VALUE = ("", UNKNOWN, TOP_FIVE, TOTAL)


@dataclass(frozen=True)
class View:
    """A table as one who draws it sees it: figures by place, names of domains, the two years compared."""

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
        """The comparison year in a sentence."""
        return "上年" if self.against == self.year - 1 else f"{self.against}年"

    @property
    def since(self) -> str:
        """The words before a change since the comparison year."""
        return "同比" if self.against == self.year - 1 else f"比{self.against}年"

    def name(self, value: str) -> str:
        """Return what a domain is called; other values are names themselves."""
        return self.names.get(value, value)

    def cell(self, *place: object) -> Cell:
        """Return the figure at a place, the measure last."""
        return self.cells.get(place, _NOTHING)

    def row(self, *places: object, over: Sequence[str], measure: str) -> list[Cell]:
        """Return the cells of one measure over the values of the last dimension."""
        return [self.cell(*places, value, measure) for value in over]

    def sure(self, *place: object) -> bool:
        """Whether the location quotient of a province and domain is beyond doubt above 1."""
        return not self.plain and self.cell(*place, "chance_above_one").value >= CHARACTERISTIC

    def values(self, dimension: str, measure: str) -> list[str]:
        """Return what a dimension holds in the report year where a measure is known: in order, without totals."""
        names = dimensions(self.table)
        keys = [dict(zip([*names, "measure"], key, strict=True)) for key, cell in self.cells.items() if cell.known]
        own = [key for key in keys if key["measure"] == measure and key.get("year", self.year) == self.year]
        return [value for value in dict.fromkeys(key[dimension] for key in own) if value not in _NO_VALUE]

    def ranked(self, dimension: str, measure: str, *places: object) -> list[str]:
        """Return the same, that with the largest figure first."""
        values = self.values(dimension, measure)
        return sorted(values, key=lambda value: -finite(self.cell(*places, value, measure).value))


def join(mark: str, *parts: str) -> str:
    """Return parts as one text, without those that say nothing.

    >>> join("；", "融资事件452起", "", "下半年占57.1%")
    '融资事件452起；下半年占57.1%'
    """
    return mark.join(filter(None, parts))


def told(before: str, cell: Cell, after: str = "") -> str:
    """Return a statement of a figure."""
    return f"{before}{measured_text(cell)}{after}" if cell.known else ""


def change(view: View, cell: Cell) -> str:
    """Return what became of a figure since the comparison year; no change is claimed where there may be none."""
    if not cell.known:
        return ""
    if cell.bounded and cell.low <= 0 <= cell.high:
        return f"与{view.last_year}无显著差异"
    size = number_text(abs(cell.value), cell.unit)
    if size == number_text(0, cell.unit):
        return f"与{view.last_year}持平"
    return f"{view.since}{'增长' if cell.value > 0 else '下降'}{size}"


def leader(names: Sequence[str], cells: Sequence[Cell]) -> str:
    """Return who has most; the first two where the interval of the second reaches that of the first."""
    pairs = sorted(zip(names, cells, strict=True), key=lambda pair: -finite(pair[1].value))
    if not pairs or finite(pairs[0][1].value) <= 0:
        return ""
    first, second, *_ = [*pairs, ("", _NOTHING)]
    both = "与".join(f"{name}（{measured_text(cell)}）" for name, cell in (first, second))
    if first[1].low <= second[1].high:
        return f"{both}居前，区间重叠"
    if first[1].value == second[1].value:
        return f"{both}并列最多"
    return f"{first[0]}（{measured_text(first[1])}）最多"


def moved(view: View, values: Sequence[str], measure: str, verbs: tuple[str, str]) -> str:
    """Return what rose and what fell since the comparison year: beyond doubt or, where doubt is not known, the most."""
    changes = [(view.name(value), view.cell(view.year, value, measure)) for value in values]
    known = sorted((pair for pair in changes if pair[1].known), key=lambda pair: -abs(pair[1].value))
    if any(cell.bounded for _, cell in known):
        known = [pair for pair in known if pair[1].low > 0 or pair[1].high < 0]
        if not known:
            return f"与{view.last_year}相比均无显著变化"
    sides = [[pair for pair in known if pair[1].value * sign > 0][:TOLD] for sign in (1, -1)]
    return "，".join(
        verb + "、".join(_signed(*pair) for pair in side) for verb, side in zip(verbs, sides, strict=True) if side
    )


def _signed(name: str, cell: Cell) -> str:
    return f"{name}（{measured_text(cell, signed=True)}）"


def few(view: View) -> str:
    """Return a warning where next to nothing was counted."""
    most = max((cell.n for cell in view.cells.values() if math.isfinite(cell.n)), default=0)
    return f"（样本很少：n最多为{most:,.0f}，不宜下结论）" if most < FEW else ""


def counted(*counts: tuple[str, Cell]) -> str:
    """Return on how many companies or events a figure rests, with what tells the counts apart."""
    return join("、", *(f"{cell.n:,.0f}{which}" for which, cell in counts if math.isfinite(cell.n)))


def counted_by_year(view: View, *place: str, mark: str = "年") -> str:
    """Return the same for both years."""
    return counted(*((f"（{year}{mark}）", view.cell(year, *place)) for year in view.years))


def caption(view: View, shown: str, count: str, reading: str = "柱", mark: str = "，空心圆为模型直接计数") -> str:
    """Return what a figure shows, how to read it, and on how much it rests."""
    read = f"{reading}为模型直接计数，未校正误判" if view.plain else f"{reading}为校正误判后的估计{mark}"
    return "".join(f"{part}。" for part in (view.table.printed_as, shown, read, count and f"n = {count}") if part)


def in_words(kind: str, categories: Sequence[str], panels: Sequence[Panel]) -> str:
    """Return bars or lines as words, for those who do not see them."""
    spoken = []
    for panel in panels:
        for bars in panel.series:
            row = zip(categories, bars.cells, bars.labels, strict=True)
            values = "，".join(f"{name} {label}{interval_text(cell)}" for name, cell, label in row)
            spoken.append(f"{join(' ', panel.heading, bars.name)}：{values}。")
    return f"{kind}。{''.join(spoken)}"
