from datetime import UTC, date, datetime
from itertools import count

import pytest

from classifier.decided import add_decided, labels_from_ledger, write_decided
from classifier.labels import read_examples
from classifier.ledger import Ledger
from classifier.model import read_settings, train
from classifier.resources import labeled_folder
from classifier.text import load_dictionary
from tests.conftest import FIREWALL, ROBOT


@pytest.fixture
def ledger(tmp_path):
    days = count(1)
    with Ledger.open(
        tmp_path / "ledger.sqlite", now=lambda: datetime(2026, 11, min(next(days), 28), tzinfo=UTC)
    ) as opened:
        yield opened


def add(ledger, name, text):
    company = ledger.add_company(full_name=f"{name}科技有限公司", short_name=name, source="t")
    if text:
        ledger.add_description(company, text, source="t", dated=date(2020, 1, 1))
    return company


def decide(ledger, company, code="security", **more):
    return ledger.decide(company, code, person="李雷", reason="按定义", **more)


def test_a_decision_becomes_a_labelled_text_with_its_provenance(ledger):
    decide(ledger, add(ledger, "盾山", FIREWALL))
    [example] = labels_from_ledger(ledger).examples
    assert (example.label, example.text, example.name) == ("security", FIREWALL, "盾山")
    assert (example.provenance, example.style, example.file) == ("decision", "intro", "security.csv")
    assert example.id.startswith("decision-") and example.added.startswith("2026-11-")


def test_the_text_is_the_one_that_the_decision_was_made_on(ledger):
    company = add(ledger, "盾山", FIREWALL)
    decide(ledger, company)
    ledger.add_description(company, ROBOT, source="t", dated=date(2021, 1, 1))
    assert [example.text for example in labels_from_ledger(ledger).examples] == [FIREWALL]


def test_of_several_decisions_the_newest_stands(ledger):
    company = add(ledger, "盾山", FIREWALL)
    decide(ledger, company, "services")
    decide(ledger, company, "security")
    assert [example.label for example in labels_from_ledger(ledger).examples] == ["security"]


def test_what_is_under_dispute_is_never_learned_from(ledger):
    company = add(ledger, "盾山", FIREWALL)
    decide(ledger, company)
    dispute = ledger.open_dispute(company, "services", reason="只做集成", person="韩梅梅")
    found = labels_from_ledger(ledger)
    assert found.examples == [] and "under dispute" in found.findings[0].message
    decide(ledger, company, "services", dispute_id=dispute)
    assert [example.label for example in labels_from_ledger(ledger).examples] == ["services"]


def test_a_decision_without_a_text_and_one_that_was_contradicted_stay_out(ledger):
    decide(ledger, add(ledger, "无字", ""))
    company = add(ledger, "盾山", FIREWALL)
    decide(ledger, company)
    ledger.add_label(company, "services", person="韩梅梅")
    found = labels_from_ledger(ledger)
    assert found.examples == []
    assert [("no description" in one.message, "later labelled services" in one.message) for one in found.findings] == [
        (True, False),
        (False, True),
    ]


def test_imported_labels_are_no_decisions(ledger):
    ledger.add_label(add(ledger, "盾山", FIREWALL), "security", person="李雷")
    assert labels_from_ledger(ledger) == ([], [])


def test_decisions_are_split_by_day(ledger):
    for name, text in (("盾山", FIREWALL), ("机巧", ROBOT)):
        decide(ledger, add(ledger, name, text))
    first, second = (example.added for example in labels_from_ledger(ledger).examples)
    assert first < second
    day = date.fromisoformat(second)
    assert [example.name for example in labels_from_ledger(ledger, until=day).examples] == ["盾山"]
    assert [example.name for example in labels_from_ledger(ledger, since=day).examples] == ["机巧"]


def test_a_text_that_is_among_the_labelled_ones_already_stays_out(ledger, few_examples, scheme):
    copied = few_examples[0]
    decide(ledger, add(ledger, "抄写", copied.text), copied.label)
    decide(ledger, add(ledger, "盾山", "专注于矿山井下防爆门禁的零信任网关与工控漏洞挖掘服务器"), "security")
    joined = add_decided(few_examples, labels_from_ledger(ledger), scheme)
    assert [example.name for example in joined.examples[len(few_examples) :]] == ["盾山"]
    assert joined.examples[: len(few_examples)] == few_examples
    assert [one.rule for one in joined.findings] == ["duplicate"]


def test_a_model_learns_from_decisions(ledger, few_examples, scheme):
    decide(ledger, add(ledger, "盾山", "专注于矿山井下防爆门禁的零信任网关与工控漏洞挖掘服务器"), "security")
    joined = add_decided(few_examples, labels_from_ledger(ledger), scheme)
    settings = read_settings(labeled_folder() / "settings.toml")
    model = train(joined.examples, scheme, load_dictionary(()), (), settings, name="decided")
    assert model.record["training"]["texts"] == len(few_examples) + 1


def test_decisions_are_written_once_to_the_files_of_their_labels(ledger, tmp_path):
    decide(ledger, add(ledger, "盾山", FIREWALL))
    decide(ledger, add(ledger, "机巧", ROBOT), "smart_equipment")
    examples = labels_from_ledger(ledger).examples
    grown = write_decided(examples, tmp_path / "corpus")
    assert [path.name for path in grown] == ["security.csv", "smart_equipment.csv"]
    held = read_examples(tmp_path / "corpus")
    assert [(one.id, one.label, one.text) for one in held] == [(one.id, one.label, one.text) for one in examples]
    assert write_decided(examples, tmp_path / "corpus") == []


def test_what_stood_in_a_file_stays_as_it_was(ledger, tmp_path, labeled_copy):
    path = labeled_copy / "corpus" / "security.csv"
    before = path.read_bytes()
    decide(ledger, add(ledger, "盾山", FIREWALL))
    write_decided(labels_from_ledger(ledger).examples, labeled_copy / "corpus")
    assert path.read_bytes().startswith(before)
