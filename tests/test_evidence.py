"""Evidence against the model it speaks of: every number is checked by scoring, by scikit-learn or by hand."""

import csv
import json
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier import evidence
from classifier.artifact import load_model
from classifier.domains import load_scheme
from classifier.errors import InputError
from classifier.evidence import explain, explain_briefly, to_html, to_record, to_text
from classifier.labels import COLUMNS, read_examples
from classifier.precedents import load_precedents
from classifier.resources import labeled_folder, model_folder
from classifier.text import Segmenter, load_dictionary, normalize
from classifier.trace import tracing
from tests.conftest import BAKERY, FIREWALL, ROBOT

MIXED = "工业机器人的研发与销售，以及企业防火墙与入侵检测产品的研发，另有连锁面包门店的经营。"
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "工业机器人",
                "研发、生产",
                "是一家",
                "软件",
                "PLC",
                "ＡＧＶ",
                "5G",
                "，",
                "。",
                " ",
                "\x00",
                "機器人",
                "<b>",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=25,
).map("".join)


@pytest.fixture(scope="module")
def examples():
    return read_examples(labeled_folder() / "corpus")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, examples):
    """Some two hundred labelled texts in a folder of their own."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, examples[::120])
    return folder


@pytest.fixture(scope="module")
def precedents(scorer, corpus):
    return load_precedents(scorer, corpus)


def write_corpus(folder, rows):
    with (folder / "all.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, *([getattr(row, name) for name in COLUMNS] for row in rows)])


def spread(texts, count):
    return texts[:: len(texts) // count][:count]


def check_sums(found, scorer):
    """Assert that terms and spans carry what the two probabilities differ by."""
    odds = np.log(scorer.probabilities([found.text])[0])
    first, second = (scorer.facts.labels.index(code) for code in (found.label.domain, found.label.runner_up))
    assert found.log_odds == pytest.approx(odds[first] - odds[second], rel=1e-9, abs=1e-9)
    for parts in (found.terms, found.spans):
        assert found.constant + sum(part.log_odds for part in parts) == pytest.approx(
            found.log_odds, rel=1e-9, abs=1e-9
        )
    assert "".join(span.text for span in found.spans) == found.normal == normalize(found.text)
    assert all(one.end == other.start for one, other in pairwise(found.spans))


def check_reason(found):
    """Assert that the words add what the kernel's reason says of them."""
    total = Counter()
    for span in found.spans:
        total[span.text] += span.log_odds
    for contribution in found.label.contributions:
        assert total[contribution.word] == pytest.approx(contribution.log_odds, abs=1e-9)


def without_search(monkeypatch):
    nothing = evidence.Flip("word", 0, 0, (), "", 0.0)
    monkeypatch.setattr(evidence, "_find_flip", lambda *arguments: nothing)


def test_terms_and_places_sum_to_the_log_odds_of_three_hundred_texts(scorer, examples, monkeypatch):
    without_search(monkeypatch)
    for example in spread(examples, 300):
        found = explain(example.text, scorer)
        check_sums(found, scorer)
        check_reason(found)


@given(TEXTS)
def test_terms_and_places_sum_to_the_log_odds_of_any_text(scorer, text):
    with pytest.MonkeyPatch.context() as patch:
        without_search(patch)
        found = explain(text, scorer)
    check_sums(found, scorer)
    check_reason(found)


