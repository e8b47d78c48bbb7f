"""Copies of training texts with clauses added and left out, so that no label hangs on one clause.

Real descriptions hide the product between clauses on history, seat, honours and team, and name it once or in other
words; texts written for training hardly do. Foreign clauses teach the model to pass over them; clauses left out, to use
whatever the rest of a text offers (Maaten et al., "Learning with marginalized corrupted features", 2013).
"""

import random
import re
from collections.abc import Sequence

from classifier.text import CLAUSE_ENDS

SHORTEST, LONGEST = 8, 70  # characters of a clause worth mixing in
_CLAUSE = re.compile(f"(?<=[{CLAUSE_ENDS}])")
_PART = re.compile(f"(?<=[{CLAUSE_ENDS}、])")
_ABOUT_THE_COMPANY = re.compile(
    "成立|位于|注册|总部|荣获|认证|资质|证书|员工|团队|理念|宗旨|秉承|高新技术企业|专利|上市|挂牌|隶属|分公司|占地"
)
_ABOUT_THE_BUSINESS = re.compile("是一[家个款]|主要从事|主营|专业从事|致力于|专注于")


def copies(normals: Sequence[str], most: int, kept: float) -> list[list[str]]:
    """Return three lists of copies of normal forms, each as long as ``normals``.

    With foreign clauses; with foreign clauses and without some of its own; without some of its own.

    Parameters
    ----------
    most : int
        Foreign clauses that may stand before a copy, and behind it.
    kept : float
        Share of its own clauses that a copy keeps.

    Notes
    -----
    What happens to a text depends on the text and on the foreign clauses alone: no seed, no order of texts.
    """
    clauses = background_clauses(normals)
    return [
        [among_clauses(normal, clauses, most, _dice("among", normal)) for normal in normals],
        [
            among_clauses(some_clauses(normal, kept, dice), clauses, most, dice)
            for normal, dice in ((normal, _dice("some among", normal)) for normal in normals)
        ],
        [some_clauses(normal, kept, _dice("some", normal)) for normal in normals],
    ]


def background_clauses(normals: Sequence[str]) -> list[str]:
    """Return the different clauses of normal forms that tell of the company but not of its business, sorted.

    >>> background_clauses(["公司成立于2009年,主营工业机器人。团队来自知名高校和研究所。"])
    ['公司成立于2009年,', '团队来自知名高校和研究所。']
    """
    return sorted({clause for normal in normals for clause in _CLAUSE.split(normal) if _is_background(clause)})


def among_clauses(normal: str, clauses: Sequence[str], most: int, dice: random.Random) -> str:
    """Return a normal form with up to ``most`` foreign clauses before it and one to ``most`` behind it."""
    if not clauses:
        return normal
    before, behind = dice.choices(clauses, k=dice.randint(0, most)), dice.choices(clauses, k=dice.randint(1, most))
    return "".join([*before, normal if normal.endswith(("。", ";", ",")) else normal + "。", *behind])


def some_clauses(normal: str, kept: float, dice: random.Random) -> str:
    """Return a normal form with a share of its clauses and list items, or whole if none would be left."""
    return "".join(part for part in _PART.split(normal) if dice.random() < kept) or normal


def _is_background(clause: str) -> bool:
    fits = SHORTEST <= len(clause) <= LONGEST
    return fits and bool(_ABOUT_THE_COMPANY.search(clause)) and not _ABOUT_THE_BUSINESS.search(clause)


def _dice(kind: str, normal: str) -> random.Random:
    return random.Random(f"{kind} {normal}")
