import csv
import io
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import pages, report
from classifier.correction import Confusion
from classifier.domains import load_scheme
from classifier.errors import OutputError
from classifier.finance import read_rates
from classifier.numerals import interval_text, number_text
from classifier.report import Edition, csv_bytes, grid, page, table_text, workbook, write_report, write_tables
from classifier.sources import Problem
from classifier.study import FIGURE_COLUMNS, Comparison
from classifier.survey import Survey
from tests.samples import (
    DOMAINS,
    change,
    domains,
    draw,
    market_value,
    missing,
    months,
    overseas,
    province_domains,
    research,
    row,
    sample_tables,
    table,
)

FACTS = {"模型": "default", "企业名单": "companies.csv，3,210行"}
VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would see: elements that are all closed, texts, and what is asked from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts, self.rows = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and {"td", "th"} & set(self.open):
            self.rows[-1].append(data.strip())

    def tags(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]


def edition(*tables, figures=(), facts=FACTS):
    return Edition(tables, figures, 2020, 2019, load_scheme(), facts)


@pytest.fixture(scope="module")
def whole():
    tables = sample_tables()
    return edition(*tables, figures=draw(*tables))


@pytest.fixture(scope="module")
def written(whole):
    return Page(page(whole))


@pytest.fixture(scope="module")
def book(whole):
    return openpyxl.load_workbook(io.BytesIO(workbook(whole)))


def write(folder, *tables, figures=(), problems=()):
    years = {"year": 2020, "against": 2019}
    return write_report(tables, figures, folder, **years, scheme=load_scheme(), facts=FACTS, problems=problems)


@pytest.fixture
def survey(scorer):
    comparison, problem = Comparison(2020, 2019), Problem("a.csv", 3, "日期", "=1", "no date")
    tables = [months(), domains(), overseas(), missing("U8", "unicorns", [], "valuations")]
    return Survey({}, scorer, read_rates(), Confusion((), {}), comparison, None, [problem], tables)


# the page


def test_page_has_every_table_and_figure_under_its_name(whole, written):
    assert {section.get("id") for section in written.tags("section")} >= {table.id for table in whole.tables}
    assert len(written.tags("table")) == 17 and len(written.tags("svg")) == len(whole.figures) == 10
    assert len(written.tags("caption")) == 17
    for each in whole.tables:
        assert f"#{each.id}" in [link["href"] for link in written.tags("a")]
        assert each.printed_as in written.texts and each.notes[0] in written.texts
    for figure in whole.figures:
        assert figure.title in written.texts and figure.caption in written.texts


def test_page_asks_for_nothing_and_runs_nothing(written):
    assert not {"script", "img", "link", "iframe", "object", "form"} & {tag for tag, _ in written.elements}
    for tag, attributes in written.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        for name, value in attributes.items():
            assert "//" not in (value or "") or name == "xmlns", (tag, name)
    [style] = re.findall(r"<style>(.*?)</style>", page(edition()), re.DOTALL)
    assert "url(" not in style and "@import" not in style
    policy = next(meta["content"] for meta in written.tags("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'") and pages.integrity(style) in policy


def test_names_on_the_page_are_all_different(written):
    names = [attributes["id"] for _, attributes in written.elements if "id" in attributes]
    assert len(names) == len(set(names))
    described = " ".join(attributes.get("aria-labelledby", "") for _, attributes in written.elements).split()
    assert set(described) <= set(names)


def test_head_has_the_facts_that_were_given_and_no_others(written):
    assert {"模型", "default", "企业名单", "companies.csv，3,210行"} <= set(written.texts)
    assert len(written.tags("dt")) == 2
    assert not Page(page(edition(facts={}))).tags("dl")


def test_cells_have_scope_and_rows_are_complete(written):
    assert all(head.get("scope") in ("col", "row", "colgroup") for head in written.tags("th"))


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "</style><b>", "\"'>&amp;", "{{ 7 * 7 }}"])
def test_page_escapes_what_comes_from_data(hostile):
    place = ("1", hostile, "2020-01-01", hostile, hostile)
    rows = [row(place, "amount_wan", "wan_rmb", 3.0, n=1)]
    dimensions = ["company_id", "name", "date", "market", "board"]
    hostile_table = table("L3", "x", dimensions, rows, title=hostile, printed_as=hostile, notes=[hostile])
    seen = Page(page(edition(hostile_table, facts={hostile: hostile})))
    assert seen.texts.count(hostile) >= 6
    assert not seen.tags("script") and not seen.tags("b")


