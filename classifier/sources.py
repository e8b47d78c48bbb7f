"""Files of companies, events, listings and the rest in, the frames that tables are made from out.

Columns are found by the headers of the usual exports; a header's brackets may hold the unit (``首发募集资金(亿元)``).
Rows of one company are joined by its id, or else by name (`classifier.names`). Every row that cannot be used is a
`Problem`.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from classifier.domains import Scheme
from classifier.entries import FIRST_OFFER
from classifier.errors import InputError
from classifier.finance import Amount, Rates, read_amount, read_day, read_round
from classifier.listed import PATENTS, RESEARCH
from classifier.names import NameIndex
from classifier.records import TEXT_HEADERS, Batch, cell_text, join_texts, open_table, plain_header
from classifier.regions import read_region
from classifier.scoring import Label
from classifier.study import DOMESTIC, Sources

HEADERS: Mapping[str, tuple[str, ...]] = {
    "company_id": (
        *("company_id", "统一社会信用代码", "统一信用代码", "信用代码", "证券代码", "股票代码", "企业代码", "code"),
        *("工商注册id", "id"),
    ),
    "name": (
        *("融资方", "证券简称", "股票简称", "企业简称", "公司简称", "简称", "项目名称", "名称", "企业名称", "公司名称"),
        *("公司", "企业", "name", "company", "company_name"),
    ),
    "full_name": ("公司全称", "企业全称", "全称", "公司名称", "企业名称", "工商", "full_name", "fullname"),
    "province": ("省份", "所在省份", "省", "地区", "所在地", "province", "region"),
    "city": ("城市", "所在城市", "市", "city"),
    "address": ("地址", "注册地址", "公司地址", "企业地址", "办公地址", "address"),
    "label": ("人工标签", "标签", "人工分类", "label"),
    "domain": ("domain", "domain_name", "工业互联网分类", "领域"),
    "status": ("status",),
    "model": ("model",),
    "date": ("融资时间", "上市日期", "发行日期", "日期", "时间", "list_date", "date"),
    "round": ("轮次", "融资轮次", "最新一轮融资轮次", "round"),
    "amount": (
        *("金额", "融资金额", "募资金额", "募集资金", "首发募集资金", "首发募资总额", "募资总额", "募集资金总额"),
        *("ipo规模", "amount"),
    ),
    "investors": ("投资方", "投资机构", "机构", "investors"),
    "channel": ("融资方式", "发行方式", "渠道", "channel"),
    "board": ("上市板块", "交易板块", "板块", "board"),
    "market": ("股票市场", "市场", "market"),
    "currency": ("币种", "currency"),
    "price": ("发行价格", "发行价", "增发价格", "配股价格", "price"),
    "shares": ("发行股数", "发行数量", "增发数量", "实际配股数量", "配股数量", "shares"),
    "year": ("年份", "年度", "year", "日期", "date"),
    "market_value": ("总市值", "市值", "market_value"),
    "first_listed": ("上榜时间", "首次上榜时间", "first_listed"),
    "round_date": ("最新一轮融资日期", "round_date"),
    "valuation": ("最新估值", "估值", "valuation"),
}
MARKETS = {
    **dict.fromkeys(("科创板", "主板", "中小板", "创业板", "北交所"), DOMESTIC),
    "港交所": "港股",
    **dict.fromkeys(("纳斯达克", "纽交所", "美交所"), "中概股"),
}
CHANNELS = {
    **dict.fromkeys(("首发", "ipo", "首次公开发行", ""), FIRST_OFFER),
    **dict.fromkeys(("增发", "定向增发", "定增", "公开增发", "非公开发行"), "增发"),
    **dict.fromkeys(("配股",), "配股"),
    **dict.fromkeys(("可转债", "可转换公司债券", "转债"), "可转债"),
}
_BETWEEN_INVESTORS = re.compile(r"[、,;/|，；\t\n]|(?<=[\u4e00-\u9fff）)])\s+|\s+(?=[\u4e00-\u9fff])")
NOBODY = frozenset({"", "未披露", "未披露机构", "未透露", "无", "-", "公开发行", "投资方未知", "未知"})


Judge = Callable[[Sequence[str]], Sequence[Label]]  # labels descriptions


class Problem(NamedTuple):
    """A cell or row that could not be used: file, row (1 is the first below the header), column, cell and reason."""

    file: str
    row: int
    column: str
    cell: str
    reason: str


@dataclass
class Grid:
    """A file in memory: cells by canonical column (`HEADERS`), and the unit in the header's brackets."""

    path: str
    columns: dict[str, list[Any]]
    units: dict[str, str]
    rows: int
    problems: list[Problem] = field(default_factory=list)
    others: dict[str, list[Any]] = field(default_factory=dict)

    def texts(self, column: str) -> list[str]:
        """Return a column as text without spaces around; one that is not there as empty cells."""
        return [cell_text(cell).strip() for cell in self.columns.get(column, [None] * self.rows)]

    def read(self, column: str, reader: Callable[[Any], Any]) -> list[Any]:
        """Return what a reader makes of every cell; a cell that it refuses is None and a problem."""
        return [self.read_one(row, column, cell, reader) for row, cell in enumerate(self.columns[column], 1)]

    def read_one(self, row: int, column: str, cell: Any, reader: Callable[[Any], Any]) -> Any:
        """Return what a reader makes of a cell, or None: a problem."""
        try:
            return reader(cell)
        except InputError as error:
            self.report(row, column, cell, str(error))
            return None

    def report(self, row: int, column: str, cell: Any, reason: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(self.path, row, column, cell_text(cell), reason))


