"""Rounds, amounts of money and dates as source databases write them, read into canonical values.

A cell is read or refused with an `InputError` that says what was found and what is expected; nothing is guessed. The
caller adds file, row and column. Names of rounds and exchange rates are data, in ``labeled/reference/``.
"""

import csv
import datetime
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from classifier.errors import InputError
from classifier.resources import labeled_folder

GROUPS = ("early", "late", "strategic", "other", "unknown", "none")
FIRST_YEAR, LAST_YEAR = 1980, 2100  # a financing outside these years is a slip of the source
_LONGEST = 80  # characters of a cell that can be a round, an amount or a date
_KEPT = 1 << 16  # texts whose reading is remembered
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_ROUND = "a round such as 天使轮, A+轮, Series B, 战略投资 or 未披露"
_AMOUNT = "an amount such as 3.5亿人民币, 数千万美元, US$10M or 未披露"
_DAY = "a date such as 2020-07-03, 2020.7.3, 2020年7月, 2020Q3, 3 July 2020 or Excel's number of a day"


class Round(NamedTuple):
    """A financing round: its code, the report's group, its place on the ladder, and whether it is a venture event.

    Groups: early (种子轮 to A+轮), late (Pre-B轮 to Pre-IPO), strategic, other (a venture event of neither), unknown (a
    venture event whose round is not told), none (no venture event). ``order`` rises with maturity.
    """

    code: str
    group: str
    order: int
    venture: bool


class Amount(NamedTuple):
    """An amount in 万元 RMB: low, point and high (NaN if not published), the currency it was told in, and the rule.

    ``rule`` is that of a `Wording`, "range" or "undisclosed"; it ends in "_assumed_rmb" if no currency was told.
    """

    low_wan: float
    point_wan: float
    high_wan: float
    currency: str
    rule: str
    published: bool


class Day(NamedTuple):
    """The first day of what a date names, and how long that is: day, month, quarter, half or year."""

    date: datetime.date
    precision: str


_ROUND_FILLERS = re.compile("系列|轮次|轮|融资|投资|ROUND|FINANCING|FUNDING|INVESTMENT|SERIES")
_LETTER_ROUND = re.compile(r"(PRE)?([A-N])([1-9])?(\+{0,3})")  # SpaceX went as far as N


def read_round(value: Any) -> Round:
    """Return the round that a cell names, in Chinese or English; an empty cell is 未披露.

    Raises
    ------
    InputError
        If the name is neither in ``rounds.csv`` nor a letter round.

    >>> read_round("Ａ＋轮")
    Round(code='A+轮', group='early', order=215, venture=True)
    >>> read_round("Pre-Series B").code, read_round("战略融资").code, read_round("M&A").venture
    ('Pre-B轮', '战略投资', False)
    """
    if _is_missing(value):
        return _read_round("")
    if not isinstance(value, str):
        raise _refusal(value, _ROUND)
    return _read_round(value)


@lru_cache(maxsize=_KEPT)
def _read_round(text: str) -> Round:
    key = _round_key(text) or "-"
    found = _shipped_rounds().get(key) or _letter_round(key)
    if found is None:
        raise _refusal(text, _ROUND)
    return found


def _round_key(text: str) -> str:
    """Return a round's name without case, width, spaces, punctuation and words that say no more than 轮.

    >>> _round_key("series Ａ + 轮"), _round_key("Pre-IPO"), _round_key("战略投资\\t"), _round_key("融资")
    ('A+', 'PREIPO', '战略', '融资')
    """
    plain = _plain(text).upper()
    key = re.sub(r"[^\w+&/]|_", "", plain) or plain
    return _ROUND_FILLERS.sub("", key) or key


