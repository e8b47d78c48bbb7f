"""Figures as intervals of the values that they may stand for, and whether two figures agree.

A printed number is the interval of all values that would be printed so. Sums and ratios are computed on intervals
(Moore, "Interval analysis", 1966), and figures agree if their intervals meet.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add, mul, sub, truediv
from typing import NamedTuple

NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?%?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
ROUNDED = re.compile("[%元]")  # units of numbers that are rounded even without decimals
OPERATION = re.compile(r" [-+x/] ")
BOUNDS = {"=": "", ">=": "at least ", "<=": "at most "}
SHOWN_PARTS = 8  # of a sum that is written out


class Finding(NamedTuple):
    """A relation between figures: what was expected, what was found, and whether they agree within rounding.

    ``difference`` = found - expected, ``tolerance`` is what rounding explains of it; all four are None if the relation
    was not checked. ``verdict``: holds, fails or not checked. ``reason`` shows the figures, or why there are none.
    """

    id: str
    place: str
    statement: str
    expected: float | None
    found: float | None
    difference: float | None
    tolerance: float | None
    verdict: str
    reason: str


@dataclass(frozen=True)
class Quantity:
    """A figure as the interval of values that it may stand for, and how it was printed or computed."""

    value: Fraction
    low: Fraction
    high: Fraction
    text: str

    def __add__(self, other: "Quantity") -> "Quantity":
        """Return the sum."""
        return self._combine(add, other, f"{self.text} + {other.text}")

    def __sub__(self, other: "Quantity") -> "Quantity":
        """Return the difference."""
        return self._combine(sub, other, f"{self.text} - {other._grouped}")

    def __mul__(self, other: "Quantity") -> "Quantity":
        """Return the product."""
        return self._combine(mul, other, f"{self._grouped} x {other._grouped}")

    def __truediv__(self, other: "Quantity") -> "Quantity":
        """Return the ratio; ZeroDivisionError if the other may be zero."""
        if other.low <= 0 <= other.high:
            raise ZeroDivisionError(f"{other.text} may be zero")
        return self._combine(truediv, other, f"{self._grouped} / {other._grouped}")

    def _combine(self, operation: Callable[..., Fraction], other: "Quantity", text: str) -> "Quantity":
        ends = [operation(mine, theirs) for mine in (self.low, self.high) for theirs in (other.low, other.high)]
        return Quantity(operation(self.value, other.value), min(ends), max(ends), text)

    @property
    def _grouped(self) -> str:
        return f"({self.text})" if OPERATION.search(self.text) else self.text

    @property
    def equation(self) -> str:
        """The text, and if it is a formula what it comes to."""
        return f"{self.text} = {exact(self.value).text}" if OPERATION.search(self.text) else self.text


def exact(value: Fraction | Decimal | int, text: str = "") -> Quantity:
    """Return a figure without rounding.

    >>> (exact(1) / exact(3)).value
    Fraction(1, 3)
    """
    number = Fraction(value)
    return Quantity(number, number, number, text or f"{float(number):.10g}")


def read_figure(text: str, unit: str = "", *, more_than: bool = False) -> Quantity:
    """Return what a printed number may stand for, or the day number of a date.

    A number with decimals (zeros at the end count), or in % or 元, is rounded to half a unit of its last digit; any
    other is a count, and exact. If the print says "more than" the true value is at most one unit above.

    Raises
    ------
    ValueError
        If the text is neither.

    >>> figure = read_figure("49.10")
    >>> float(figure.low), float(figure.high)
    (49.095, 49.105)
    """
    if DATE.fullmatch(text):
        return exact(date.fromisoformat(text).toordinal(), text)
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    digits = text.replace(",", "").removesuffix("%")
    number, digit = Fraction(digits), Fraction(1, 10 ** len(digits.partition(".")[2]))
    if more_than:
        return Quantity(number, number, number + digit, text)
    if "." in digits or ROUNDED.search(unit + text):
        return Quantity(number, number - digit / 2, number + digit / 2, text)
    return exact(number, text)


def total(parts: Sequence[Quantity]) -> Quantity:
    """Return the sum; of many parts the text shows the first and the last."""
    whole = reduce(add, parts)
    if len(parts) <= SHOWN_PARTS:
        return whole
    return replace(whole, text=f"{parts[0].text} + ({len(parts) - 2} more) + {parts[-1].text}")


def compare(id: str, place: str, statement: str, expected: Quantity, found: Quantity, sign: str = "=") -> Finding:
    """Return whether ``found`` is (``=``), is at least (``>=``) or is at most (``<=``) what was expected.

    >>> share = exact(222) / exact(452) * exact(100)
    >>> [compare("", "", "", share, read_figure(text)).verdict for text in ("49.1", "49.2", "49.10")]
    ['holds', 'fails', 'fails']
    """
    below, above = found.high < expected.low, found.low > expected.high
    fails = {"=": below or above, ">=": below, "<=": above}[sign]
    lower, upper = sorted((found, expected), key=lambda figure: figure.value)
    return Finding(
        id,
        place,
        statement,
        expected=float(expected.value),
        found=float(found.value),
        difference=float(found.value - expected.value),
        tolerance=float(lower.high - lower.value + upper.value - upper.low),
        verdict="fails" if fails else "holds",
        reason=f"expected {BOUNDS[sign]}{expected.equation}; found {found.equation}",
    )


def not_checked(id: str, place: str, statement: str, reason: str) -> Finding:
    """Return that a relation was not checked, and why."""
    return Finding(id, place, statement, None, None, None, None, "not checked", reason)