@settings(max_examples=20)
@given(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs", "Cc"]), min_size=1))
def test_page_holds_any_name(name):
    rows = [row((name, "x"), "listed_companies", "companies", 2)]
    seen = Page(page(edition(table("U3", "investors", ["investor", "names"], rows))))
    assert name in seen.texts


def test_missing_table_says_what_to_give():
    text = "".join(Page(page(edition(missing("U3", "investors", [], "events", "market_values")))).texts)
    assert "缺少融资事件数据（用 --events 文件 给出）和年末市值数据（用 --market-values 文件 给出）" in text


def test_table_without_rows_says_so():
    assert "没有符合条件的记录。" in Page(page(edition(table("L5", "gainers", ["name"], [])))).texts


def test_long_table_is_cut_with_a_word_on_where_the_rest_is():
    rows = [row((f"机构{number}", "甲"), "listed_companies", "companies", 2) for number in range(75)]
    seen = Page(page(edition(table("U3", "investors", ["investor", "names"], rows))))
    assert len(seen.rows) == 1 + report.SHOWN_ROWS
    assert "另有15行，见 tables/investors.csv。" in seen.texts


# how tables are laid out


def test_years_stand_side_by_side_with_the_earlier_first():
    found = grid(domains(), edition())
    assert found.groups == [("2019年", 2), ("2020年", 5)]
    assert found.heads == ["领域"]
    names = [column.name for column in found.columns]
    assert names == ["企业数", "占比", "企业数", "占比", "占比增减", "企业数增速", "占比增速"]
    assert [column.unit for column in found.columns][:5] == ["家", "", "家", "", "个百分点"]
    assert [found.rows[0].heads, found.rows[-1].heads] == [["工业智能设备"], ["合计"]]
    assert [line.total for line in found.rows] == [False] * 7 + [True]
    services = dict(zip(names, found.rows[6].cells, strict=True))  # of names that stand twice: the report year's
    assert services["占比"].text == "39.2%" and services["占比"].small == ["[36.9%–41.6%]"]
    assert services["占比增减"].text == "+6.7" and services["占比增减"].small == ["[+4.7至+8.7]"]
    assert found.columns[3].n == "n=423"
    assert services["企业数"].small == ["[156–176]", "n=173"]
    assert found.rows[7].cells[4].text == ""  # no change of the total


def test_heat_map_is_a_table_of_domains_with_quotients():
    found = grid(province_domains(), edition())
    assert not found.groups and found.heads == ["省份"]
    assert [column.name for column in found.columns] == [*map(load_scheme().name, DOMAINS), "合计"]
    beijing = found.rows[0].cells
    assert beijing[1].text == "20" and "区位商1.43" in beijing[1].small and beijing[1].strong
    assert not beijing[0].strong and not beijing[-1].strong
    assert not any("区位商" in line for line in beijing[-1].small)


def test_year_alone_stands_in_rows():
    found = grid(market_value(), edition())
    assert [line.heads for line in found.rows] == [["2019年"], ["2020年"]]
    assert [cell.text for cell in found.rows[1].cells] == ["160", "43,000.0", "+38.5%", "+28.5%"]


def test_groups_of_one_measure_need_no_second_head():
    found = grid(research(), edition())
    assert [column.name for column in found.columns] == ["工业互联网企业（科创板）", "科创板整体"]
    assert [line.cells[0].text for line in found.rows] == ["273.6", "4,323.5", "16.8%"]  # the names tell the units


def test_facts_have_no_interval_and_ids_are_not_shown():
    found = grid(overseas(), edition())
    assert found.heads == ["企业", "上市日期", "市场", "板块"]
    assert found.rows[0].heads[0] == "金山云"
    assert [cell[:2] for cell in found.rows[0].cells] == [("33.0", []), ("93.0%", [])]


def test_amounts_show_their_low_and_high_reading():
    rows = [
        row((2020, "services"), measure, "wan_rmb", value)
        for measure, value in (("amount_wan", 2e6), ("amount_low_wan", 1e6), ("amount_high_wan", 3e6))
    ]
    [line] = grid(table("U7", "x", ["year", "domain"], rows), edition()).rows
    assert len(line.cells) == 1 and "取值100.0–300.0" in line.cells[0].small


def test_what_cannot_be_computed_is_a_dash():
    rows = [change(2020, ("广东",), "events_growth", "ratio", np.nan, np.nan)]
    [line] = grid(table("U4", "provinces", ["year", "province"], rows), edition()).rows
    assert line.cells[0] == ("—", [], False)


def test_every_number_of_a_table_is_on_the_page():
    tables = [each for each in sample_tables() if each.id != "U5"]
    seen = set(Page(page(edition(*tables))).texts)
    for each in tables:
        for key, cell in report.cells(each).items():
            signed = "growth" in key[-1] or key[-1].endswith("_change")
            text = number_text(cell.value, cell.unit, signed=signed)
            assert text in seen, (each.id, key)
            assert interval_text(cell, signed=signed) in seen | {""}, (each.id, key)


# the workbook


def test_workbook_has_contents_and_a_sheet_a_table(whole, book):
    assert book.sheetnames == ["目录", *(each.name for each in whole.tables)]
    contents = [[cell.value for cell in line] for line in book["目录"].iter_rows()]
    assert contents[0][0] == "2020年工业互联网投融资统计"
    assert contents[3][:4] == ["L1", "上市企业总市值", "图2-1", "market_value"]
    assert book["目录"]["D4"].hyperlink.location == "'market_value'!A1"
    assert "模型：default" in [line[0] for line in contents]


def test_workbook_holds_the_tables_of_the_csv_files_with_typed_numbers(whole, book):
    for each in whole.tables:
        head, *lines = book[each.name].iter_rows(values_only=True)
        assert list(head) == list(each.data.columns) and book[each.name].freeze_panes == "A2"
        for line, figures in zip(lines, each.data.itertuples(index=False), strict=True):
            expected = [None if value != value else value for value in figures]
            assert list(line) == [pytest.approx(value) if isinstance(value, float) else value for value in expected]
    assert [book["domains"][cell].number_format for cell in ("A2", "E2", "G2", "G3")] == [
        "0",
        "#,##0",
        "#,##0.0",
        "0.0%",
    ]


def test_box_beside_a_sheet_tells_its_notes_and_words(whole):
    with zipfile.ZipFile(io.BytesIO(workbook(whole))) as parts:
        boxes = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/drawings/drawing")]
    told = next(re.sub("<[^>]+>", "", box) for box in boxes if "融资企业：按领域（图3-5）" in box)
    for words in ("一条说明。", "share_change 占比增减", "platform 平台", "points 比例之差", "value 校正值"):
        assert words in told


@pytest.mark.parametrize("hostile", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "http://x.cn", "000001"])
def test_workbook_has_no_formulas_and_text_stays_text(hostile):
    rows = [row((hostile, hostile), "listed_companies", "companies", 2)]
    hostile_table = table("U3", "investors", ["investor", "names"], rows, notes=[hostile])
    book = openpyxl.load_workbook(io.BytesIO(workbook(edition(hostile_table, facts={hostile: hostile}))))
    for cell, value in ((book["investors"]["A2"], hostile), (book["目录"]["A7"], f"{hostile}：{hostile}")):
        assert cell.value == value and cell.data_type == "s" and cell.hyperlink is None


