"""Numbers as people read them: the figures of a table by place, and each as text in the report's units."""

import math
from typing import NamedTuple

from classifier.study import FIGURE_COLUMNS, Table


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


class _Unit(NamedTuple):
    """What a unit is called, by what a number is multiplied, and how many decimals it shows."""

    name: str
    factor: float = 1
    decimals: int = 1


_UNITS = {
    "companies": _Unit("家", decimals=0),
    "events": _Unit("起", decimals=0),
    "patents": _Unit("件", decimals=0),
    "persons": _Unit("人"),
    "wan": _Unit("万元"),
    "wan_rmb": _Unit("亿元", 1e-4),
    "usd_100m": _Unit("亿美元", decimals=2),
    "quotient": _Unit("", decimals=2),
    "percent": _Unit("%"),
    "share": _Unit("%", 100),
    "ratio": _Unit("%", 100),
    "points": _Unit("个百分点", 100),
}
_SHOWN_UNITS = {("location_quotient", "ratio"): "quotient", ("mean", "wan_rmb"): "wan"}


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


def finite(value: float) -> float:
    """Return a number, 0 where it is not known or has no bound."""
    return value if math.isfinite(value) else 0.0


def unit_name(unit: str) -> str:
    """Return a unit as the report prints it.

    >>> unit_name("wan_rmb"), unit_name("events"), unit_name("share")
    ('亿元', '起', '%')
    """
    return _unit(unit).name


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
    name, factor, decimals = _unit(unit)
    text = f"{value * factor:z,.{decimals}f}"
    sign = "+" if signed and float(text.replace(",", "")) > 0 else ""
    return sign + text + ("%" if name == "%" else "")


def cell_text(cell: Cell, *, signed: bool = False) -> str:
    """Return a cell's value as text."""
    return number_text(cell.value, cell.unit, signed=signed)


def unit_behind(unit: str) -> str:
    """Return what stands behind a number of a unit, in which % is part of the number.

    >>> unit_behind("events"), unit_behind("share")
    ('起', '')
    """
    return unit_name(unit).removeprefix("%")


def measured_text(cell: Cell, *, signed: bool = False) -> str:
    """Return a cell's value with its unit.

    >>> measured_text(Cell("events", value=452)), measured_text(Cell("share", value=0.491))
    ('452起', '49.1%')
    """
    return cell_text(cell, signed=signed) + unit_behind(cell.unit)


def interval_text(cell: Cell, *, signed: bool = False) -> str:
    """Return a cell's interval in brackets, or nothing where there is none.

    >>> interval_text(Cell("events", 452, 452, 447, 430, 471))
    '[430–471]'
    """
    ends = [number_text(end, cell.unit, signed=signed) for end in (cell.low, cell.high)]
    return f"[{('至' if signed else '–').join(ends)}]" if cell.bounded else ""


def _unit(unit: str) -> _Unit:
    return _UNITS.get(unit, _Unit(unit))
