import json
import subprocess
import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.entries import Event, Listing, NewPrediction
from classifier.errors import LedgerError
from classifier.ledger import Ledger
from classifier.reading import Facts, order_reading, read_queue, read_shares, to_records, to_text, weigh_stakes

CODES = ["platform", "security", "out_of_scope"]


def order_of(said, stake, **options):
    """Return the names in the order of reading, and the order."""
    order = order_reading(np.array(list(said.values()), float).reshape(-1, 3), np.array(stake, float), **options)
    return [list(said)[place] for place in order.place], order


def weigh(facts, companies, years=(2019, 2020)):
    return weigh_stakes(facts, list(companies), np.ones(len(companies)), years)


def events(*rows):
    columns = ["company_id", "date", "group", "amount_wan", "published"]
    return pd.DataFrame(rows, columns=columns).astype({"date": "datetime64[ns]", "amount_wan": float})


def greedy(alone, group, spread):
    """Choose one after the other what has the best score, given what has been chosen."""
    left, taken, order = set(range(len(alone))), {}, []
    while left:
        best = max(left, key=lambda i: (alone[i] / (1 + taken.get(group[i], 0)) ** spread, -i))
        order.append(best)
        taken[group[best]] = taken.get(group[best], 0) + 1
        left.remove(best)
    return order


def test_the_larger_stake_is_read_first_when_doubt_is_the_same():
    names, order = order_of({"海川": [0.5, 0.4, 0.1], "光年": [0.5, 0.4, 0.1]}, [1, 5])
    assert names == ["光年", "海川"]
    assert order.doubt.tolist() == pytest.approx([0.9, 0.9])
    assert order.before.tolist() == [0, 1]


def test_the_more_doubtful_is_read_first_when_as_much_hangs_on_it():
    names, order = order_of({"海川": [0.9, 0.1, 0.0], "光年": [0.4, 0.35, 0.25]}, [1, 1])
    assert names == ["光年", "海川"]
    assert [CODES[order.domain[0]], CODES[order.runner_up[0]]] == ["platform", "security"]


def test_a_certain_company_and_one_on_which_nothing_hangs_come_last():
    names, order = order_of({"甲": [1.0, 0.0, 0.0], "乙": [0.5, 0.5, 0.0], "丙": [0.4, 0.4, 0.2]}, [9, 0, 1])
    assert names[0] == "丙"
    assert order.score.tolist() == pytest.approx([1.0, 0.0, 0.0])


def test_labels_take_turns_where_all_else_is_equal():
    said = {"甲": [0.6, 0.4, 0], "乙": [0.6, 0.4, 0], "丙": [0.395, 0.6, 0.005]}
    assert order_of(said, [1, 1, 1])[0][1] == "丙"
    assert order_of(said, [1, 1, 1], spread=0)[0][1] == "乙"


def test_groups_of_the_caller_take_the_place_of_labels():
    said = {"甲": [0.6, 0.4, 0], "乙": [0.6, 0.4, 0], "丙": [0.6, 0.39, 0.01]}
    assert order_of(said, [1, 1, 1], groups=["广东", "广东", "浙江"])[0] == ["甲", "丙", "乙"]


def test_nothing_to_read_is_an_empty_order():
    assert order_of({}, [])[0] == []