def test_nothing_where_there_is_no_number():
    rows = [change(2020, ("广东",), "events_growth", "ratio", np.nan, np.nan)]
    book = openpyxl.load_workbook(io.BytesIO(workbook(edition(table("U4", "provinces", ["year", "province"], rows)))))
    assert [cell.value for cell in book["provinces"][2]][4:9] == [100, None, None, None, None]


def test_columns_behind_the_figures_are_kept_as_they_are():
    with_scenario = replace(domains(), data=domains().data.assign(**{"prior 0.3": 7.0}))
    assert grid(with_scenario, edition()) == grid(domains(), edition())
    book = openpyxl.load_workbook(io.BytesIO(workbook(edition(with_scenario))))
    assert [book["domains"][cell].value for cell in ("J1", "J2")] == ["prior 0.3", 7]


# csv and the folder


def test_csv_is_the_table_itself(whole):
    for each in whole.tables:
        content = csv_bytes(each.data)
        assert content.startswith(b"\xef\xbb\xbf")
        back = pd.read_csv(io.BytesIO(content), dtype={"period": str, "company_id": str}, encoding="utf-8-sig")
        pd.testing.assert_frame_equal(back, each.data, check_dtype=False, check_exact=False)


def test_csv_cells_are_never_formulas():
    rows = [row(("=1+1", "甲,乙"), "listed_companies", "companies", np.nan)]
    lines = list(
        csv.reader(io.StringIO(csv_bytes(table("U3", "x", ["investor", "names"], rows).data).decode("utf-8-sig")))
    )
    assert lines[0] == ["investor", "names", *FIGURE_COLUMNS]
    assert lines[1] == ["'=1+1", "甲,乙", "listed_companies", "companies", "0", "", "", "", ""]