def _letter_round(key: str) -> Round | None:
    """Return the round of a key such as A, B2, C++ or PRED; a letter has 200 places, its Pre- the 80 before them."""
    found = _LETTER_ROUND.fullmatch(key)
    if not found:
        return None
    pre, letter, number, pluses = (part or "" for part in found.groups())
    order = 200 * (ord(letter) - ord("A") + 1) - 80 * bool(pre) + int(number or 0) + 15 * len(pluses)
    code = f"{'Pre-' if pre else ''}{letter}{number}{pluses}轮"
    return Round(code, "early" if letter == "A" else "late", order, True)


def read_rounds(path: Path | None = None) -> dict[str, Round]:
    """Return the rounds of a table (by default the shipped ``rounds.csv``) by every name they have, in a normal form.

    Raises
    ------
    InputError
        If the table is malformed, has an unknown group, or gives one name to two rounds.
    """
    path = path or labeled_folder() / "reference" / "rounds.csv"
    rounds: dict[str, Round] = {}
    for place, row in _read_rows(path, ("code", "group", "order", "aliases")):
        if row["group"] not in GROUPS or not row["order"].isdecimal():
            raise InputError(f"{place}: expected a number as order and one of {', '.join(GROUPS)} as group")
        named = Round(row["code"], row["group"], int(row["order"]), row["group"] != "none")
        for name in filter(None, (row["code"], *row["aliases"].split("|"))):
            if rounds.setdefault(_round_key(name), named) is not named:
                raise InputError(f"{place}: {name!r} stands for {rounds[_round_key(name)].code} already; keep one")
    return rounds


@lru_cache(maxsize=1)
def _shipped_rounds() -> dict[str, Round]:
    return read_rounds()


# code: names as they stand in a normal form. 元 is RMB unless another currency is named beside it.
CURRENCIES = {
    "CNY": "人民币 元 rmb cny cnh yuan ¥",
    "USD": "美元 美金 美刀 usd us$ $ usdollars usdollar dollars dollar",
    "HKD": "港元 港币 香港元 hkd hk$",
    "EUR": "欧元 eur € euros euro",
    "GBP": "英镑 gbp £ pounds",
    "JPY": "日元 日币 jpy 円 yen",
    "KRW": "韩元 韩币 韩国元 krw ₩",
    "SGD": "新加坡元 新加坡币 新元 新币 坡币 sgd s$ sg$",
    "INR": "卢比 印度卢比 inr ₹",
    "TWD": "新台币 台币 twd ntd nt$",
    "CAD": "加元 加币 加拿大元 cad c$ ca$",
    "AUD": "澳元 澳币 澳大利亚元 aud a$ au$",
    "CHF": "瑞士法郎 瑞郎 chf",
    "NZD": "新西兰元 纽元 nzd nz$",
    "MYR": "林吉特 马来西亚林吉特 马币 myr",
    "THB": "泰铢 thb",
    "SEK": "瑞典克朗 sek",
}


@dataclass(frozen=True)
class Rates:
    """Exchange rates: for every currency RMB per unit from a date on, by rising dates."""

    entries: Mapping[str, tuple[tuple[datetime.date, float], ...]]

    def rmb_per(self, currency: str, on: datetime.date | None = None) -> float:
        """Return RMB per unit: the last rate up to a day; the first before all rates; the newest without a day.

        Raises
        ------
        InputError
            If there is no rate of the currency.

        >>> rates = read_rates()
        >>> rates.rmb_per("USD", datetime.date(2020, 7, 3)), rates.rmb_per("HKD", datetime.date(2020, 7, 3))
        (6.4614, 0.8335)
        """
        if currency == "CNY":
            return 1.0
        if currency not in self.entries:
            raise InputError(f"no exchange rate of {currency!r}; there are {', '.join(self.entries)}")
        entries = self.entries[currency]
        if on is None:
            return entries[-1][1]
        day = on.date() if isinstance(on, datetime.datetime) else on
        return entries[max(bisect_right(entries, day, key=itemgetter(0)) - 1, 0)][1]

    def override(self, rates: Mapping[str, float]) -> "Rates":
        """Return these rates with some currencies at one rate on all days.

        Raises
        ------
        InputError
            If a currency is unknown or a rate is not a positive number.

        >>> read_rates().override({"USD": 7.0}).rmb_per("USD", datetime.date(2020, 7, 3))
        7.0
        """
        fixed = {_currency(code): ((datetime.date.min, _rate(rate)),) for code, rate in rates.items()}
        return Rates({**self.entries, **fixed})


