"""Clauses that tell nothing of a business - history, seat, honours, team - mixed into copies of training texts.

Real descriptions hide the product between such clauses; texts written for training hardly do. A copy of every text
with clauses of other texts, of whatever label, teaches the model to pass over them.
"""

import random
import re
from collections.abc import Sequence

SHORTEST, LONGEST = 8, 70  # characters of a clause worth mixing in
_CLAUSE = re.compile(r"(?<=[,。;!?])")
_ABOUT_THE_COMPANY = re.compile(
    "成立|位于|注册|总部|荣获|认证|资质|证书|员工|团队|理念|宗旨|秉承|高新技术企业|专利|上市|挂牌|隶属|分公司|占地"
)
_ABOUT_THE_BUSINESS = re.compile("是一[家个款]|主要从事|主营|专业从事|致力于|专注于")


def background_clauses(normals: Sequence[str]) -> list[str]:
    """Return the different clauses of normal forms that tell of the company but not of its business, sorted.

    >>> background_clauses(["公司成立于2009年,主营工业机器人。团队来自知名高校和研究所。"])
    ['公司成立于2009年,', '团队来自知名高校和研究所。']
    """
    return sorted({clause for normal in normals for clause in _CLAUSE.split(normal) if _is_background(clause)})


def _is_background(clause: str) -> bool:
    fits = SHORTEST <= len(clause) <= LONGEST
    return fits and bool(_ABOUT_THE_COMPANY.search(clause)) and not _ABOUT_THE_BUSINESS.search(clause)


def mixed_copies(normals: Sequence[str], clauses: Sequence[str], most: int, seed: int) -> list[str]:
    """Return a copy of every normal form with up to ``most`` clauses before it and one to ``most`` behind it.

    The same seed gives the same copies; without clauses the copies are the texts themselves.
    """
    if not clauses:
        return list(normals)
    chosen = random.Random(seed)
    return [
        "".join(
            [
                *chosen.choices(clauses, k=chosen.randint(0, most)),
                normal if normal.endswith(("。", ";", ",")) else normal + "。",
                *chosen.choices(clauses, k=chosen.randint(1, most)),
            ]
        )
        for normal in normals
    ]