def test_csv_of_a_missing_table_is_its_header():
    assert csv_bytes(missing("U1", "months", [], "events").data).decode("utf-8-sig") == ",".join(FIGURE_COLUMNS) + "\n"


def test_report_is_written_with_the_same_bytes_every_time(tmp_path):
    tables = [months(), domains(), overseas()]
    first, second = (write(tmp_path / name, *tables, figures=draw(*tables)) for name in "ab")
    assert [path.relative_to(tmp_path / "a") for path in first] == [path.relative_to(tmp_path / "b") for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    names = {str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(tmp_path / "a")) for path in first}
    assert names >= {"report.html", "report.xlsx", "tables/domains.csv", "figures/U1_months.svg"}


def test_earlier_figures_go_and_other_files_stay(tmp_path):
    write(tmp_path, months(), figures=draw(months()))
    (tmp_path / "figures" / "mine.svg").write_text("x")
    write(tmp_path, missing("U1", "months", [], "events"))
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["mine.svg"]


def test_nothing_is_written_where_a_part_cannot_be(tmp_path):
    (tmp_path / "tables").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"cannot be written"):
        write(tmp_path, months())
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


def test_what_could_not_be_used_stands_beside_the_report(tmp_path):
    write(tmp_path, months(), problems=[Problem("a.csv", 3, "日期", "=1", "no date")])
    lines = (tmp_path / "problems.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines == ["file,row,column,cell,reason", "a.csv,3,日期,'=1,no date"]
    write(tmp_path, months())
    assert not (tmp_path / "problems.csv").exists()


def test_page_of_plain_counts_does_not_speak_of_correction():
    plain = replace(domains(), data=domains().data.assign(low=np.nan, high=np.nan))
    assert "未校正误判" in page(edition(plain)) and "未校正误判" not in page(edition(domains()))


# tables alone


def test_tables_are_written_as_csv_or_workbook(survey, tmp_path):
    paths = write_tables(survey, tmp_path / "tables")
    assert [path.name for path in paths] == [*(f"{each.name}.csv" for each in survey.tables), "problems.csv"]
    assert paths[1].read_bytes() == csv_bytes(domains().data)
    [book, problems] = write_tables(survey, tmp_path / "all.xlsx")
    assert openpyxl.load_workbook(book).sheetnames[1:] == [each.name for each in survey.tables]
    assert problems == tmp_path / "problems.csv"


def test_table_is_told_as_text(survey):
    text = table_text(domains(), survey)
    assert text.startswith("U6 融资企业：按领域 (图3-5)\n")
    assert ["2020年", "相关服务", "占比", "423", "40.8%", "39.2%", "[36.9%–41.6%]"] in [
        line.split() for line in text.split("\n")
    ]
    assert text.endswith("一条说明。\n")
    assert table_text(survey.tables[3], survey) == "U8 题目 (图): valuations not given\n"
    assert "000001" not in table_text(overseas(), survey)
