import csv
import json
from dataclasses import replace

import pandas as pd
import pytest

from classifier.errors import InputError
from classifier.labelled import find_labelled_suspects, join_corpus, read_labelled
from classifier.labels import COLUMNS, read_examples
from classifier.model import read_settings
from classifier.resources import labeled_folder
from classifier.suspects import out_of_fold
from classifier.text import load_dictionary
from tests.conftest import BAKERY, FIREWALL, ROBOT, read_csv

PLANTED = {2: "security", 5: "platform", 9: "security"}  # rows whose label is wrong


@pytest.fixture(scope="module")
def other_texts(few_examples, scheme):
    """Twelve texts that are not among the few: of every label one, of four labels another."""
    few = {example.id for example in few_examples}
    others = [example for example in read_examples(labeled_folder() / "corpus") if example.id not in few]
    by_label = [[example for example in others if example.label == code][:2] for code in scheme.codes]
    return [*(pair[0] for pair in by_label), *(pair[1] for pair in by_label[:4])]


def write(path, rows, head="简介,人工标签,企业名称", encoding="utf-8"):
    path.write_text("\n".join([head, *rows]) + "\n", encoding=encoding)
    return path


def planted_rows(texts):
    return [f'"{example.text}",{PLANTED.get(row, example.label)},企业{row}' for row, example in enumerate(texts, 1)]


@pytest.fixture
def small_labeled(labeled_copy, few_examples):
    """A folder like labeled/ with few texts."""
    for path in (labeled_copy / "corpus").glob("*.csv"):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            rows = [example for example in few_examples if example.file == path.name]
            writer.writerows([getattr(example, column) for column in COLUMNS] for example in rows)
    return labeled_copy


def judged(examples, corpus, scheme):
    settings = read_settings(labeled_folder() / "settings.toml")
    found = out_of_fold(join_corpus(examples, corpus), scheme, load_dictionary(()), settings)
    return find_labelled_suspects(examples, corpus, found)


# a file is read


def test_columns_are_found_and_labels_may_be_names(tmp_path, scheme):
    path = write(tmp_path / "名单.csv", [f"{ROBOT},工业智能设备,甲", f"{FIREWALL},security,乙"], encoding="gb18030")
    held = read_labelled(str(path), scheme)
    assert held.columns == (("简介",), "人工标签", "企业名称")
    assert [(one.line, one.label, one.name) for one in held.examples] == [
        (1, "smart_equipment", "甲"),
        (2, "security", "乙"),
    ]
    assert held.problems == [] and held.unlabelled == 0


@pytest.mark.parametrize("format", ["tsv", "xlsx", "jsonl", "parquet"])
def test_every_format_is_read(tmp_path, scheme, format):
    frame = pd.DataFrame({"主营业务": [ROBOT, BAKERY], "标签": ["smart_equipment", "out_of_scope"]})
    path = tmp_path / f"labels.{format}"
    if format == "xlsx":
        frame.to_excel(path, index=False)
    elif format == "parquet":
        frame.to_parquet(path)
    elif format == "jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_csv(path, index=False, sep="\t")
    assert [one.label for one in read_labelled(str(path), scheme).examples] == ["smart_equipment", "out_of_scope"]


def test_every_row_is_judged_or_reported(tmp_path, scheme):
    rows = [f"{ROBOT},工业智能设备,甲", f"{BAKERY},,乙", f"{FIREWALL},网络安全,丙", "12!,security,丁"]
    held = read_labelled(str(write(tmp_path / "l.csv", rows)), scheme)
    assert [one.line for one in held.examples] == [1] and held.unlabelled == 1
    assert [(one.row, one.column, one.cell) for one in held.problems] == [
        (3, "人工标签", "网络安全"),
        (4, "简介", "12!"),
    ]
    assert "not one of smart_equipment" in held.problems[0].reason


