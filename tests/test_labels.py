from dataclasses import replace

import pytest

from classifier.errors import SchemeError
from classifier.labels import check_examples, check_lexicon, corpus_digest, near_duplicates, read_examples
from classifier.resources import labeled_folder


@pytest.fixture(scope="module")
def examples():
    return read_examples(labeled_folder() / "corpus")


def rules(examples, scheme):
    return [(fault.rule, fault.place) for fault in check_examples(examples, scheme)]


def test_the_shipped_training_data_is_without_fault(examples, scheme):
    assert check_examples(examples, scheme) == []


def test_every_label_has_enough_texts_in_every_style(examples, scheme):
    for code in scheme.codes:
        styles = [e.style for e in examples if e.label == code]
        assert len(styles) >= 300
        assert set(styles) == {"intro", "main_business", "scope", "profile"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"label": "robots"}, "code"),
        ({"label": "security"}, "file"),
        ({"style": "poem"}, "style"),
        ({"provenance": "scraped"}, "provenance"),
        ({"added": "last week"}, "added"),
        ({"id": " "}, "id"),
        ({"text": "。、 123"}, "empty"),
    ],
)
def test_planted_fault_of_one_row_is_found_there(examples, scheme, change, rule):
    row = next(e for e in examples if e.label == "platform")
    bad = replace(row, **change)
    assert rules([bad], scheme) == [(rule, row.place)]


def test_planted_duplicates_are_found(examples, scheme):
    row = examples[0]
    twin = replace(row, id="x1", line=9999)
    rewidth = replace(row, id="x2", line=9998, text=row.text.replace("，", ","))
    other = replace(row, id="x3", line=9997, label="security", file="security.csv")
    again = replace(examples[1], line=9996)
    found = rules([row, twin, rewidth, other, examples[1], again], scheme)
    assert ("duplicate", twin.place) in found
    assert ("duplicate", rewidth.place) in found
    assert ("two labels", other.place) in found
    assert ("id", again.place) in found


def test_reworded_copy_is_a_near_duplicate(examples, scheme):
    row = max(examples, key=lambda e: len(e.text))
    reworded = replace(row, id="x1", line=9999, text="据悉，" + row.text[:-12] + "深受用户欢迎。")
    assert rules([row, reworded], scheme) == [("near-duplicate", reworded.place)]


def test_the_shipped_lexicon_is_without_fault(scheme):
    assert check_lexicon(labeled_folder() / "lexicon", scheme) == []


def test_planted_faults_of_the_lexicon_are_found(tmp_path, scheme):
    rows = (
        "工业云,platform,product,illustrative\n工业云,services,product,illustrative\n网关,robots,thing,illustrative\n"
    )
    (tmp_path / "a.csv").write_text("term,domain,kind,provenance\n" + rows, encoding="utf-8")
    found = [(finding.rule, finding.place) for finding in check_lexicon(tmp_path, scheme)]
    assert found == [("term", "a.csv:3"), ("code", "a.csv:4"), ("kind", "a.csv:4")]


def test_texts_with_nothing_in_common_are_no_near_duplicates():
    assert near_duplicates(["工业机器人的研发和销售", "连锁餐饮与外卖服务"]) == []


def test_digest_depends_on_labels_and_texts(examples):
    changed = [replace(examples[0], label="security"), *examples[1:10]]
    assert corpus_digest(examples[:10]) != corpus_digest(changed)
    assert corpus_digest(examples[:10]) == corpus_digest(list(examples[:10]))


def test_folder_without_texts_is_named(tmp_path):
    with pytest.raises(SchemeError, match="no labelled texts"):
        read_examples(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,text\n1,a\n", "line 1: columns"),
        (b"id,label,style,name,text,provenance,added\n1,2,3\n", "line 2: not 7 cells"),
        ("id,label,style,name,text,provenance,added\n机器人".encode("gb18030"), "UTF-8"),
    ],
)
def test_malformed_file_is_named(tmp_path, content, message):
    (tmp_path / "platform.csv").write_bytes(content)
    with pytest.raises(SchemeError, match=message):
        read_examples(tmp_path)


def test_the_shipped_model_was_trained_on_the_shipped_labels(examples):
    """Whoever changes labeled/ runs `make model` before committing."""
    from classifier.artifact import load_model
    from classifier.domains import load_scheme
    from classifier.model import read_settings, settings_digest
    from classifier.resources import model_folder
    from classifier.text import read_lexicon

    model = load_model(model_folder(), load_scheme())
    assert model.record["training"]["sha256"] == corpus_digest(examples)
    assert model.lexicon == read_lexicon(labeled_folder() / "lexicon")
    assert model.record["settings"] == settings_digest(read_settings(labeled_folder() / "settings.toml"))