def test_terms_are_those_of_the_model_with_their_coefficients(scorer, scheme):
    model = load_model(model_folder(), scheme)
    segmenter = Segmenter(load_dictionary(model.lexicon))
    for text in (ROBOT, BAKERY, FIREWALL, MIXED):
        normal, expected = normalize(text), {}
        found = explain(text, scorer)
        first, second = (model.labels.index(code) for code in (found.label.domain, found.label.runner_up))
        start = 0
        for block in model.blocks:
            column = {term: i for i, term in enumerate(block.vocabulary)}
            every = list(segmenter.terms(block.kind, block.parameters, normal, segmenter.words(normal)))
            counts = Counter(term for term, _, _ in every if term in column)
            weights = {term: (1 + np.log(n)) * float(block.idf[column[term]]) for term, n in counts.items()}
            length = np.sqrt(sum(weight**2 for weight in weights.values()))
            for term, weight in weights.items():
                row = model.coefficients[start + column[term]].astype(float)
                places = sorted((begin, end) for other, begin, end in every if other == term)
                expected[block.kind, term] = model.slope * weight / length * (row[first] - row[second]), places
            start += len(column)
        assert {(term.kind, term.text) for term in found.terms} == set(expected)
        for term in found.terms:
            log_odds, places = expected[term.kind, term.text]
            assert term.log_odds == pytest.approx(log_odds, abs=1e-6)
            assert sorted(term.places) == places


def test_removing_what_a_flip_names_flips_the_label(scorer, examples):
    flips = 0
    for text in (MIXED, *(example.text for example in spread(examples, 30))):
        found = explain(text, scorer)
        for flip in found.flips:
            if flip.removed:
                again = scorer.label([flip.remaining])[0]
                assert again.domain == found.label.runner_up != found.label.domain
                assert again.probability == pytest.approx(flip.probability, abs=1e-9)
                flips += 1
    assert flips >= 5


def test_the_smallest_single_word_or_clause_is_found(scorer, examples):
    """By hand: take out every word and every clause in turn, and keep the shortest that makes the runner-up win."""
    for example in spread(examples, 25):
        found = explain(example.text, scorer)
        units = {"word": set(), "clause": set()}
        for span in found.spans:
            if any(character.isalpha() for character in span.text):
                places = [(s.start, s.end) for s in found.spans if s.text == span.text]
                units["word"].add((span.text, tuple(places)))
        for clause in evidence._CLAUSE.finditer(found.normal):
            if any(character.isalpha() for character in clause[0]):
                units["clause"].add((clause[0].rstrip(",。;!?"), (clause.span(),)))
        for flip in found.flips:
            sizes = []
            for _, places in units[flip.unit] if len(units[flip.unit]) > 1 else ():
                gone = {at for start, end in places for at in range(start, end)}
                left = "".join(c for at, c in enumerate(found.normal) if at not in gone)
                if scorer.label([left])[0].domain == found.label.runner_up:
                    sizes.append(len(gone))
            assert (len(flip.removed) == 1) == bool(sizes)
            if sizes and flip.unit == "word":
                assert len(found.normal) - len(flip.remaining) == min(sizes)


def test_of_several_that_go_together_none_can_stay(scorer, examples):
    several = 0
    for text in (MIXED, *(example.text for example in spread(examples, 30))):
        found = explain(text, scorer)
        units = evidence._units(found.normal, "word", found.spans)
        flip = found.flips[0]
        removed = [unit for unit in units if unit.text in flip.removed]
        for kept in removed if len(removed) > 1 else ():
            fewer = evidence._without(found.normal, [unit for unit in removed if unit is not kept])
            assert scorer.label([fewer])[0].domain != found.label.runner_up
            several += 1
    assert several


def test_a_domain_is_weighed_against_any_other(scorer):
    for text in (ROBOT, MIXED, FIREWALL, BAKERY):
        probabilities = explain(text, scorer).probabilities
        for rival in scorer.facts.labels:
            found = explain(text, scorer, rival=rival)
            assert found.rival == (found.label.runner_up if rival == found.label.domain else rival)
            odds = np.log(probabilities[found.label.domain] / probabilities[found.rival])
            assert found.log_odds == pytest.approx(odds)
            for parts in (found.terms, found.spans):
                assert found.constant + sum(part.log_odds for part in parts) == pytest.approx(odds)
            assert {rule.domain for rule in found.codebook if rule.part == "definition"} == {
                found.label.domain,
                found.rival,
            }
            flips = [flip for flip in found.flips if flip.removed]
            assert all(scorer.label([flip.remaining])[0].domain == found.rival for flip in flips)