def read_rates(path: Path | None = None) -> Rates:
    """Return the exchange rates of a table, by default the shipped ``rates.csv``.

    There the rates of 2020 for USD and HKD are the report's own; all others are averages of a year, with their sources.

    Raises
    ------
    InputError
        If the table is malformed, or has an unknown currency, a bad date, a rate that is not a positive number, or two
        rates for a day.
    """
    entries: dict[str, dict[datetime.date, float]] = {}
    path = path or labeled_folder() / "reference" / "rates.csv"
    for place, row in _read_rows(path, ("currency", "valid_from", "rmb_per_unit", "source")):
        try:
            dated = entries.setdefault(_currency(row["currency"]), {})
            rate = _rate(row["rmb_per_unit"])
            if dated.setdefault(datetime.date.fromisoformat(row["valid_from"]), rate) != rate:
                raise InputError("this day has another rate already")
        except (InputError, ValueError) as error:
            raise InputError(f"{place}: {error}; correct the row") from error
    return Rates({currency: tuple(sorted(dated.items())) for currency, dated in entries.items()})


def _currency(code: str) -> str:
    if code not in CURRENCIES or code == "CNY":
        raise InputError(f"currency {code!r} is not one of {', '.join(list(CURRENCIES)[1:])}")
    return code


def _rate(value: str | float) -> float:
    rate = float(value)
    if not 0 < rate < math.inf:
        raise InputError(f"rate {value} is not a positive number")
    return rate


class Wording(NamedTuple):
    """Words before or behind a number that make it inexact, what the number is multiplied with, and why."""

    rule: str
    before: str
    after: str
    low: float
    point: float
    high: float
    reason: str


# The first that fits counts. Measured: on 619 exact amounts of venture rounds in a public database of 2,000 events.
# (Public scripts that clean such databases take 1, 3.5 or 5 for 数, and 1 for 及以上 and 级.)
WORDINGS = (
    Wording("several", "数|几|若干|several", "", 2, 4.2, 9, "geometric mean; measured from 2 to 9: median 4.1"),
    Wording("near", "将近|接近|近|不到|不足|nearly|almost", "", 0.8, 0.9, 1, "a fifth less would be told as such"),
    Wording("about", "大约|约|approximately|about|around|~|≈", "左右|上下", 0.9, 1, 1.1, "rounded to a tenth"),
    Wording("over", "超过|超|逾|突破|过|破|上|morethan|over|>", r"多|余|几|数|\+", 1, 1.2, 2, "double would be told"),
    Wording("least", "至少|不低于|不少于|atleast|≥", "及以上|以上", 1, 2, 20, "measured from 1亿: median 2, 95 % < 20"),
    Wording("level", "", "级别|量级|级", 1, 2.5, 10, "measured leading figures: geometric mean 2.5"),
    Wording("exact", "", "", 1, 1, 1, "the number as it is told"),
)
_LEVEL, _EXACT = WORDINGS[-2:]

