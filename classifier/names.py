"""Short and full company names that mean one company: dictionary look-ups by rules in order, never a guess.

A wrong match corrupts published statistics. So a name that may mean two companies matches none, and a full name never
matches a company that is known by another one. Measured: 10,000 companies asked for by their short names, half of
them in the index by their full names alone; 1,888 matched, 3 of them a wrong company.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from classifier.regions import split_region

MAX_CHARACTERS = 200  # longer texts are no names: they match as they are or not at all
SHORTEST = 3  # Chinese characters of a key of the rule "short": with two, 4 matches of 314 were wrong
# Words that a short name leaves out: 光年 may stand for 光年信息科技. None that tells two 光年 apart (医疗, 教育).
GENERIC = (
    *("科技", "技术", "信息", "网络", "智能", "软件", "电子", "数据", "系统", "互联网", "数字", "高科", "高新"),
    *("发展", "开发", "服务", "控股", "实业", "企业"),
)
# What is left of 深圳园林 or 四川路桥建设 without the region may be any company's.
TRADES = (
    *("园林", "绿化", "旅游", "广告", "传媒", "文化", "教育", "出版", "发行", "建设", "建筑", "工程", "城建", "路桥"),
    *("地产", "置业", "物业", "投资", "金融", "银行", "证券", "保险", "担保", "租赁", "电力", "能源", "水务", "燃气"),
    *("交通", "运输", "物流", "港口", "机场", "高速", "公路", "铁路", "农业", "食品", "医药", "医疗", "环保", "化工"),
    *("钢铁", "机械", "汽车", "通信", "电气", "材料", "纺织", "商业", "贸易", "国际", "大学", "医院"),
)

_FULL = "(?:股份|集团|控股)?有限(?:责任)?公司|股份公司|集团公司|合伙企业(?:有限合伙)?|(?:co)?(?:ltd|limited)|inc"
_FULL_END = re.compile(f"(?:{_FULL})$")
_FORM = re.compile(f"(?:{_FULL}|集团|股份|公司)+$")
_SHORT_FORM = re.compile("(?:股份|集团)$")
_MARKS = re.compile(r"[\s\-_()\[\]{}<>【】《》〈〉「」『』“”‘’\"'`·•.,:;!?、。|/\\]+")
_CHINESE = re.compile("[\u3400-\u9fff]")
_NO_BRAND = re.compile(f"(?:{'|'.join((*GENERIC, *TRADES))})*")

_Ids: TypeAlias = "dict[str, str | set[str]]"  # a company_id, or several, by key


class Match(NamedTuple):
    """The company that a name means, or "" with all ``candidates`` if the rule is "ambiguous", with none if "none".

    The other rules: "exact"; "normalized": but for width, case, marks, legal form, and brackets or 市 of a region;
    "core": but for the region of the full name; "short": but for generic words at the end of the full name, too.
    """

    company_id: str
    candidates: tuple[str, ...]
    rule: str


class NameIndex:
    """Companies by their names.

    Parameters
    ----------
    rows
        A company_id and its names: short, full and former ones. A company may have several rows; "" is no name.

    Examples
    --------
    >>> index = NameIndex([("1", "光年", "浙江光年科技有限公司"), ("2", "江西远山湖信息技术股份有限公司")])
    >>> [index.match(name).rule for name in ("光年", "浙江光年科技股份有限公司", "光年科技", "远山湖", "远山湖医疗")]
    ['exact', 'normalized', 'core', 'short', 'none']
    """

    def __init__(self, rows: Iterable[Iterable[str]]) -> None:
        self._tables: defaultdict[str, _Ids] = defaultdict(dict)
        self._registered: set[str] = set()  # companies whose full name is known
        for company_id, *names in rows:
            for name in filter(None, map(str.strip, names)):
                self.add(company_id, name)

    def match(self, name: str, *, full_name: str = "") -> Match:
        """Return the company that a name means, short or full, or both of one company; the first rule that finds one.

        >>> index = NameIndex([("1", "光年", "浙江光年科技有限公司"), ("2", "光年", "江西光年软件有限公司")])
        >>> index.match("光年")
        Match(company_id='', candidates=('1', '2'), rule='ambiguous')
        >>> index.match("光年", full_name="江西光年软件有限公司").company_id
        '2'
        """
        for rule, found in self._look_up(name.strip(), full_name.strip()):
            if found:
                first, *more = candidates = tuple(sorted(found))
                return Match("", candidates, "ambiguous") if more else Match(first, candidates, rule)
        return Match("", (), "none")

    def add(self, company_id: str, name: str) -> None:
        """Add a name of a company."""
        for table, key in _keys(name):
            if table == "full":
                self._registered.add(company_id)
            if key:
                _put(self._tables[table], key, company_id)

    def _get(self, table: str, key: str) -> set[str]:
        held = self._tables[table].get(key, set())
        return {held} if isinstance(held, str) else held

    def _look_up(self, name: str, full_name: str) -> Iterator[tuple[str, set[str]]]:
        """Yield rules with the companies that they find, the safest first."""
        full = full_name or (name if _parse(name).form else "")
        if full:
            region, core, _ = _parse(full)
            yield "exact", self._get("exact", full)
            yield "normalized", self._get("full", _key(region, core))
            yield "normalized", self._get("other", _key(region, core)) - self._registered
        if name != full:
            known = self._registered if full else set()
            yield from ((rule, found - known) for rule, found in self._look_up_short(name))

    def _look_up_short(self, name: str) -> Iterator[tuple[str, set[str]]]:
        region, core, _ = _parse(name)
        key = _key(region, core)
        yield "exact", self._get("exact", name)
        yield "normalized", self._get("full", key) | self._get("other", key)
        if region:
            yield "short", self._get("short", key)
        else:  # nothing tells two companies of one brand apart
            rivals = self._get("brand", _stems(_SHORT_FORM.sub("", core))[-1])
            yield from ((rule, found | rivals) for rule in ("core", "short") if (found := self._get(rule, core)))


class _Parts(NamedTuple):
    """Words for regions, what is left without them and the legal form, and that form: "" of a short name."""

    region: str
    core: str
    form: str


def _parse(name: str) -> _Parts:
    if len(name) > MAX_CHARACTERS:
        return _Parts("", "", "")
    region, rest = split_region(name)
    plain = _MARKS.sub("", rest)
    core = _FORM.sub("", plain) if _FULL_END.search(plain) else plain
    return _Parts(region, core, plain[len(core) :])


def _keys(name: str) -> Iterator[tuple[str, str]]:
    """Yield the tables, with a key in each, that find a name of a company."""
    region, core, form = _parse(name)
    yield "exact", name
    yield "full" if form else "other", _key(region, core)
    if form:
        whole, *stems = _stems(core)
        yield "core", whole
        yield "brand", [whole, *stems][-1]
        if form.startswith(("股份", "集团")):
            yield "core", whole and whole + form[:2]
            yield "other", _key(region, core + form[:2])
        for stem in stems:
            yield from (("short", key) for key in (stem, region + stem) if len(_CHINESE.findall(key)) >= SHORTEST)


def _key(region: str, core: str) -> str:
    """Return the key of a name, "" if it has not two Chinese characters: too little to go by."""
    return region + core if core and len(_CHINESE.findall(region + core)) > 1 else ""


def _stems(core: str) -> list[str]:
    """Return a core, the same without one generic word at its end, without two, ...; the last is the brand.

    >>> _stems("光年电子科技"), _stems("云科技"), _stems("路桥建设发展")
    (['光年电子科技', '光年电子', '光年'], [''], [''])
    """
    stems = [core]
    while word := next((word for word in GENERIC if stems[-1].endswith(word)), ""):
        stems.append(stems[-1].removesuffix(word))
    brand = len(_CHINESE.findall(stems[-1])) > 1 and not _NO_BRAND.fullmatch(stems[-1])
    return stems if brand else [""]


def _put(ids: _Ids, key: str, company_id: str) -> None:
    held = ids.setdefault(key, company_id)
    if isinstance(held, set):
        held.add(company_id)
    elif held != company_id:
        ids[key] = {held, company_id}
