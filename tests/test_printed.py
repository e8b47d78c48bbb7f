import shutil
from collections import Counter

import pytest

from classifier.consistency import check_paths
from classifier.errors import InputError
from classifier.printed import read_relations
from classifier.resources import labeled_folder

AII_2020 = labeled_folder() / "reference" / "aii2020"
FAILING = {
    "financing amount, IPO amount of the boards": (522.4, 521.5),
    "domains of 表2-3": (0, 1),  # 睿创微纳: disputed by the codebook
    "backed companies": (13, 12),
    "合计 of table_2_5_patents, 工业互联网企业": (3477, 5056),
    "合计 of table_2_5_patents, 科创板整体": (31156, 49318),
}


def failing(path):
    return [finding for finding in check_paths([path]) if finding.verdict == "fails"]


def verdicts(path):
    return {finding.id: finding.verdict for finding in check_paths([path])}


# --- the printed report ---------------------------------------------------------------------------------------------


def test_the_printed_report_fails_in_exactly_five_relations():
    assert {finding.id: (finding.expected, finding.found) for finding in failing(AII_2020)} == FAILING
    assert Counter(finding.verdict for finding in check_paths([AII_2020]))["holds"] == 106


def test_known_oddities_are_told_with_numbers_difference_and_place():
    patents = next(finding for finding in failing(AII_2020) if "工业互联网企业" in finding.id)
    assert (patents.difference, patents.tolerance) == (1579, 0)
    assert patents.place == "table_2_5_patents, row 6 (合计), 工业互联网企业"
    assert patents.reason == "expected 1825 + 1416 + 221 + 15 = 3477; found 5056"


def test_reference_relations_serve_a_folder_without_its_own(tmp_path):
    for file in AII_2020.glob("*.csv"):
        shutil.copy(file, tmp_path)
    assert check_paths([tmp_path]) == check_paths([AII_2020])
    (tmp_path / "printed_figures.csv").unlink()
    assert verdicts(tmp_path)["amount raised abroad"] == "not checked"
    assert {finding.id for finding in failing(tmp_path)} == {name for name in FAILING if "表" in name or "合计" in name}


def spoil(folder, file, old, new):
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("printed_figures.csv", "second half,251,", "second half,250,", {"companies by half-year"}),
        ("printed_figures.csv", "A+轮及以前,49.1,", "A+轮及以前,49.2,", {"share of early rounds"}),
        ("printed_figures.csv", "second half,302.6,", "second half,301.4,", {"amount by half-year"}),
        (
            "printed_figures.csv",
            "L.new_security,new listings: 安全,3,",
            "L.new_security,,4,",
            {"new listings by domain"},
        ),
        ("table_2_1_overseas_listings.csv", "2020-09-30", "2021-09-30", {"listed abroad in the year, to"}),
        ("table_2_1_overseas_listings.csv", "329531.4", "329541.4", {"rate of the US dollar"}),
        ("table_2_3_gainers.csv", "铂力特,175", "铂力特,75", {"gainers of 表2-3"}),
        ("table_2_3_gainers.csv", "杭可科技,109,工业自动化与边缘计算", "杭可科技,109,平台", {"domains of 表2-3"}),
        ("table_2_4_research.csv", "273.58", "273.57", {"research staff of 表2-4"}),
        ("table_2_5_patents.csv", "13.73", "13.72", {"shares of 表2-5"}),
        ("table_3_1_investors.csv", "酷特智能 慧辰资讯", "慧辰资讯", {"listed companies of an investor"}),
        ("table_3_2_unicorns.csv", "2020-12-18", "2018-12-18", {"round after the first listing"}),
        ("table_3_2_unicorns.csv", "C轮,10", "C轮,9.4", {"valuation"}),
    ],
)
def test_planted_fault_of_the_print_is_found(tmp_path, file, old, new, found):
    folder = shutil.copytree(AII_2020, tmp_path / "print")
    before = {finding.place for finding in failing(folder)}
    spoil(folder, file, old, new)
    assert {finding.id for finding in failing(folder) if finding.place not in before} == found


def test_every_figure_is_in_a_relation_or_named_as_being_in_none():
    named = {f.place: f.statement for f in check_paths([AII_2020]) if f.id == "without relation"}
    assert named == {
        "printed_figures": "8 figures stand in no relation",
        "table_2_4_research": "7 figures stand in no relation",
    }


# --- declared relations ---------------------------------------------------------------------------------------------

TABLE = (
    "领域,2019,2020,金额(亿元),占比(%),名单\n安全,10,13,1.5,32.5,甲 乙\n平台,20,27,,67.5,乙 丙\n合计,30,40,4.0,100.0,\n"
)