_UNDISCLOSED = frozenset(
    {
        *("-", "--", "—", "——", "/", "n/a", "na", "nan", "none", "null", "unknown", "notdisclosed"),
        *("undisclosed", "undisclosedamount", "amountundisclosed"),
        *("未披露", "未透露", "未透漏", "未公开", "未公布", "未知", "不详", "不明确", "保密", "无", "暂无"),
        *("金额未披露", "金额未透露", "金额未公开", "金额未知", "投资金额未透露", "投资金额未披露"),
    }
)
_VARIANTS = str.maketrans(
    "億萬數幾圓圆餘約過韓歐幣鎊臺點拾佰仟〇两兩壹贰叁肆伍陆柒捌玖",
    "亿万数几元元余约过韩欧币镑台点十百千零二二一二三四五六七八九",
)
_ASCII_DIGITS = str.maketrans("零一二三四五六七八九点", "0123456789.")
_CHINESE_UNITS = (("亿", 10**8), ("万", 10**4), ("千", 10**3), ("百", 100), ("十", 10))
_ENGLISH_UNITS = {
    **dict.fromkeys(("thousand", "k"), 10**3),
    "w": 10**4,  # as Chinese is typed
    **dict.fromkeys(("million", "millions", "mil", "mn", "mm", "m"), 10**6),
    **dict.fromkeys(("billion", "billions", "bn", "b"), 10**9),
}
_DIGIT = "[零一二三四五六七八九]"
_NUMERAL = rf"(?:[0-9]{{1,15}}(?:\.[0-9]{{1,10}})?|{_DIGIT}(?:点{_DIGIT}{{1,10}})?)"
_BELOW_WAN = rf"(?:(?:{_NUMERAL}?千)?(?:零?{_NUMERAL}?百)?(?:零?{_NUMERAL}?十{_DIGIT}?|零{_DIGIT})?)"
_CHINESE = re.compile(
    rf"{_NUMERAL}|(?:(?:{_NUMERAL}|{_BELOW_WAN})万?亿)?(?:零?(?:{_NUMERAL}|{_BELOW_WAN})万)?{_BELOW_WAN}"
)
_ENGLISH = re.compile(rf"({_NUMERAL})({'|'.join(_ENGLISH_UNITS)})")
_LEADING = re.compile(_NUMERAL)
_TOLD = re.compile(f"[0-9]|{_DIGIT}|^十")  # 千万 tells no number, 十亿 does
_UNIT = re.compile("[万亿a-z]")
_INSIDE = re.compile(r"(?<=[0-9十百千])(?:多|余|几|数|\+)(?=[十百千万亿kwmb])")  # 3000余万, 十几亿
_THOUSANDS = re.compile(r"(?<=[0-9])[, ](?=[0-9]{3}(?![0-9]))")
_LOOSE_SPACE = re.compile("(?<![0-9]) | (?![0-9])")
_DASH = re.compile("(?<=[^-~–—至到不])[-~–—至到](?=.)")
_CODE_OF = {name: code for code, names in CURRENCIES.items() for name in names.split()}
_NAME = re.compile("|".join(map(re.escape, sorted(_CODE_OF, key=len, reverse=True))))
_NAMES = rf"\(?(?:{_NAME.pattern})\)?"
_BEFORE = "|".join(wording.before for wording in WORDINGS if wording.before)
_AFTER = "|".join(wording.after for wording in WORDINGS if wording.after)
_TERM = re.compile(rf"((?:{_NAMES}|{_BEFORE})*+)(.*?)((?:{_NAMES}|{_AFTER})*)", re.DOTALL)


class _Term(NamedTuple):
    """A number as it is written, what the words around it make of it, and the currencies they name."""

    core: str
    wording: Wording
    names: tuple[str, ...]


class _Span(NamedTuple):
    """An amount in 万 of a currency."""

    low: float
    point: float
    high: float
    currency: str
    rule: str


