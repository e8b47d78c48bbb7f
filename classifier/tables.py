"""Text tables whose columns stand straight although Chinese characters are two columns wide."""

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Return the columns that a text takes in a terminal.

    >>> width("AGV 机器人")
    10
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def beginning(text: str, most: int) -> str:
    """Return a text, or so many of its first characters and a sign that there are more.

    >>> beginning("工业机器人", 5), beginning("工业机器人", 2)
    ('工业机器人', '工业…')
    """
    return text if len(text) <= most else f"{text[:most]}…"


def align(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines: the first column to the left, the others to the right, two spaces between.

    >>> print(align([["label", "n"], ["安全", "12"]]))
    label   n
    安全   12
    """
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(_pad(cell, widths[i], i > 0) for i, cell in enumerate(row)).rstrip() for row in rows)


def _pad(cell: str, wide: int, right: bool) -> str:
    space = " " * (wide - width(cell))
    return space + cell if right else cell + space