def test_a_rival_that_is_no_domain_is_refused(scorer):
    with pytest.raises(InputError, match="'robots' is not one of"):
        explain(ROBOT, scorer, rival="robots")


def test_a_planted_deciding_word_is_what_flips(scorer):
    text = "公司提供防火墙，客户有学校和医院"
    found = explain(text, scorer)
    assert found.label.domain == "security"
    assert found.flips[0].removed == ("防火墙",)
    assert scorer.label([found.flips[0].remaining])[0].domain == found.label.runner_up


def test_long_texts_are_tried_in_part_and_this_is_said(scorer, monkeypatch):
    monkeypatch.setattr(evidence, "MOST_READ", 10)
    found = explain(ROBOT, scorer)
    flip = found.flips[0]
    assert flip.tried == evidence.MOST_REMOVED < flip.parts
    assert f"只逐一试了最有分量的{flip.tried}个" in to_text(found)


def test_a_text_is_its_own_nearest_precedent(scorer, precedents, corpus):
    for example in read_examples(corpus)[::20]:
        found = explain(example.text, scorer, precedents=precedents)
        nearest = found.precedents[0]
        assert nearest.similarity == pytest.approx(1, abs=1e-6)
        assert (nearest.id, nearest.label, nearest.text) == (example.id, example.label, example.text)
        assert found.own == nearest
        assert len(found.precedents) == evidence.NEAREST
        similarities = [precedent.similarity for precedent in found.precedents]
        assert similarities == sorted(similarities, reverse=True)


def test_similarity_is_the_cosine_of_scikit_learns_weights(scorer, scheme, precedents, corpus):
    model = load_model(model_folder(), scheme)
    segmenter = Segmenter(load_dictionary(model.lexicon))
    texts = [MIXED, *(example.text for example in read_examples(corpus))]
    documents = [(normalize(text), segmenter.words(normalize(text))) for text in texts]
    products = np.zeros(len(texts))
    blocks = np.zeros((len(texts), 0))
    for block in model.blocks:
        vectorizer = TfidfVectorizer(
            analyzer=lambda d, b=block: [t for t, _, _ in segmenter.terms(b.kind, b.parameters, *d)],
            sublinear_tf=True,
            vocabulary=list(block.vocabulary),
        )
        vectorizer.idf_ = block.idf.astype(np.float64)
        matrix = vectorizer.transform(documents)
        products += (matrix @ matrix[0].T).toarray().ravel()
        blocks = np.column_stack([blocks, matrix.getnnz(axis=1) > 0])
    held = blocks.sum(axis=1)
    expected = products[1:] / np.sqrt(held[1:] * held[0])
    found = explain(MIXED, scorer, precedents=precedents).precedents
    np.testing.assert_allclose(
        [near.similarity for near in found], np.sort(expected)[::-1][: evidence.NEAREST], atol=1e-6
    )


def test_precedents_are_kept_until_texts_change(scorer, corpus, tmp_path, monkeypatch):
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = read_examples(corpus)
    write_corpus(folder, rows[:60])
    first = load_precedents(scorer, folder)
    monkeypatch.setattr("classifier.precedents._build_precedents", lambda *arguments: pytest.fail("was built again"))
    again = load_precedents(scorer, folder)
    assert all(np.array_equal(*arrays) for arrays in zip(vars(first).values(), vars(again).values(), strict=True))
    monkeypatch.undo()
    write_corpus(folder, rows[:50])
    assert len(load_precedents(scorer, folder)) == 50


def test_damaged_and_missing_caches_are_made_again(scorer, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path))
    expected = load_precedents(scorer, corpus)
    for path in tmp_path.glob("precedents-*-weights.npy"):
        path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(load_precedents(scorer, corpus).weights, expected.weights)
    monkeypatch.setattr("classifier.precedents.cache_folder", lambda: None)
    assert np.array_equal(load_precedents(scorer, corpus).weights, expected.weights)


