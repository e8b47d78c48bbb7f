import pandas as pd
import pytest

from classifier.consistency import check_paths, read_tables, to_record, to_text
from classifier.errors import InputError
from classifier.resources import labeled_folder
from classifier.study import FIGURE_COLUMNS
from classifier.tidy import check_tables

AII_2020 = labeled_folder() / "reference" / "aii2020"
TABLE = pd.DataFrame(  # H1 and H2 have 9 events, not 10
    [
        [2020, period, "events", "events", 7, count, count * 0.9, count * 0.8, count]
        for period, count in {"H1": 3, "H2": 6, "全年": 10}.items()
    ],
    columns=["year", "period", *FIGURE_COLUMNS],
)


def test_csv_and_workbook_are_read_alike(tmp_path):
    TABLE.to_csv(tmp_path / "months.csv", index=False)
    (tmp_path / "book").mkdir()
    TABLE.to_excel(tmp_path / "book" / "months.xlsx", index=False)
    expected = [(finding.place, finding.verdict) for finding in check_tables({"months": TABLE})]
    assert "fails" in dict(expected).values()
    for path in (tmp_path / "months.csv", tmp_path, tmp_path / "book" / "months.xlsx"):
        assert [(finding.place, finding.verdict) for finding in check_paths([path])] == expected


def test_table_without_rows_is_fine(tmp_path):
    (tmp_path / "months.csv").write_text(",".join(FIGURE_COLUMNS) + "\n", encoding="utf-8")
    assert check_paths([tmp_path]) == []


def test_table_that_is_named_twice_is_refused(tmp_path):
    TABLE.to_csv(tmp_path / "months.csv", index=False)
    with pytest.raises(InputError, match="'months' was read before"):
        check_paths([tmp_path, tmp_path / "months.csv"])


@pytest.mark.parametrize("name", ["absent.csv", "absent.xlsx", "broken.xlsx", "empty", "long.csv"])
def test_unreadable_input_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.xlsx").write_bytes(b"no zip")
    (tmp_path / "long.csv").write_text("甲,乙\n1,2,3\n", encoding="utf-8")
    with pytest.raises(InputError, match=name):
        read_tables(tmp_path / name)


def test_report_puts_failures_first_and_counts():
    findings = check_paths([AII_2020])
    text = to_text(findings)
    assert text.splitlines()[0] == "111 relations: 106 hold, 5 do not; not checked: 3"
    verdict = [line.split("  ")[0].strip() for line in text.splitlines()[2:] if not line.startswith("    ")]
    assert verdict == sorted(verdict, key=["fails", "not checked", "holds"].index)
    assert "holds" not in to_text(findings, holding=False)
    assert to_text([]) == "0 relations: 0 hold, 0 do not; not checked: 0"


def test_record_has_null_for_what_was_not_compared():
    record = to_record(check_paths([AII_2020]))
    unchecked = [finding for finding in record["findings"] if finding["verdict"] == "not checked"]
    assert (record["relations"], record["fail"], record["not_checked"]) == (111, 5, 3)
    assert {finding["found"] for finding in unchecked} == {None}