def read_grid(path: str, wanted: Iterable[str], needed: Iterable[str], **options: Any) -> Grid:
    """Return the columns of a file that are wanted; ``options`` are those of `open_table`.

    Raises
    ------
    InputError
        If the file cannot be read, or one of the needed columns is not found.
    """
    cells: dict[str, list[Any]] = {}
    with open_table(path, **options) as table:
        columns = list(table.columns)
        cells = {column: [] for column in columns}
        rows = 0
        for batch in table.batches:
            rows += batch.rows
            for column in columns:
                cells[column].extend(batch.cells(column))
        problems = [Problem(path, row.line, "", cell_text(row.cells), row.reason) for row in table.rejected]
    found = find_columns(columns, wanted)
    for column in needed:
        if column not in found:
            names = "、".join(HEADERS[column][:6])
            raise InputError(f"{path}: no column for {column}; found {', '.join(columns)}. Name one of them {names}")
    units = {column: _unit(header) for column, header in found.items()}
    taken = {column: cells[header] for column, header in found.items()}
    return Grid(path, taken, units, rows, problems, cells)


def find_columns(columns: Sequence[str], wanted: Iterable[str]) -> dict[str, str]:
    """Return the header of every canonical column (`HEADERS`) that is there: the first usual one counts."""
    heads = {plain_header(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for column in wanted:
        known = [heads[head] for head in HEADERS[column] if head in heads]
        if known:
            found[column] = known[0]
    return found


def _unit(header: str) -> str:
    """Return what stands in the last brackets of a header.

    >>> _unit("首发募集资金（亿元）"), _unit("主营业务")
    ('亿元', '')
    """
    folded = unicodedata.normalize("NFKC", header)
    return folded[folded.rfind("(") + 1 : -1] if folded.endswith(")") and "(" in folded else ""


def read_companies(grid: Grid, scheme: Scheme, judge: Judge | None = None) -> pd.DataFrame:
    """Return the frame of companies; ``text`` holds their descriptions, "" where there are none.

    A company's id is its code, or else its name. Rows that repeat an id are problems; the first one stays. Companies
    without the columns of ``gonglian score`` are labelled by ``judge``.

    Raises
    ------
    InputError
        If there is no label, no domain with its status, and no description to judge.
    """
    names, full_names = grid.texts("name"), grid.texts("full_name")
    ids = [code or name or full for code, name, full in zip(grid.texts("company_id"), names, full_names, strict=True)]
    texts = descriptions_of(grid)
    frame = pd.DataFrame(
        {
            "company_id": ids,
            "name": [name or full or code for name, full, code in zip(names, full_names, ids, strict=True)],
            "full_name": full_names,
            **regions_of(grid, full_names),
            "text": texts or "",
            **_predictions(grid, scheme, texts, judge),
            "label": read_codes(grid, "label", scheme),
        }
    )
    return frame[_kept(grid, frame)].reset_index(drop=True)


def descriptions_of(grid: Grid) -> list[str]:
    """Return one description a company, or nothing if there is no column with one."""
    headers = [header for header in grid.others if plain_header(header) in TEXT_HEADERS]
    return join_texts(Batch(grid.others, grid.rows), headers).to_pylist() if headers else []


def _predictions(grid: Grid, scheme: Scheme, texts: Sequence[str], judge: Judge | None) -> dict[str, list[str]]:
    if {"domain", "status"} <= set(grid.columns):
        return {
            "domain": read_codes(grid, "domain", scheme),
            "status": grid.texts("status"),
            "model": grid.texts("model"),
        }
    if texts and judge:
        labels = judge(texts)
        return {
            "domain": [label.domain for label in labels],
            "status": [label.status for label in labels],
            "model": [""] * grid.rows,
        }
    if "label" in grid.columns:
        return {column: [""] * grid.rows for column in ("domain", "status", "model")}
    raise InputError(
        f"{grid.path}: no column label, no columns domain and status, and no description; found "
        f"{', '.join(grid.others)}. Label the companies first: gonglian score {grid.path} -o labelled.xlsx"
    )


def regions_of(grid: Grid, full_names: Sequence[str]) -> dict[str, list[str]]:
    """Return province and city of every company; where columns contradict each other is a problem."""
    columns = (grid.texts("province"), grid.texts("city"), grid.texts("address"), full_names)
    found: dict[str, list[str]] = {"province": [], "city": []}
    for row, (province, city, address, name) in enumerate(zip(*columns, strict=True), 1):
        region = read_region(province=province, city=city, address=address, name=name)
        if region.conflict:
            grid.report(row, "province", province, f"contradicts the {region.conflict}; the more trusted one counts")
        found["province"].append(region.province)
        found["city"].append(region.city)
    return found


def read_codes(grid: Grid, column: str, scheme: Scheme) -> list[str]:
    """Return a column of labels as codes; names of the scheme, and the report's 网络及标识, are understood."""

    def code(cell: Any) -> str:
        text = cell_text(cell).strip()
        found = scheme.find_code(text) if text else ""
        if found is None:
            raise InputError(f"label {text!r} is not one of {', '.join(scheme.codes)} or their Chinese names")
        return found

    if column not in grid.columns:
        return [""] * grid.rows
    return [found or "" for found in grid.read(column, code)]


def _kept(grid: Grid, frame: pd.DataFrame) -> list[bool]:
    """Return which rows are companies: those with an id that has not come before, and with a label."""
    seen: set[str] = set()
    kept = []
    rows = zip(frame["company_id"], frame["domain"] + frame["label"], strict=True)
    for row, (company, label) in enumerate(rows, 1):
        reason = _fault(company, label, seen)
        if reason:
            grid.report(row, "company_id", company, reason)
        seen.add(company)
        kept.append(not reason)
    return kept


def _fault(company: str, label: str, seen: Container[str]) -> str:
    if not company:
        return "has neither a code nor a name; fill in one of them"
    if company in seen:
        return "this company has come before; keep one row of it"
    return "" if label else "has no label; score it first, or fill in one"


class Directory:
    """Finds the company that a row of another file means, among those that are labelled."""

    def __init__(self, companies: pd.DataFrame) -> None:
        self.ids = set(companies["company_id"])
        self.index = NameIndex(zip(companies["company_id"], companies["name"], companies["full_name"], strict=True))

    def find(self, grid: Grid) -> list[str]:
        """Return the company_id of every row, "" where there is none; that is a problem of the row."""
        found = []
        columns = (grid.texts("company_id"), grid.texts("name"), grid.texts("full_name"))
        for row, (code, name, full) in enumerate(zip(*columns, strict=True), 1):
            company = code if code in self.ids else ""
            if not company:
                match = self.index.match(name, full_name=full)
                company = match.company_id
                if match.candidates and not company:
                    reason = f"could be {' or '.join(match.candidates[:5])}; give its company_id"
                    grid.report(row, "name", name or full, reason)
                elif not company:
                    grid.report(row, "name", name or full or code, "is not among the companies")
            found.append(company)
        return found


def read_events(grid: Grid, directory: Directory, rates: Rates) -> pd.DataFrame:
    """Return the frame of financing events; those whose date cannot be read are problems and left out."""
    events = understand_events(grid, rates)
    events.insert(0, "company_id", directory.find(grid))
    return events[events["date"].notna()].reset_index(drop=True)


def understand_events(grid: Grid, rates: Rates) -> pd.DataFrame:
    """Return what dates, rounds, amounts and investors of all events mean; what cannot be read is a problem."""
    days = grid.read("date", read_day)
    rounds = grid.read("round", read_round)
    amounts = _amounts(grid, "amount", rates, [day and day.date for day in days])
    return pd.DataFrame(
        {
            "date": pd.to_datetime([day and day.date for day in days]),
            "precision": [day.precision if day else "" for day in days],
            "round": [one.code if one else "" for one in rounds],
            "group": [one.group if one else "unknown" for one in rounds],
            **_amount_columns(amounts),
            "investors": [_investors(cell) for cell in grid.texts("investors")],
        }
    )


def _amounts(grid: Grid, column: str, rates: Rates, days: Sequence[Any]) -> list[Amount | None]:
    unit = grid.units.get(column) or None
    cells = grid.columns.get(column, ["未披露"] * grid.rows)
    rows = enumerate(zip(cells, days, grid.texts("currency"), strict=True), 1)
    return [
        grid.read_one(row, column, cell, partial(read_amount, rates=rates, on=day, unit=_unit_in(unit, currency)))
        for row, (cell, day, currency) in rows
    ]


def _unit_in(unit: str | None, currency: str) -> str | None:
    """Return a header's unit in the currency of the row: 亿元 and 美元 make 亿美元."""
    return f"{unit.removesuffix('元')}{currency}" if unit and currency else unit


def _amount_columns(amounts: Sequence[Amount | None]) -> dict[str, list[Any]]:
    nothing = float("nan")
    return {
        "amount_low_wan": [one.low_wan if one else nothing for one in amounts],
        "amount_wan": [one.point_wan if one else nothing for one in amounts],
        "amount_high_wan": [one.high_wan if one else nothing for one in amounts],
        "published": [bool(one and one.published) for one in amounts],
        "currency": [one.currency if one else "" for one in amounts],
        "rule": [one.rule if one else "" for one in amounts],
    }


def _investors(cell: str) -> tuple[str, ...]:
    """Return the investors of a cell; those not named are left out.

    They stand between 、 and the like, or between spaces of which at least one side is Chinese.

    >>> _investors("深创投 达晨、Lightspeed Venture, 红杉资本 未披露")
    ('深创投', '达晨', 'Lightspeed Venture', '红杉资本')
    """
    names = (name.strip() for name in _BETWEEN_INVESTORS.split(cell))
    return tuple(dict.fromkeys(name for name in names if name not in NOBODY))


def read_listings(grid: Grid, directory: Directory, rates: Rates) -> pd.DataFrame:
    """Return the frame of listings and refinancings.

    The channel is a first offer where the file does not say; the market follows from the board. An amount that is not
    given is price times shares. Rows without a date that can be read are problems and left out.
    """
    days = grid.read("date", read_day)
    channels = [CHANNELS.get(text.lower()) for text in grid.texts("channel")]
    boards = [board.rpartition("-")[2] for board in grid.texts("board")]
    amounts = _amounts(grid, "amount", rates, [day and day.date for day in days])
    frame = pd.DataFrame(
        {
            "company_id": directory.find(grid),
            "name": [name or code for name, code in zip(grid.texts("name"), grid.texts("company_id"), strict=True)],
            "date": pd.to_datetime([day and day.date for day in days]),
            "channel": channels,
            "market": [
                said or MARKETS.get(board, "") for said, board in zip(grid.texts("market"), boards, strict=True)
            ],
            "board": boards,
            "amount_wan": [one.point_wan if one else float("nan") for one in amounts],
        }
    )
    placed = _price_times_shares(grid)
    frame["amount_wan"] = frame["amount_wan"].fillna(placed)
    said = grid.texts("channel")
    for row, (channel, market) in enumerate(zip(channels, frame["market"], strict=True), 1):
        if channel is None:
            grid.report(row, "channel", said[row - 1], f"expected one of {', '.join(filter(None, CHANNELS))}")
        if not market:
            grid.report(row, "board", boards[row - 1], f"of no known market; expected one of {', '.join(MARKETS)}")
    return frame[frame["date"].notna() & frame["channel"].notna() & (frame["market"] != "")].reset_index(drop=True)


def _price_times_shares(grid: Grid) -> pd.Series:
    """Return price (in 元) times shares (in the unit of the header: 股 or 万股) in 万元, NaN where one is not given."""
    price, shares = (pd.to_numeric(pd.Series(grid.texts(name)), errors="coerce") for name in ("price", "shares"))
    return price * shares / (1 if grid.units.get("shares", "").startswith("万") else 10_000)


def read_market_values(grid: Grid, directory: Directory, rates: Rates) -> pd.DataFrame:
    """Return the frame of market values: one row a company and year end."""
    days = grid.read("year", read_day)
    unit = grid.units.get("market_value") or None
    values = grid.read("market_value", lambda cell: read_amount(cell, rates=rates, unit=unit))
    frame = pd.DataFrame(
        {
            "company_id": directory.find(grid),
            "board": grid.texts("board"),
            "year": [day.date.year if day else None for day in days],
            "market_value_wan": [value.point_wan if value else None for value in values],
        }
    )
    return frame.dropna(subset=["year", "market_value_wan"]).reset_index(drop=True)


def read_indicators(grid: Grid, directory: Directory) -> pd.DataFrame:
    """Return the frame of indicators, from a file with a column each: R&D staff and expense, patents by kind."""
    heads = {plain_header(header): header for header in grid.others}
    days, companies, boards = grid.read("year", read_day), directory.find(grid), grid.texts("board")
    parts = []
    for indicator in (*RESEARCH, *PATENTS):
        header = heads.get(plain_header(indicator))
        if header is None:
            continue
        grid.columns[indicator] = grid.others[header]
        parts.append(
            pd.DataFrame(
                {
                    "company_id": companies,
                    "board": boards,
                    "year": [day.date.year if day else None for day in days],
                    "indicator": indicator,
                    "value": grid.read(indicator, _number),
                }
            )
        )
    if not parts:
        raise InputError(f"{grid.path}: none of the columns {', '.join((*RESEARCH, *PATENTS))}; name at least one so")
    return pd.concat(parts).dropna(subset=["year", "value"]).astype({"year": int}).reset_index(drop=True)


def _number(cell: Any) -> float | None:
    text = cell_text(cell).replace(",", "").removesuffix("%").strip()
    if text in NOBODY:
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{cell!r} is not a number; correct it or leave the cell empty") from None


def read_valuations(grid: Grid, directory: Directory, rates: Rates) -> pd.DataFrame:
    """Return the frame of valuations in 100 million USD."""
    columns = [name for name in ("first_listed", "round_date") if name in grid.columns]
    days = {name: [day and day.date for day in grid.read(name, read_day)] for name in columns}
    days |= {name: [None] * grid.rows for name in ("first_listed", "round_date") if name not in days}
    unit = grid.units.get("valuation") or None
    values = grid.read("valuation", lambda cell: read_amount(cell, rates=rates, unit=unit))
    usd = rates.rmb_per("USD", None)
    rounds = grid.read("round", read_round) if "round" in grid.columns else [None] * grid.rows
    return pd.DataFrame(
        {
            "company_id": directory.find(grid),
            "first_listed": pd.to_datetime(days["first_listed"]),
            "region": grid.texts("province"),
            "round": [one.code if one else "" for one in rounds],
            "round_date": pd.to_datetime(days["round_date"]),
            "valuation_usd": [value.point_wan / usd / 10_000 if value else None for value in values],
        }
    ).dropna(subset="valuation_usd")


_SHARED = ("company_id", "name", "full_name")
_REGION = ("province", "city", "address")
WANTED = {
    "companies": (*_SHARED, *_REGION, "domain", "status", "model", "label"),
    "events": (*_SHARED, "date", "round", "amount", "currency", "investors"),
    "listings": (*_SHARED, "date", "channel", "market", "board", "amount", "currency", "price", "shares"),
    "market_values": (*_SHARED, "board", "year", "market_value"),
    "indicators": (*_SHARED, "board", "year"),
    "valuations": (*_SHARED, "province", "first_listed", "round", "round_date", "valuation"),
}
NEEDED = {
    "companies": (),
    "events": ("name", "date", "round"),
    "listings": ("date", "board"),
    "market_values": ("year", "market_value"),
    "indicators": ("year",),
    "valuations": ("valuation",),
}


def read_sources(
    paths: Mapping[str, str], scheme: Scheme, rates: Rates, judge: Judge | None = None
) -> tuple[Sources, list[Problem]]:
    """Return the frames of files by kind (a key of `WANTED`; companies must be among them), and what cannot be used.

    ``judge`` labels the descriptions of companies that have no label yet.

    Raises
    ------
    InputError
        If a file cannot be read or lacks a column that is needed.
    """
    grid = read_grid(paths["companies"], WANTED["companies"], NEEDED["companies"])
    companies = read_companies(grid, scheme, judge)
    frames, problems = read_facts({kind: path for kind, path in paths.items() if kind != "companies"}, companies, rates)
    return Sources(companies, **frames), grid.problems + problems


def read_facts(
    paths: Mapping[str, str], companies: pd.DataFrame, rates: Rates, listings: pd.DataFrame | None = None
) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    """Return the frames of what is known of companies, by kind, and what cannot be used.

    ``listings`` tell the boards of companies where no file of listings is given.

    Raises
    ------
    InputError
        If a file cannot be read or lacks a column that is needed.
    """
    grids = {kind: read_grid(path, WANTED[kind], NEEDED[kind]) for kind, path in paths.items()}
    directory = Directory(companies)
    readers: dict[str, Callable[[Grid], pd.DataFrame]] = {
        "events": lambda grid: read_events(grid, directory, rates),
        "listings": lambda grid: read_listings(grid, directory, rates),
        "market_values": lambda grid: read_market_values(grid, directory, rates),
        "indicators": lambda grid: read_indicators(grid, directory),
        "valuations": lambda grid: read_valuations(grid, directory, rates),
    }
    frames = {kind: readers[kind](grid) for kind, grid in grids.items()}
    _fill_boards(frames, frames.get("listings", listings))
    return frames, [problem for grid in grids.values() for problem in grid.problems]


def _fill_boards(frames: Mapping[str, pd.DataFrame], listings: pd.DataFrame | None) -> None:
    """Give market values and indicators without a board the one on which the company was listed."""
    if listings is None:
        return
    first = listings[(listings["channel"] == FIRST_OFFER) & (listings["company_id"] != "")]
    boards = first.drop_duplicates("company_id").set_index("company_id")["board"]
    for kind in ("market_values", "indicators"):
        if kind in frames:
            frame = frames[kind]
            frame["board"] = frame["board"].where(frame["board"] != "", frame["company_id"].map(boards).fillna(""))