@pytest.mark.parametrize(
    ("head", "rows", "named", "told"),
    [
        ("简介,类别,名称", [f"{ROBOT},安全,甲"], {}, "no column with a label .人工标签.*found 简介, 类别.*--label"),
        ("说明,标签,名称", [f"{ROBOT},安全,甲"], {}, "no column with a description.*--text"),
        ("简介,标签,名称", [f"{ROBOT},安全,甲"], {"label": "领域"}, "no column '领域'"),
        ("简介,标签,名称", [f"{ROBOT},软件业,甲"], {}, "row 1: 标签 '软件业': not one of .* correct the labels"),
        ("简介,标签,名称", [f"{ROBOT},,甲"], {}, "column 标签 is empty in all 1 rows.*--label"),
        ("简介,标签,名称", [f"{ROBOT},安全,甲,乙"], {}, "line 2: 4 cells, the header has 3; mend the row"),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_with_the_place(tmp_path, scheme, head, rows, named, told):
    path = write(tmp_path / "labels.csv", rows, head)
    with pytest.raises(InputError, match=f"labels.csv: {told}"):
        read_labelled(str(path), scheme, **named)


# and judged


def test_planted_labels_stand_in_front(tmp_path, few_examples, other_texts, scheme):
    held = read_labelled(str(write(tmp_path / "labels.csv", planted_rows(other_texts))), scheme)
    ranked = judged(held.examples, few_examples, scheme)
    assert len(ranked) == len(other_texts)
    assert set(PLANTED) <= set(ranked["row"][:4]), "480 texts teach less than all"
    planted = ranked.set_index("row").loc[list(PLANTED)]
    assert planted["likely"].tolist() == [other_texts[row - 1].label for row in PLANTED]
    assert (planted["terms"] != "").all()


def test_a_text_of_the_corpus_is_judged_once_and_held_out(few_examples, scheme):
    """Ten texts of the corpus, given once more, three of them under another label."""
    given = [replace(one, id=f"row {row}", file="f", line=row) for row, one in enumerate(few_examples[::48], 1)]
    wrong = [replace(one, label=PLANTED.get(one.line, one.label)) for one in given]
    joined = join_corpus(wrong, few_examples)
    assert len(joined) == len(few_examples) and len({one.text for one in joined}) == len(joined)
    ranked = judged(wrong, few_examples, scheme)
    changed = {one.line for one, before in zip(wrong, given, strict=True) if one.label != before.label}
    assert set(ranked["row"][: len(changed)]) == changed
    elsewhere = ranked.set_index("row")["elsewhere"]
    for one in given:
        expected = f"{one.label} ({few_examples[(one.line - 1) * 48].place})" if one.line in changed else ""
        assert elsewhere[one.line] == expected


def test_rows_that_contradict_each_other_say_so(few_examples, scheme):
    text = "海川科技是一家工业机器人研发商，主要从事协作机器人的研发、生产和销售。"
    first = replace(few_examples[0], id="row 1", label="smart_equipment", name="", text=text, file="f", line=1)
    ranked = judged([first, replace(first, id="row 2", label="services", line=2)], few_examples, scheme)
    assert ranked["row"].tolist() == [2, 1]
    assert ranked["elsewhere"].tolist() == ["smart_equipment (row 1)", "services (row 2)"]
    assert ranked["name"].tolist() == ["海川科技是一家工业机器人研发…"] * 2


def test_thresholds_are_of_corpus_and_file_together(few_examples, scheme):
    """A file of one wrong label has no other labels to take thresholds from."""
    wrong = replace(few_examples[0], id="row 1", label="security", name="", text=ROBOT, file="f", line=1)
    ranked = judged([wrong], few_examples, scheme)
    assert ranked["likely"].tolist() == ["smart_equipment"] and ranked["suspect"].tolist() == [True]


# the command


def test_the_command_ranks_the_rows_of_a_file(run, tmp_path, small_labeled, other_texts):
    rows = [*planted_rows(other_texts), f"{BAKERY},面包,某店", f"{BAKERY},,某店"]
    path, output = write(tmp_path / "labels.csv", rows), tmp_path / "suspects.xlsx"
    asked = ("audit", "labels", path, "--labeled", small_labeled)
    shown = run(*asked, "-o", output, "--limit", "4")
    assert shown.exit_code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].split()[:4] == ["row", "name", "label", "likely"] and len(lines) == 5
    assert set(PLANTED) <= {int(line.split()[0]) for line in lines[1:]}
    assert f"{path}: description from 简介, label from 人工标签, name from 企业名称" in shown.stderr
    assert f"not judged: {path}: row 13: 人工标签 '面包': not one of" in shown.stderr
    assert "rows in 14 = judged 12 + not judged 1 + without a label 1" in shown.stderr
    assert set(pd.read_excel(output)["row"]) == set(range(1, 13))
    again = json.loads(run(*asked, "--json", "-o", tmp_path / "suspects.csv").stdout)
    assert [one["row"] for one in again] == [
        int(one["row"]) for one in read_csv((tmp_path / "suspects.csv").read_text(encoding="utf-8-sig"))
    ]
    assert run(*asked, "-o", tmp_path / "suspects.parquet").exit_code == 0
    piped = run("audit", "labels", "-", "--labeled", small_labeled, "--json", stdin=path.read_bytes())
    assert [one["row"] for one in json.loads(piped.stdout)] == [one["row"] for one in again]


def test_options_of_a_file_need_one(run, tmp_path):
    assert run("audit", "labels", "--label", "标签").exit_code == 2
    path = write(tmp_path / "labels.csv", [f"{ROBOT},安全,甲"])
    same = run("audit", "labels", path, "-o", path)
    assert same.exit_code == 1 and "is the input itself" in same.stderr
