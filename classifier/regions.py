"""Province, city and area of a company, read from its columns, its address or its name: own tables, never a guess.

``reference/regions.csv`` holds the provinces, the prefecture-level cities, the counties that a province administers
itself, and foreign countries. Their other names stand in the column ``names``; those under ``words`` are ordinary words
as well (东方, 大同) and count only as a whole text or right behind their province. ``reference/districts.csv`` holds
the districts and counties of each city since 2008, and the short names that are known nationwide (昆山). A name that
several cities share (朝阳区) tells none of them, unless the province is known.
"""

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from classifier.errors import SchemeError
from classifier.resources import labeled_folder

ABROAD = "海外"  # stands among the provinces of regions.csv
PROVINCE, CITY, ADDRESS, NAME = "province column", "city column", "address", "name"

_BETWEEN = re.compile(r"(?:[\W_]|中国|自由贸易试验区|自贸试验区|自贸区)*")
_KIND_OF_REGION = re.compile(r"自治区|[省市区县\W]")
_BRACKET = re.compile(r"\(([^()]*)\)")
_WITHIN_A_WORD = re.compile("区[块域]|县域|市场|[a-z][a-z]")  # 海南区块链, 东方市场: no 海南区, no 东方市
# Not in names: of 15,500 companies none is called after a street, but 30 go on with 路 or 道 behind their city.
_STREET = re.compile("[东南西北中]?[一二三四五六七八九]?(?:大?[路街道]|巷|胡同|大厦|广场)(?![里外南北江桥]?区)")


class Place(NamedTuple):
    """A province by its short name and a city by its full one; "" where it is not known."""

    province: str = ""
    city: str = ""


class Region(NamedTuple):
    """Where a company is: ``area`` as the National Bureau of Statistics groups the mainland's provinces.

    ``area`` is east, central, west, northeast, or "" (unknown, Hong Kong, Macao, Taiwan). ``rule`` says where the
    province was read: "province column", "city column", "address", "name"; "abroad" (province "") or "" (unknown).
    ``conflict`` lists the less trusted evidence that contradicts, "" if none does.
    """

    province: str = ""
    city: str = ""
    area: str = ""
    rule: str = ""
    conflict: str = ""


class Gazetteer(NamedTuple):
    """Places by name; ``lengths``: of the names that begin with two characters, longest first."""

    places: Mapping[str, tuple[Place, ...]]
    words: frozenset[str]
    areas: Mapping[str, str]
    lengths: Mapping[str, tuple[int, ...]]


@lru_cache(maxsize=1)
def load_gazetteer() -> Gazetteer:
    """Return the shipped tables.

    Raises
    ------
    SchemeError
        If districts.csv names a city that regions.csv does not have.

    >>> load_gazetteer().places["鼓楼区"][0], load_gazetteer().areas["重庆"]
    (Place(province='江苏', city='南京市'), 'west')
    """
    folder = labeled_folder() / "reference"
    places: defaultdict[str, list[Place]] = defaultdict(list)
    words: set[str] = set()
    areas: dict[str, str] = {}
    cities: dict[str, Place] = {}
    for row in _rows(folder / "regions.csv"):
        place = Place(row["province"], row["city"])
        cities[place.city] = place
        areas.setdefault(place.province, row["area"])
        words |= _names(row["words"])
        for name in {place.city or place.province} | _names(row["names"]) | _names(row["words"]):
            places[name].append(place)
    for row in _rows(folder / "districts.csv"):
        if row["city"] not in cities:
            raise SchemeError(f"{folder / 'districts.csv'}: city {row['city']!r} is not in regions.csv; correct it")
        for name in _names(row["districts"]):
            places[name].append(cities[row["city"]])
    found = {name: tuple(held) for name, held in places.items()}
    return Gazetteer(found, frozenset(words), areas, _lengths(found))


def read_region(*, province: str = "", city: str = "", address: str = "", name: str = "") -> Region:
    """Return the region that the most trusted text tells: province column, city column, address, full company name.

    Less trusted texts add a city of the same province; where they contradict, ``conflict`` says so. In addresses and
    names the leading region counts (北京市朝阳区, not 朝阳区; no streets), in names a bracketed one before it.

    >>> read_region(province="广东省", name="深圳市光年科技股份有限公司")
    Region(province='广东', city='深圳市', area='east', rule='province column', conflict='')
    >>> read_region(province="广东", city="苏州市").conflict
    'city column: 江苏 苏州市'
    >>> read_region(address="朝阳区建国路1号").province, read_region(province="开曼群岛").rule
    ('', 'abroad')
    """
    readings: list[tuple[str, Place]] = []
    for source, text in _evidence(province, city, address, name):
        known = readings[0][1].province if readings else ""
        place, _ = _read(text, source, known)
        if place.province:
            readings.append((source, place))
    return _combine(readings) if readings else Region()