@given(
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
def test_sorting_is_the_greedy_choice(rows, spread):
    share = np.array([0.5 + step / 16 for step, _, _ in rows])
    stake = np.array([float(one) for *_, one in rows])
    groups = [group for _, group, _ in rows]
    order = order_reading(np.column_stack([share, 1 - share]), stake, groups=groups, spread=spread)
    expected = greedy(2 * (1 - share) * stake, groups, spread)
    by_place = dict(zip(order.place.tolist(), order.score.tolist(), strict=True))
    assert order.score.tolist() == pytest.approx([by_place[place] for place in expected])  # ties may swap


def test_a_stake_is_the_geometric_mean_of_the_shares_of_cell_and_table():
    facts = Facts({"甲": "浙江", "乙": "浙江", "丙": "青海"})
    assert weigh(facts, "甲乙丙").stake.tolist() == pytest.approx([1 / 3] * 3)  # the list of companies itself
    rows = events(*((company, "2020-03-01", "early", np.nan, False) for company in "甲乙丙"))
    found = weigh(Facts(facts.provinces, rows), "甲乙丙")
    # companies, months and rounds: a third of the one cell; provinces: 1 of 2 and 1 of 1, of 3 events
    assert found.stake.tolist() == pytest.approx([4 / 3 + 6**-0.5] * 2 + [4 / 3 + 3**-0.5])
    assert found.cells.tolist() == [4, 4, 4]


def test_a_company_of_a_small_province_weighs_more():
    ids = [f"c{place}" for place in range(10)]
    provinces = dict.fromkeys(ids, "广东") | {"c9": "西藏"}
    rows = events(*((company, "2020-03-01", "early", 100.0, True) for company in ids))
    stake = weigh(Facts(provinces, rows), ids).stake
    assert stake[9] > stake[0]


def test_what_tables_do_not_count_gives_no_stake():
    rows = events(
        ("甲", "2018-03-01", "early", 100.0, True),  # before the years
        ("甲", "2020-03-01", "none", 100.0, True),  # no venture event
        ("乙", "2020-09-01", "early", 100.0, True),  # after it was listed
        ("丁", "2020-09-01", "early", 100.0, True),  # nobody that we know
    )
    listings = pd.DataFrame(
        [
            ("乙", pd.Timestamp("2020-07-01"), "首发", "科创板", 5e4),
            ("甲", pd.Timestamp("2019-07-01"), "首发", "主板", 1.0),
        ],
        columns=["company_id", "date", "channel", "board", "amount_wan"],
    )
    found = weigh(Facts({}, rows, listings), "甲乙")
    assert (found.events.tolist(), found.amount_wan.tolist(), found.cells.tolist()) == ([0, 0], [0, 5e4], [0, 3])
    assert found.stake[0] == pytest.approx(0.5)


def test_unpublished_amounts_do_not_count():
    rows = events(("甲", "2020-03-01", "early", 100.0, True), ("乙", "2020-03-01", "early", 100.0, False))
    found = weigh(Facts({}, rows), "甲乙")
    assert found.amount_wan.tolist() == [100, 0]
    assert found.stake[0] > found.stake[1]


def test_several_events_of_a_year_are_one_company_of_the_year():
    rows = events(
        *(("甲", f"2020-03-0{day}", "early", np.nan, False) for day in (1, 2)), ("乙", "2020-03-01", "early", 1, 0)
    )
    found = weigh(Facts({}, rows), "甲乙")
    assert found.events.tolist() == [2, 1]
    assert found.cells.tolist() == [4, 4]


# a ledger


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def add(ledger, scheme, name, likeliest, probability, *, version=None):
    company = ledger.add_company(full_name=f"{name}科技有限公司", short_name=name, province="浙江", source="t")
    text = ledger.add_description(company, f"{name}的产品", source="t", dated=date(2020, 1, 1))
    rest = (1 - probability) / (len(scheme.codes) - 1)
    said = {code: probability if code == likeliest else rest for code in scheme.codes}
    prediction = NewPrediction(text, "m", version or scheme.version, said, likeliest, "review")
    ledger.add_predictions([prediction])
    return company


def financed(company, amount=None, year=2020):
    published = amount is not None
    return Event(
        company, date(year, 5, 1), "day", "A轮", "early", amount, amount, amount, published, "RMB", "exact", ("深创投",)
    )


def test_the_queue_of_a_ledger_holds_whom_no_person_has_labelled(ledger, scheme):
    poor, rich, decided, disputed = (add(ledger, scheme, name, "platform", 0.5) for name in "甲乙丙丁")
    ledger.add_events([financed(poor), financed(rich, 9_000.0), financed(decided, 90_000.0)], source="t")
    ledger.decide(decided, "services", person="李雷", reason="服务商")
    ledger.open_dispute(disputed, "security", reason="卖防火墙", person="韩梅梅")
    ledger.add_company(full_name="没有文字有限公司", source="t")
    first, second = read_queue(ledger, scheme)
    assert [(one.company_id, one.before) for one in (first, second)] == [(rich, 0), (poor, 1)]
    assert (first.domain, first.events, first.amount_wan) == ("platform", 1, 9_000.0)
    assert read_queue(ledger, scheme, limit=1) == [first]


def test_the_newest_prediction_and_the_newest_revision_count(ledger, scheme):
    company = add(ledger, scheme, "甲", "platform", 0.5)
    add(ledger, scheme, "甲", "security", 0.6)
    ledger.add_events([financed(company, 100.0)], source="t")
    ledger.add_events([financed(company, 200.0)], source="t")
    [one] = read_queue(ledger, scheme)
    assert (one.domain, one.events, one.amount_wan) == ("security", 1, 200.0)


def test_predictions_of_another_scheme_are_none(ledger, scheme):
    add(ledger, scheme, "甲", "platform", 0.5, version="other")
    with pytest.raises(LedgerError, match="no company has a prediction"):
        read_queue(ledger, scheme)


def test_the_years_may_be_named(ledger, scheme):
    old, new = (add(ledger, scheme, name, "platform", 0.5) for name in "甲乙")
    ledger.add_events([financed(old, 5.0, 2015), financed(new, 5.0, 2020)], source="t")
    assert read_queue(ledger, scheme)[0].company_id == new
    assert read_queue(ledger, scheme, years=(2014, 2015))[0].company_id == old


def test_a_listing_weighs_in_a_ledger_without_events(ledger, scheme):
    _, listed = (add(ledger, scheme, name, "platform", 0.5) for name in "甲乙")
    ledger.add_listings([Listing(listed, "乙", date(2020, 7, 1), "首发", "A股", "科创板", 1e4)], source="t")
    queue = read_queue(ledger, scheme)
    assert [one.cells for one in queue] == [3, 0]
    assert queue[0].company_id == listed


def test_a_ledger_without_facts_is_read_by_doubt(ledger, scheme):
    sure, doubtful = (add(ledger, scheme, name, "platform", share) for name, share in (("甲", 0.9), ("乙", 0.4)))
    assert [one.company_id for one in read_queue(ledger, scheme)] == [doubtful, sure]


def test_a_person_keeps_a_company_without_a_prediction_out_of_the_queue(ledger, scheme):
    company = ledger.add_company(full_name="人工标注有限公司", source="t")
    ledger.add_label(company, "security", person="李雷")
    assert read_queue(ledger, scheme) == []


def test_the_queue_is_told_with_names(ledger, scheme):
    company = add(ledger, scheme, "海川", "platform", 0.5)
    ledger.add_events([financed(company, 12_000.0)], source="t")
    queue = read_queue(ledger, scheme)
    head, line = to_text(ledger, queue, scheme).splitlines()
    assert line.split()[1:4] == ["海川", "平台", "0.50"] and "12,000" in line and "万元" in head
    assert to_records(ledger, queue)[0]["name"] == "海川"
    assert to_text(ledger, [], scheme).startswith("nothing to read")


CODE = st.sampled_from(["platform", "security", "out_of_scope", "e", "robots2"])


@given(
    st.lists(CODE, min_size=1, unique=True),
    st.lists(st.lists(st.floats(0, 1).map(lambda share: round(share, 6)), min_size=5, max_size=5), max_size=5),
    st.randoms(use_true_random=False),
)
def test_shares_are_read_as_json_reads_them(keys, rows, chance):
    said = [dict(zip(keys, row, strict=False)) for row in rows]
    codes = chance.sample(keys, chance.randint(1, len(keys)))
    expected = [[one[code] for code in codes] for one in said]
    compact = [json.dumps(one, separators=(",", ":")) for one in said]
    assert read_shares(compact, codes).tolist() == expected
    others = [json.dumps(dict(reversed(one.items()))) for one in said]
    assert read_shares([*compact, *others], codes).tolist() == expected * 2


def test_the_queue_starts_without_pandas():
    code = "import sys, classifier.reading; print('pandas' in sys.modules, 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"