def read_amount(value: Any, *, rates: Rates, on: datetime.date | None = None, unit: str | None = None) -> Amount:
    """Return the amount that a cell tells, converted at the rate of a day.

    ``unit`` is what the column's header says, such as 万元; numbers without a unit of their own have it. An empty cell,
    未披露 and zero are not published. A number without any currency is RMB.

    Raises
    ------
    InputError
        If the cell is no amount, names two currencies, or has no unit and none is given.

    >>> rates = read_rates().override({"USD": 7.0})
    >>> read_amount("3.5亿人民币", rates=rates)
    Amount(low_wan=35000.0, point_wan=35000.0, high_wan=35000.0, currency='CNY', rule='exact', published=True)
    >>> read_amount("数千万美元", rates=rates)
    Amount(low_wan=14000.0, point_wan=29400.0, high_wan=63000.0, currency='USD', rule='several', published=True)
    >>> read_amount(1200, rates=rates, unit="万元").point_wan, read_amount("1～2亿", rates=rates).rule
    (1200.0, 'range_assumed_rmb')
    """
    span = _read_span(_amount_text(value), unit or "")
    if span is None:
        return Amount(math.nan, math.nan, math.nan, "", "undisclosed", False)
    rate = rates.rmb_per(span.currency, on)
    return Amount(span.low * rate, span.point * rate, span.high * rate, span.currency, span.rule, True)


def _amount_text(value: Any) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, str):
        return value
    if not _is_number(value, 10**15):
        raise _refusal(value, _AMOUNT)
    return f"{float(value):.6f}"


@lru_cache(maxsize=_KEPT)
def _read_span(text: str, unit: str) -> _Span | None:
    key = _amount_key(text)
    if not key or _term(key).core in _UNDISCLOSED:
        return None
    terms = [_term(part) for part in _DASH.split(key, maxsplit=1)]
    numbers = _numbers(terms[0].core, terms[-1].core)
    if numbers is None:
        raise _refusal(text, _AMOUNT)
    if not numbers[1]:
        return None
    names = {name for term in terms for name in term.names}
    if not names and not any(_UNIT.search(term.core) for term in terms):
        if not unit:
            raise InputError(f"found {_shown(text)} without a unit, expected one (1200万元) here or for the column")
        return _read_span(text + unit, "")
    return _span(terms, numbers, names or set(_term(_amount_key(unit)).names), text)


def _amount_key(text: str) -> str:
    """Return an amount in one way of writing.

    >>> _amount_key("ＵＳ＄ 1,200 萬"), _amount_key("1 2億")
    ('us$1200万', '1 2亿')
    """
    return _LOOSE_SPACE.sub("", _THOUSANDS.sub("", _plain(text).lower().translate(_VARIANTS)))


def _term(key: str) -> _Term:
    """Return a key's number and what the words around and inside it say.

    >>> [_term(key)[::2] for key in ("近3亿元人民币", "us$10m", "3000余万")]
    [('3亿', ('元', '人民币')), ('10m', ('us$',)), ('3000万', ())]
    """
    found = _TERM.fullmatch(key)
    assert found is not None  # any text fits
    head, core, tail = found.groups()
    before, after = _NAME.sub("", head), _NAME.sub("", tail) + "".join(_INSIDE.findall(core))
    fitting = (w for w in WORDINGS if _has(w.before, before) or _has(w.after, after))
    wording = next(fitting, _EXACT if _TOLD.search(core) else _LEVEL)
    return _Term(_INSIDE.sub("", core), wording, (*_NAME.findall(head), *_NAME.findall(tail)))


def _has(words: str, text: str) -> bool:
    return bool(words and re.search(words, text))


def _numbers(first: str, last: str) -> tuple[Decimal, Decimal] | None:
    """Return the two ends of a range, or a number twice; the first takes the unit of the last if it has none.

    >>> _numbers("1", "3亿"), _numbers("三千万", "三千万"), _numbers("十", "20万")
    ((Decimal('100000000'), Decimal('300000000')), (Decimal('30000000'), Decimal('30000000')), None)
    """
    if _UNIT.search(last) and not _UNIT.search(first):
        leading = _LEADING.match(last)
        if not leading or not _LEADING.fullmatch(first):
            return None
        first += last[leading.end() :]
    low, high = _number(first), _number(last)
    return None if low is None or high is None else (low, high)