def split_region(name: str) -> tuple[str, str]:
    """Return the words for regions of a company's name, and the name without them; both in half width and lower case.

    >>> split_region("光年（苏州）科技有限公司"), split_region("深圳市南山区光年科技有限公司")
    (('苏州', '光年科技有限公司'), ('深圳南山', '光年科技有限公司'))
    """
    folded, bracketed = _fold(name), ""
    for bracket in _BRACKET.finditer(folded):
        if _read(bracket[1], NAME, "")[0].province:
            bracketed = bracket[1]
            folded = folded[: bracket.start()] + folded[bracket.end() :]
            break
    _, end = _read(folded, NAME, "")
    return _KIND_OF_REGION.sub("", folded[:end] + bracketed), folded[end:]


def _evidence(province: str, city: str, address: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the texts that may tell a region with their kind, most trusted first."""
    for source, text in ((PROVINCE, province), (CITY, city), (ADDRESS, address)):
        if text:
            yield source, _fold(text)
    if name:
        folded = _fold(name)
        yield from ((NAME, content) for content in _BRACKET.findall(folded))
        yield NAME, folded


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _read(text: str, source: str, known: str) -> tuple[Place, int]:
    """Return the place at the beginning of a folded text, and where its names end.

    Names are read as long as each lies in the one before; ``known`` is the province that a more trusted text told.
    """
    gazetteer = load_gazetteer()
    found, end = Place(), 0
    while name := _name_at(text, start := _skip(text, end), gazetteer):
        stop = start + len(name)
        word = name in gazetteer.words and not found.province and stop < len(text)
        street = source != NAME and name[-1] not in "省市区县旗盟" and _STREET.match(text, stop)
        if word or street:
            break
        told = bool(found.province or (source == CITY and known))
        place = _choose(gazetteer.places[name], found, known, told)
        if not place.province:
            break
        found, end = place, stop
    return found, end


def _skip(text: str, start: int) -> int:
    return _BETWEEN.match(text, start).end()  # type: ignore[union-attr]  # it matches nothing, too


def _name_at(text: str, start: int, gazetteer: Gazetteer) -> str:
    for length in gazetteer.lengths.get(text[start : start + 2], ()):
        name = text[start : start + length]
        if name in gazetteer.places and not _WITHIN_A_WORD.match(text, start + length - 1):
            return name
    return ""


def _choose(places: tuple[Place, ...], found: Place, known: str, told: bool) -> Place:
    """Return the one place of a name: within what was read before, else in the known province, else anywhere.

    吉林 is the province first, and the city once the province is told. Cities of one province tell the province.
    """
    if found.city:
        return found if found in places else Place()
    within = found.province or known
    fitting = [place for place in places if place.province == within]
    if not fitting:
        if found.province:
            return Place()
        fitting = list(places)
    fitting = [place for place in fitting if bool(place.city) == told] or fitting
    if len(fitting) == 1:
        return fitting[0]
    provinces = {place.province for place in fitting}
    return Place(provinces.pop()) if len(provinces) == 1 else Place()


def _combine(readings: list[tuple[str, Place]]) -> Region:
    rule, (province, _) = readings[0]
    city = next((place.city for _, place in readings if place.province == province and place.city), "")
    against = [
        f"{source}: {' '.join(filter(None, place))}"
        for source, place in readings[1:]
        if place.province != province or place.city not in ("", city)
    ]
    conflict = "; ".join(against)
    if province == ABROAD:
        return Region(rule="abroad", conflict=conflict)
    return Region(province, city, load_gazetteer().areas[province], rule, conflict)


def _lengths(names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for name in names:
        lengths[name[:2]].add(len(name))
    return {begin: tuple(sorted(held, reverse=True)) for begin, held in lengths.items()}


def _names(cell: str) -> set[str]:
    return {name.casefold() for name in cell.split("、") if name}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