def test_stored_out_of_fold_opinion_comes_before_the_neighbours(scorer, precedents, corpus):
    example = read_examples(corpus)[0]
    stored = {example.id: {"platform": 0.7, "services": 0.3}}
    found = explain(example.text, scorer, precedents=precedents, out_of_fold=stored.get).held_out
    assert (found.source, found.domain, found.probabilities) == ("out of fold", "platform", stored[example.id])
    assert explain(example.text, scorer, precedents=precedents).held_out.source == "neighbours"
    assert explain(MIXED, scorer, precedents=precedents, out_of_fold=stored.get).held_out is None


def test_neighbours_vote_without_the_text_its_copies_and_its_company(scorer, corpus, tmp_path):
    """The text stands there with a wrong label, twice, and once reworded by the same company: none of them counts."""
    rows = [row for row in read_examples(corpus) if row.label == "security"]
    wrong = replace(rows[0], id="x1", label="platform", name="某公司", text=FIREWALL)
    copied = replace(wrong, id="x2", name="")
    reworded = replace(wrong, id="x3", text=FIREWALL.replace("为企业提供", "向各企业提供"))
    write_corpus(tmp_path, [wrong, copied, reworded, *rows])
    found = explain(FIREWALL, scorer, precedents=load_precedents(scorer, tmp_path))
    assert found.own.label == "platform"
    assert found.held_out.probabilities == {"security": pytest.approx(1)}


def test_codebook_lines_of_both_domains_come_with_the_closest_first(scorer, scheme):
    found = explain("协作机器人的研发", scorer)
    pair = {found.label.domain, found.label.runner_up}
    assert {rule.domain for rule in found.codebook} == pair
    best = found.codebook[0]
    assert (best.domain, best.part, best.item) == ("smart_equipment", "includes", "协作机器人")
    assert best.overlap == pytest.approx(1)
    lines = sum(1 + len(d.includes) + len(d.excludes) for d in scheme.domains if d.code in pair)
    assert len(found.codebook) == lines


def test_a_printed_precedent_that_the_text_names_comes_first(scorer):
    rule = explain("睿创微纳研发红外探测器芯片与热像仪", scorer).codebook[0]
    assert (rule.domain, rule.part, rule.item) == ("network_identifier", "precedents", "睿创微纳")


def test_tie_rules_know_which_domains_they_name(scorer):
    rules = evidence._naming_rules(scorer)
    assert [set(rule.domains) for rule in rules] == [
        {"smart_equipment", "automation_edge", "services"},
        {"platform", "industrial_software", "services"},
        {"network_identifier", "platform", "automation_edge", "services"},
        {"security", "industrial_software", "services", "network_identifier"},
        set(),
        {"out_of_scope"},
    ]


def test_tie_rules_that_name_both_domains_come_first(scorer):
    found = evidence._tie_rules(scorer, "smart_equipment", "automation_edge")
    assert found[0].text.startswith("标准化的智能产品")
    assert {"smart_equipment", "automation_edge"} <= set(found[0].domains)
    assert found[-1].domains == ()


@pytest.mark.parametrize("text", ["", "   \n", "龘靐齉爩鱻麤", "12345 67890", "<b></b>"])
def test_texts_without_a_known_term_have_no_terms_and_no_precedents(scorer, precedents, text):
    found = explain(text, scorer, precedents=precedents)
    assert found.terms == found.precedents == ()
    assert found.log_odds == pytest.approx(found.constant)
    assert (found.own, found.held_out) == (None, None)
    assert all(not flip.removed for flip in found.flips)
    assert found.label.reason in to_text(found) or found.label.status == "review"
    assert "</html>" in to_html(found)