def _number(core: str) -> Decimal | None:
    """Return the number written in digits, Chinese numerals, both, or digits with an English unit.

    >>> _number("一亿二千万"), _number("1.2billion"), _number("1.2万亿"), _number("一亿五"), _number("二三千万")
    (Decimal('120000000'), Decimal('1200000000.0'), Decimal('1200000000000.0'), None, None)
    """
    spelled = core in _ENGLISH_UNITS and len(core) > 3  # million, of several million
    english = _ENGLISH.fullmatch(f"1{core}" if spelled else core)
    if english:
        return _numeral(english[1]) * _ENGLISH_UNITS[english[2]]
    return _chinese(core) if core and _CHINESE.fullmatch(core) else None


def _chinese(text: str) -> Decimal:
    for unit, factor in _CHINESE_UNITS:
        left, found, right = text.rpartition(unit)
        if found:
            return (_chinese(left) if left else 1) * factor + (_chinese(right) if right else Decimal(0))
    return _numeral(text)


def _numeral(text: str) -> Decimal:
    return Decimal(text.translate(_ASCII_DIGITS))


def _span(terms: Sequence[_Term], numbers: tuple[Decimal, Decimal], names: set[str], text: str) -> _Span:
    codes = {_CODE_OF[name] for name in names if name != "元"} or {"CNY"}
    if len(codes) > 1:
        raise InputError(f"found {_shown(text)} with {' and '.join(sorted(codes))}, expected one currency")
    low, point, _ = _scaled(numbers[0], terms[0].wording)
    _, _, high = _scaled(numbers[1], terms[-1].wording)
    rule = terms[0].wording.rule
    if len(terms) > 1:
        point, rule = (low + high) / 2, "range"
    if low > high:
        raise InputError(f"found {_shown(text)}, expected a range that begins with its lower end")
    return _Span(low, point, high, codes.pop(), rule if names else f"{rule}_assumed_rmb")


def _scaled(number: Decimal, wording: Wording) -> tuple[float, float, float]:
    wan = float(number / 10**4)
    return wan * wording.low, wan * wording.point, wan * wording.high


_EXCEL_EPOCH = datetime.date(1899, 12, 30)  # day 0, seen from March 1900 on: Excel counts a 29 February 1900
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?: ?z| ?[+-][0-9]{2}:?[0-9]{2})?"
_YEAR, _MONTH, _MONTH_DAY = "(?P<year>[0-9]{4})", "(?P<month>[0-9]{1,2})", "(?P<day>[0-9]{1,2})"
_NAMED_MONTH, _ORDINAL = r"(?P<name>[a-z]{3,9})\.?", f"{_MONTH_DAY}(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_YEAR}(?P<mark>[-/.]){_MONTH}(?:(?P=mark){_MONTH_DAY}(?:[t ]{_CLOCK})?)?",
        f"{_YEAR}年{_MONTH}月(?:{_MONTH_DAY}(?:[日号](?:{_CLOCK})?)?)?",
        f"{_YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})?",
        f"{_YEAR}年?",
        f"{_YEAR}[年 -]?(?P<half>上半年|下半年|h[12])",
        f"{_YEAR}[年 -]?(?P<quarter>q[1-4]|第?[一二三四1-4]季度?)",
        f"(?:(?P<half>h[12])|(?P<quarter>q[1-4]))[ -]?{_YEAR}",
        f"{_NAMED_MONTH}(?: {_ORDINAL})?,? {_YEAR}",
        f"{_ORDINAL}[ -]{_NAMED_MONTH},?[ -]{_YEAR}",
        r"(?P<serial>[0-9]{5})(?:\.[0-9]+)?",
    )
)