def declare(folder, *entries, head=""):
    checks = "".join(f'[[checks]]\nid = "{i}"\nsays = "it holds"\n{entry}\n' for i, entry in enumerate(entries))
    (folder / "checks.toml").write_text(f"{head}\n{checks}", encoding="utf-8")
    (folder / "t.csv").write_text(TABLE, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        ('kind = "growth"\nof = ["t[领域=安全].2020"]\nby = ["t[领域=安全].2019"]\nscale = 100\nprinted = 30', "holds"),
        ('kind = "growth"\nof = ["t[领域=安全].2020"]\nby = ["t[领域=安全].2019"]\nscale = 100\nprinted = 31', "fails"),
        ('kind = "sum"\nof = ["t[*领域!=合计].2020"]\nprinted = "t[领域=合计].2020"', "holds"),
        ('kind = "sum"\nof = ["rows t[*]"]\nprinted = 3', "holds"),
        ('kind = "sum"\nof = ["names t[*].名单"]\nprinted = 3', "holds"),
        ('kind = "sum"\nof = ["names t[*].名单"]\nprinted = 4', "fails"),
        ('kind = "ratio"\nof = ["t[领域=安全].2020"]\nby = [0]\nprinted = 1', "not checked"),
        ('kind = "at_most"\nof = [12]\nprinted = "t[领域=安全].2020"', "fails"),
        ('kind = "whole"\nof = ["t[领域=安全].占比(%)"]\ntimes = [40]\nscale = 0.01', "holds"),
        ('kind = "whole"\nof = ["t[领域=安全].占比(%)"]\ntimes = [39]\nscale = 0.01', "fails"),
        ('kind = "whole"\nof = ["t[领域=安全].占比(%)"]\ntimes = [4000]\nscale = 0.01', "not checked"),
        ('kind = "domain"\nof = ["t[领域=安全].领域"]\nprinted = "t[领域=平台].领域"', "not checked"),
    ],
)
def test_declared_relation_is_checked(tmp_path, entry, verdict):
    assert verdicts(declare(tmp_path, entry))["0"] == verdict


def test_relation_repeats_for_each_row(tmp_path):
    entry = 'kind = "ratio"\neach = "t[*]"\nof = [".2020"]\nby = [40]\nscale = 100\nprinted = ".占比(%)"'
    findings = [finding for finding in check_paths([declare(tmp_path, entry)]) if finding.id == "0"]
    assert [finding.verdict for finding in findings] == ["holds"] * 3
    assert findings[1].place == "t, row 3 (平台), 占比(%)"


def test_more_than_reaches_one_unit_up(tmp_path):
    entry = 'kind = "sum"\nof = [{}]\nprinted = "t[领域=安全].2020"'
    head = 'more_than = ["t[领域=安全].2020"]'
    declare(tmp_path, *(entry.format(value) for value in ("12.9", "13.0", "14.0", "14.1")), head=head)
    found = verdicts(tmp_path)
    assert [found[str(index)] for index in range(4)] == ["fails", "holds", "holds", "fails"]


def test_total_row_speaks_for_itself(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLE, encoding="utf-8")
    assert {f.id: f.verdict for f in check_paths([path]) if "合计" in f.id} == {
        "合计 of t, 2019": "holds",
        "合计 of t, 2020": "holds",
    }  # not of a column with a blank cell, nor of shares
    spoil(tmp_path, "t.csv", "20,27", "21,27")
    assert [finding.id for finding in failing(path)] == ["合计 of t, 2019"]


def test_total_row_without_parts_is_in_no_relation(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("领域,2019\n合计,30\n", encoding="utf-8")
    assert verdicts(path) == {"without relation": "not checked"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('kind = "product"\nof = [1]', "kind 'product' is not one of"),
        ('kind = "ratio"\nof = [1]\nprinted = 1', "needs by"),
        ('kind = "sum"\nof = []\nprinted = 1', "needs of"),
        ('kind = "sum"\nof = [1]\nprinted = 1\nextra = 2', "extra is not a field"),
        ('kind = "sum"\nof = [1]\nprinted = [1]', "neither a reference nor a number"),
        ('kind = "sum"\nof = 1\nprinted = 1', "not iterable"),
        ('kind = "sum"\nof = [nan]\nprinted = 1', "neither a reference nor a number"),
        ('kind = "sum"\nof = ["t"]\nprinted = 1', "'t' is no reference"),
        ('kind = "sum"\nof = [1]\nprinted = 1\nscale = "t[*].2020"', "scale must be a number"),
        ('kind = "domain"\nof = [1]\nprinted = "t[*].2020"', "a domain compares"),
        ('kind = "sum"\nof = ["u[*].2020"]\nprinted = 1', "check '0': .*no table 'u'; there are t"),
        ('kind = "sum"\nof = ["t[*].2021"]\nprinted = 1', "t has no column '2021'; it has 领域, 2019"),
        ('kind = "sum"\nof = ["t:安全"]\nprinted = 1', "t has no column 'value'"),
        ('kind = "sum"\nof = ["t[类=安全].2020"]\nprinted = 1', "t has no column '类'"),
        ('kind = "sum"\nof = ["t[领域=网络].2020"]\nprinted = 1', "names 0 rows, expected one"),
        ('kind = "sum"\nof = ["t[*领域=网络].2020"]\nprinted = 1', "names no row"),
        ('kind = "sum"\nof = ["t[*]"]\nprinted = 1', "add .COLUMN"),
        ('kind = "sum"\nof = ["t[领域=平台].金额(亿元)"]\nprinted = 1', r"t, row 3 \(平台\), 金额.*'' is no number"),
        ('kind = "sum"\nof = [".2020"]\nprinted = 1', "row at hand"),
    ],
)
def test_faulty_relation_is_named(tmp_path, entry, message):
    with pytest.raises(InputError, match=message) as caught:
        check_paths([declare(tmp_path, entry)])
    assert str(tmp_path) in str(caught.value)


def test_relation_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "checks.toml").write_text('[[checks]]\nid="a"\nsays="b"\nkind="whole"\nof=[1]\n' * 2, encoding="utf-8")
    with pytest.raises(InputError, match="'a' stands twice"):
        read_relations(tmp_path / "checks.toml")


def test_wrong_date_is_named(tmp_path):
    declare(tmp_path, 'kind = "at_least"\nof = [2020-01-01]\nprinted = "t[领域=安全].名单"')
    spoil(tmp_path, "t.csv", "甲 乙", "2020-02-30")
    with pytest.raises(InputError, match=r"t, row 2 \(安全\), 名单: '2020-02-30' is no number and no date"):
        check_paths([tmp_path])