def test_history_is_passed_on_and_its_end_is_shown(scorer):
    history = [{"at": f"2026-01-{day:02}", "by": "张三", "domain": "平台", "reason": None} for day in range(1, 20)]
    found = explain(ROBOT, scorer, history=history)
    assert list(found.history) == history
    shown = to_text(found)
    assert "更早的13条从略" in shown
    assert "at 2026-01-19，by 张三，domain 平台" in shown
    assert "2026-01-02" not in shown


def test_the_record_is_json_with_every_term(scorer, precedents):
    found = explain(ROBOT, scorer, precedents=precedents)
    record = json.loads(json.dumps(to_record(found), allow_nan=False))
    assert len(record["terms"]) == len(found.terms)
    assert record["label"]["domain"] == "smart_equipment"
    assert record["constant"] + sum(term["log_odds"] for term in record["terms"]) == pytest.approx(record["log_odds"])
    assert sum(record["probabilities"].values()) == pytest.approx(1)
    assert {"text", "kind", "log_odds", "places"} == set(record["terms"][0])


class Page(HTMLParser):
    """What a browser sees: the names of the elements, their text, and whether all are closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.names, self.text = [], Counter(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.names[tag] += 1
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_well_formed_and_asks_for_nothing(scorer, precedents):
    page = to_html(explain(MIXED, scorer, precedents=precedents), heading="某公司")
    seen = Page(page)
    assert seen.open == []
    assert not {"script", "img", "link", "iframe"} & set(seen.names)
    assert "http://" not in page and "https://" not in page
    assert "某公司" in "".join(seen.text)
    assert seen.names["mark"] > 2


def test_what_comes_from_data_is_escaped(scorer, corpus, tmp_path):
    attack = "<script>alert(1)</script>"
    row = replace(read_examples(corpus)[0], name=attack, text=ROBOT, label=attack, id="x")
    write_corpus(tmp_path, [row])
    history = [{attack: attack}]
    found = explain(ROBOT + "＜script＞", scorer, precedents=load_precedents(scorer, tmp_path), history=history)
    seen = Page(to_html(found, heading=attack))
    assert "script" not in seen.names
    assert seen.open == []
    assert "".join(seen.text).count(attack) >= 4


def test_the_page_shows_the_beginning_of_a_long_text(scorer, monkeypatch):
    without_search(monkeypatch)
    found = explain((ROBOT + "。") * 100, scorer)
    page = "".join(Page(to_html(found)).text)
    assert page.count("协作机器人") < 40
    assert "字从略" in page


def test_brief_evidence_says_the_same_as_the_whole(scorer):
    texts = [ROBOT, "", BAKERY, MIXED]
    for text, brief in zip(texts, explain_briefly(texts, scorer), strict=True):
        found = explain(text, scorer)
        assert (brief.domain, brief.runner_up) == (found.label.domain, found.label.runner_up)
        assert brief.log_odds == pytest.approx(found.log_odds)
        assert [word.text for word in brief.supporting] == [
            word.text for word in evidence._strongest(found.spans, 1)[: len(brief.supporting)]
        ]
        assert brief.clause in found.normal


def test_the_clause_of_brief_evidence_is_the_one_that_adds_most(scorer):
    brief = next(explain_briefly(["公司成立于2009年，主营防火墙与入侵检测，位于苏州"], scorer))
    assert brief.domain == "security"
    assert brief.clause == "主营防火墙与入侵检测"
    assert load_scheme().tie_rules[3] == brief.tie_rule or brief.runner_up == "out_of_scope"


def test_machine_code_finds_the_same_terms(scorer):
    with tracing(scorer, 1) as plain, tracing(scorer, 10_000) as machine:
        for text in (ROBOT, MIXED, ""):
            one, other = plain(text), machine(text)
            np.testing.assert_array_equal(one.numbers, other.numbers)
            np.testing.assert_allclose(one.weights, other.weights)
            np.testing.assert_allclose(one.parts, other.parts, atol=1e-12)
            assert one.word_ends == other.word_ends
            for column in ("occurrence", "begin", "end"):
                np.testing.assert_array_equal(getattr(one, column), getattr(other, column))