def read_day(value: Any) -> Day:
    """Return the day, month, quarter, half or year that a cell names: text, a date, or Excel's number of a day.

    Raises
    ------
    InputError
        If the cell is empty, no date, not in the calendar, or outside `FIRST_YEAR` to `LAST_YEAR`.

    >>> read_day("2014.12.4"), read_day("2020年上半年")
    (Day(date=datetime.date(2014, 12, 4), precision='day'), Day(date=datetime.date(2020, 1, 1), precision='half'))
    >>> read_day(43985).date, read_day("Jul 3, 2020").date
    (datetime.date(2020, 6, 3), datetime.date(2020, 7, 3))
    """
    if _is_missing(value):
        raise InputError(f"found an empty cell, expected {_DAY}")
    if isinstance(value, datetime.date):
        return Day(_possible(value.year, value.month, value.day, value), "day")
    if isinstance(value, str):
        return _read_day(value)
    if not _is_number(value, 10**8) or not (value == math.floor(value) or 10**4 <= value < 10**5):
        raise _refusal(value, _DAY)
    return _read_day(str(math.floor(value)))


@lru_cache(maxsize=_KEPT)
def _read_day(text: str) -> Day:
    key = re.sub(" ?([年月日号]) ?", r"\1", _plain(text).lower())
    told = next((found.groupdict("") for pattern in _DATES if (found := pattern.fullmatch(key))), None)
    if told is None:
        raise _refusal(text, _DAY)
    if "serial" in told:
        day = _EXCEL_EPOCH + datetime.timedelta(days=int(told["serial"]))
        return Day(_possible(day.year, day.month, day.day, text), "day")
    month, precision = _month(told)
    return Day(_possible(int(told["year"]), month, int(told.get("day") or 1), text), precision)


def _month(told: Mapping[str, str]) -> tuple[int, str]:
    """Return the first month of what was told (0: no such month), and the precision.

    >>> _month({"quarter": "第三季度"}), _month({"name": "sept", "day": "3"}), _month({"half": "h2"}), _month({})
    ((7, 'quarter'), (9, 'day'), (7, 'half'), (1, 'year'))
    """
    if half := told.get("half"):
        return (1 if half in ("上半年", "h1") else 7), "half"
    if quarter := told.get("quarter"):
        number = next(place for place, digits in enumerate(("1一", "2二", "3三", "4四")) if set(digits) & set(quarter))
        return 3 * number + 1, "quarter"
    precision = "day" if told.get("day") else "month"
    if name := told.get("name"):
        return next((place for place, month in enumerate(_MONTHS, 1) if month.startswith(name)), 0), precision
    return (int(told["month"]), precision) if told.get("month") else (1, "year")


def _possible(year: int, month: int, day: int, value: object) -> datetime.date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InputError(f"found {_shown(value)}, which is in the year {year}, expected {FIRST_YEAR} to {LAST_YEAR}")
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise InputError(f"found {_shown(value)}, which no calendar has, expected {_DAY}") from None


def _plain(text: str) -> str:
    """Return text in one width, without invisible characters, with single spaces between words."""
    if len(text) > _LONGEST:
        raise InputError(f"found {_shown(text)} of {len(text)} characters, expected at most {_LONGEST}")
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).split())


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # NaN and NaT


def _is_number(value: Any, end: int) -> bool:
    return not isinstance(value, bool) and issubclass(type(value), Real) and bool(0 <= value < end)


def _refusal(value: object, expected: str) -> InputError:
    return InputError(f"found {_shown(value)}, expected {expected}")


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number of more than 18 digits"
    shown = repr(value)
    return shown if len(shown) <= 42 else f"{shown[:40]}..."


def _read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield place and cells of every row of a table with these columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != columns:
                raise InputError(f"{path}: found columns {reader.fieldnames}, expected {','.join(columns)}")
            for row in reader:
                place = f"{path}: line {reader.line_num}"
                if None in row or None in row.values():
                    raise InputError(f"{place}: expected {len(columns)} cells; mend the row")
                yield place, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a well-formed csv file in UTF-8 ({error}); mend or re-export it") from error
