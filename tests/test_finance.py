import datetime
import math
import string
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import InputError
from classifier.finance import (
    CURRENCIES,
    GROUPS,
    WORDINGS,
    Day,
    read_amount,
    read_day,
    read_rates,
    read_round,
    read_rounds,
)

FOREIGN = [code for code in CURRENCIES if code != "CNY"]
PARITY = read_rates().override(dict.fromkeys(FOREIGN, 1.0))
ANYTHING = st.one_of(
    st.text(),
    st.text(
        alphabet="0123456789.,-~+ 一二两三十百千万亿数几近过超多余元美港币人民年月日上下半季度轮系列$¥ABkmbqhPre未披露"
    ),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(),
)


def day(year, month=1, date=1):
    return datetime.date(year, month, date)


def bounds(text, **options):
    amount = read_amount(text, rates=PARITY, **options)
    return [pytest.approx(value) for value in amount[:3]], amount.currency, amount.rule


def refuses(read, value, message):
    with pytest.raises(InputError, match=message):
        read(value)


# rounds


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("种子轮", ["种子", "种子轮", "Seed", "SEED ROUND", "Series Seed"]),
        ("天使轮", ["天使", "天使投资", "Angel", "angel round", "种子轮/天使轮", "种子天使轮"]),
        ("Pre-A轮", ["Pre-A", "PreA轮", "pre a", "Pre-Series A", "ＰＲＥ－Ａ轮"]),
        (
            "A轮",
            ["A", "a轮", "Ａ轮", "A 轮", "\u00a0A\u3000轮\t", "A轮系列", "A轮融资", "Series A", "series_a", "Round A"],
        ),
        ("A1轮", ["A1", "A-1轮", "Series A1"]),
        ("A+轮", ["A+", "A＋轮", "A轮+", "Series A+"]),
        ("A++轮", ["A++", "A＋＋轮"]),
        ("Pre-B+轮", ["Pre-B+", "PreB+轮"]),
        ("B3轮", ["B3", "B3轮"]),
        ("Pre-IPO", ["pre-ipo", "PreIPO轮", "F轮-上市前"]),
        ("战略投资", ["战略融资", "战略", "战略轮", "Strategic Investment", "corporate_round"]),
        ("新三板", ["新三板", "新三板挂牌"]),
        ("定向增发", ["定增", "新三板定增", "Private Placement"]),
        ("并购", ["并购", "收购", "M&A", "Acquisition"]),
        ("IPO上市", ["IPO", "上市", "已上市", "借壳上市\t"]),
        ("债权融资", ["债权融资", "debt_financing"]),
        ("股权融资", ["股权融资", "Private Equity", "Venture - Series Unknown"]),
        ("未披露", ["", " ", "-", "--", "未知", "未透露", "N/A", "Undisclosed", None, math.nan]),
    ],
)
def test_every_spelling_of_a_round_has_one_code(code, names):
    assert {read_round(name).code for name in names} == {code}


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("early", ["种子轮", "天使轮", "天使+轮", "Pre-A轮", "A轮", "A2轮", "A+轮", "A轮系列"]),
        ("late", ["Pre-B轮", "B轮", "C+轮", "G轮", "后期阶段", "Pre-IPO"]),
        ("strategic", ["战略投资", "战略融资"]),
        ("other", ["新三板", "定向增发"]),
        ("unknown", ["未披露", "股权融资"]),
        ("none", ["并购", "股权转让", "IPO上市", "上市后", "债权融资", "私有化", "停止运营", "未融资"]),
    ],
)
def test_rounds_are_grouped_as_the_report_says_and_none_are_no_venture_events(group, names):
    found = [read_round(name) for name in names]
    assert {item.group for item in found} == {group}
    assert {item.venture for item in found} == {group != "none"}


@pytest.mark.parametrize("name", ["AA轮", "X轮", "A/B轮", "A轮-B轮", "A0轮", "A轮及以前", "轮", "！", "Pre", "机器人"])
def test_unknown_round_is_refused_not_guessed(name):
    refuses(read_round, name, f"found '{name}', expected a round such as 天使轮")


def test_number_is_no_round():
    refuses(read_round, 3, "found 3, expected a round")


LADDER = [
    "种子轮",
    "天使轮",
    "Pre-A轮",
    "Pre-A+轮",
    "A轮",
    "A1轮",
    "A2轮",
    "A+轮",
    "A++轮",
    "Pre-B轮",
    "B轮",
    "B+轮",
    "E+轮",
]


def test_order_rises_along_the_ladder():
    orders = [read_round(name).order for name in [*LADDER, "F轮", "N轮", "后期轮", "Pre-IPO", "战略投资"]]
    assert orders == sorted(set(orders))


@given(
    st.sampled_from("ABCDEFGHIJKLMN"),
    st.sampled_from(["", "+", "++", "+++"]),
    st.sampled_from(["", *"123456789"]),
    st.booleans(),
)
def test_a_letter_round_stands_between_its_neighbours(letter, pluses, number, pre):
    found = read_round(f"{'Pre-' if pre else ''}{letter}{number}{pluses}轮")
    assert found.code == f"{'Pre-' if pre else ''}{letter}{number}{pluses}轮"
    after = ord(letter) - ord("A")
    if pre:
        assert found.order < read_round(letter).order
    if after:
        earlier = string.ascii_uppercase[after - 1]
        assert found.order > read_round(f"{earlier}9+++").order


def test_shipped_rounds_are_read_by_their_own_codes_and_in_a_group():
    rounds = set(read_rounds().values())
    assert all(read_round(item.code) == item and item.group in GROUPS for item in rounds)
    assert len({item.order for item in rounds}) == len(rounds)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("A轮,early,1,B轮\nB轮,late,2,\n", "line 3: 'B轮' stands for A轮 already"),
        ("A轮,young,1,\n", "line 2: expected a number as order and one of early"),
        ("A轮,early,one,\n", "line 2: expected a number as order"),
        ("A轮,early\n", "line 2: expected 4 cells"),
    ],
)
def test_faulty_table_of_rounds_is_refused_with_the_place(tmp_path, rows, message):
    path = tmp_path / "rounds.csv"
    path.write_text("code,group,order,aliases\n" + rows, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_rounds(path)


# amounts


@pytest.mark.parametrize(
    ("text", "wan", "currency"),
    [
        ("3.5亿人民币", 35_000, "CNY"),
        ("1000万美元", 1_000, "USD"),
        ("人民币 1,200 万元", 1_200, "CNY"),
        ("5000000元", 500, "CNY"),
        ("¥3,000,000", 300, "CNY"),
        ("１２００万元", 1_200, "CNY"),
        ("500W人民币", 500, "CNY"),
        ("3億港元", 30_000, "HKD"),
        ("HK$10M", 1_000, "HKD"),
        ("2亿港币", 20_000, "HKD"),
        ("US$10M", 1_000, "USD"),
        ("$5.5 million", 550, "USD"),
        ("30k usd", 3, "USD"),
        ("3亿元美元", 30_000, "USD"),
        ("1000万(美元)", 1_000, "USD"),
        ("RMB 30 million", 3_000, "CNY"),
        ("1.2 billion yuan", 120_000, "CNY"),
        ("9亿欧元", 90_000, "EUR"),
        ("€5m", 500, "EUR"),
        ("400万英镑", 400, "GBP"),
        ("30亿日元", 300_000, "JPY"),
        ("500亿韩圆", 5_000_000, "KRW"),
        ("2000万新加坡元", 2_000, "SGD"),
        ("5亿印度卢比", 50_000, "INR"),
        ("1亿新台币", 10_000, "TWD"),
        ("3000万加元", 3_000, "CAD"),
        ("A$12m", 1_200, "AUD"),
        ("三千万元", 3_000, "CNY"),
        ("一亿两千万元", 12_000, "CNY"),
        ("十亿元", 100_000, "CNY"),
        ("三点五亿元", 35_000, "CNY"),
        ("壹佰贰拾万元", 120, "CNY"),
        ("1亿2000万元", 12_000, "CNY"),
        ("3千5百万元", 3_500, "CNY"),
        ("1.2万亿元", 120_000_000, "CNY"),
    ],
)
def test_exact_amounts_are_read_in_every_notation(text, wan, currency):
    assert bounds(text) == ([wan] * 3, currency, "exact")


@pytest.mark.parametrize(
    ("text", "expected", "rule"),
    [
        ("数十万人民币", [20, 42, 90], "several"),
        ("数千万元", [2_000, 4_200, 9_000], "several"),
        ("几千万元", [2_000, 4_200, 9_000], "several"),
        ("数百亿元", [2e6, 4.2e6, 9e6], "several"),
        ("several million yuan", [200, 420, 900], "several"),
        ("数亿元以上", [20_000, 42_000, 90_000], "several"),
        ("近千万人民币", [800, 900, 1_000], "near"),
        ("近亿元", [8_000, 9_000, 10_000], "near"),
        ("不到1亿元", [8_000, 9_000, 10_000], "near"),
        ("约5000万元", [4_500, 5_000, 5_500], "about"),
        ("5000万元左右", [4_500, 5_000, 5_500], "about"),
        ("过亿元", [10_000, 12_000, 20_000], "over"),
        ("超过2亿元", [20_000, 24_000, 40_000], "over"),
        ("上亿元", [10_000, 12_000, 20_000], "over"),
        ("3000余万元", [3_000, 3_600, 6_000], "over"),
        ("2亿多元", [20_000, 24_000, 40_000], "over"),
        ("十几亿元", [100_000, 120_000, 200_000], "over"),
        ("1000万+人民币", [1_000, 1_200, 2_000], "over"),
        ("over 1 billion RMB", [100_000, 120_000, 200_000], "over"),
        ("亿元及以上", [10_000, 20_000, 200_000], "least"),
        ("至少1000万元", [1_000, 2_000, 20_000], "least"),
        ("亿元级", [10_000, 25_000, 100_000], "level"),
        ("千万级人民币", [1_000, 2_500, 10_000], "level"),
        ("千万元", [1_000, 2_500, 10_000], "level"),
        ("1000万-3000万人民币", [1_000, 2_000, 3_000], "range"),
        ("1～2亿元", [10_000, 15_000, 20_000], "range"),
        ("$5M-$10M", [500, 750, 1_000], "range"),
        ("5000万至1亿元", [5_000, 7_500, 10_000], "range"),
    ],
)
def test_words_give_the_interval_of_their_rule(text, expected, rule):
    found, _, told = bounds(text)
    assert (found, told) == (expected, rule)


def test_a_number_without_currency_is_rmb_and_the_rule_says_so():
    assert bounds("288.5亿") == ([2_885_000] * 3, "CNY", "exact_assumed_rmb")
    assert bounds("数千万")[1:] == ("CNY", "several_assumed_rmb")


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "-",
        "--",
        "未披露",
        "未透露",
        "未披露人民币",
        "金额未知",
        "Undisclosed",
        "n/a",
        "0",
        "0万元",
        None,
        math.nan,
        0,
    ],
)
def test_what_is_not_published_has_no_value(value):
    amount = read_amount(value, rates=PARITY)
    assert all(map(math.isnan, amount[:3]))
    assert amount[3:] == ("", "undisclosed", False)


@pytest.mark.parametrize(
    ("value", "unit", "wan", "currency"),
    [
        (1200, "万元", 1_200, "CNY"),
        (0.35, "亿元", 3_500, "CNY"),
        ("1,234.5", "万元", 1_234.5, "CNY"),
        ("500", "万美元", 500, "USD"),
        (5_000_000, "元", 500, "CNY"),
        ("3亿", "万美元", 30_000, "USD"),
        ("3亿元", "万美元", 30_000, "CNY"),
        ("40万欧元", "万元", 40, "EUR"),
    ],
)
def test_the_columns_unit_holds_for_numbers_that_have_none(value, unit, wan, currency):
    assert bounds(value, unit=unit) == ([wan] * 3, currency, "exact")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1200", "without a unit"),
        (1200, "without a unit"),
        ("一亿五", "expected an amount"),  # 1.5亿, or 1亿零5
        ("两三千万元", "expected an amount"),
        ("1 2亿元", "expected an amount"),
        ("-3000万元", "expected an amount"),
        ("1000万其他", "expected an amount"),
        ("1,20万元", "expected an amount"),
        ("十-20万元", "expected an amount"),
        ("m", "expected an amount"),
        ("美元", "expected an amount"),
        ("融资", "expected an amount"),
        ("1" * 16 + "元", "expected an amount"),
        ("1000万美元" * 20, "of 140 characters, expected at most 80"),
        ("人民币1000万美元", "with CNY and USD, expected one currency"),
        ("3亿-1亿元", "begins with its lower end"),
        (-1, "expected an amount"),
        (math.inf, "expected an amount"),
        (10**30, "more than 18 digits"),
        (True, "expected an amount"),
        (day(2020), "expected an amount"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(value, message):
    refuses(lambda cell: read_amount(cell, rates=PARITY), value, message)


@given(st.integers(1, 10**9), st.integers(0, 4))
def test_notations_of_one_amount_give_the_same_value(yuan, places):
    wan = Decimal(yuan).scaleb(-places)
    texts = [
        f"{wan}万元",
        f"{wan / 10**4:f}亿元",
        f"{wan * 10**4:f}元",
        f"人民币{wan:,f}万",
        f"RMB {wan / 100:f} million",
    ]
    assert {read_amount(text, rates=PARITY).point_wan for text in texts} == {float(wan)}
    assert read_amount(f"约{wan}万元", rates=PARITY).point_wan == float(wan)


@given(st.sampled_from(FOREIGN), st.sampled_from(["3亿", "数千万", "近亿", "1-2亿"]), st.floats(1e-3, 1e3))
def test_amounts_scale_with_the_rate(currency, text, rate):
    name = CURRENCIES[currency].split()[0]
    amount = read_amount(text + name, rates=PARITY.override({currency: rate}))
    assert amount.currency == currency
    assert amount[:3] == pytest.approx([value * rate for value in read_amount(text + name, rates=PARITY)[:3]])


@given(
    st.one_of(*(st.sampled_from(words.split("|")) for w in WORDINGS for words in (w.before,) if words)),
    st.integers(1, 999),
)
def test_low_point_and_high_rise(word, number):
    low, point, high = read_amount(f"{word}{number}万元", rates=PARITY)[:3]
    assert low <= point <= high
    assert low < high


@given(ANYTHING, st.sampled_from([None, "万元", "亿美元", "?"]))
def test_any_cell_is_an_amount_or_refused(value, unit):
    try:
        amount = read_amount(value, rates=PARITY, unit=unit)
    except InputError as error:
        assert str(error).startswith("found ")
    else:
        assert amount.published == (amount.low_wan <= amount.point_wan <= amount.high_wan)


def test_wordings_hold_their_point_between_low_and_high_and_say_why():
    assert all(w.low <= w.point <= w.high and w.reason for w in WORDINGS)
    assert len({w.rule for w in WORDINGS}) == len(WORDINGS)


# rates


def test_the_report_rates_hold_in_2020():
    rates = read_rates()
    assert rates.rmb_per("USD", day(2020)) == rates.rmb_per("USD", day(2020, 12, 31)) == 6.4614
    assert rates.rmb_per("HKD", datetime.datetime(2020, 6, 1, 12)) == 0.8335
    assert read_amount("1000万美元", rates=rates, on=day(2020, 5)).point_wan == pytest.approx(6_461.4)


def test_a_rate_holds_until_the_next_and_the_first_before_all(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text(
        "currency,valid_from,rmb_per_unit,source\nUSD,2019-01-01,7,x\nUSD,2018-01-01,6,x\n", encoding="utf-8"
    )
    rates = read_rates(path)
    days = [day(1990), day(2018), day(2018, 12, 31), day(2019), day(2050), None]
    assert [rates.rmb_per("USD", on) for on in days] == [6, 6, 6, 7, 7, 7]
    assert rates.rmb_per("CNY", day(2019)) == 1
    refuses(rates.rmb_per, "EUR", "no exchange rate of 'EUR'; there are USD")


def test_every_currency_that_is_read_has_a_rate_and_a_source():
    rates = read_rates()
    assert set(rates.entries) == set(FOREIGN)
    assert all(0.001 < rates.rmb_per(code, day(year)) < 20 for code in FOREIGN for year in range(1990, 2030))


@pytest.mark.parametrize("rate", [0, -7, math.nan, math.inf])
def test_override_wants_positive_numbers(rate):
    refuses(read_rates().override, {"USD": rate}, "not a positive number")


def test_override_wants_known_currencies():
    refuses(read_rates().override, {"usd": 7.0}, "'usd' is not one of USD, HKD")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"currency,rate\n", "found columns"),
        (b"currency,valid_from,rmb_per_unit,source\nUSD,2020,7,x\n", "line 2: Invalid isoformat"),
        (b"currency,valid_from,rmb_per_unit,source\nUSD,2020-01-01,seven,x\n", "line 2: could not convert"),
        (b"currency,valid_from,rmb_per_unit,source\nXXX,2020-01-01,7,x\n", "line 2: currency 'XXX'"),
        (b"currency,valid_from,rmb_per_unit,source\nUSD,2020-01-01,7,x\nUSD,2020-01-01,8,x\n", "line 3: this day has"),
        ("currency,valid_from,rmb_per_unit,source\nUSD,2020-01-01,7,年均".encode("gb18030"), "csv file in UTF-8"),
    ],
)
def test_faulty_table_of_rates_is_refused_with_the_place(tmp_path, content, message):
    path = tmp_path / "rates.csv"
    path.write_bytes(content)
    refuses(read_rates, path, message)


def test_missing_table_is_named(tmp_path):
    refuses(read_rates, tmp_path / "rates.csv", "No such file")


# dates


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (
            Day(day(2014, 12, 4), "day"),
            [
                "2014.12.4",
                "2014-12-04",
                "2014/12/4",
                "２０１４／１２／０４",
                "20141204",
                20141204,
                "2014年12月4日",
                "2014 年 12 月 4 日",
            ],
        ),
        (
            Day(day(2020, 7, 3), "day"),
            [
                *("2020-07-03T10:00:00Z", "2020-07-03 10:00", "2020-07-03 10:00:00.5+08:00", "2020年7月3日10:00"),
                *("Jul 3, 2020", "July 3rd 2020", "3 July 2020", "03-Jul-2020"),
                *(day(2020, 7, 3), datetime.datetime(2020, 7, 3, 10), 44015, 44015.75, "44015", "44015.75"),
            ],
        ),
        (Day(day(2020, 7), "month"), ["2020-07", "2020.7", "2020年7月", "202007", 202007, "July 2020", "Jul. 2020"]),
        (Day(day(2020, 7), "quarter"), ["2020Q3", "2020-Q3", "2020年Q3", "2020年第三季度", "2020年3季度", "Q3 2020"]),
        (Day(day(2020, 7), "half"), ["2020年下半年", "2020H2", "H2 2020"]),
        (Day(day(2020), "half"), ["2020年上半年", "2020上半年", "2020H1"]),
        (Day(day(2020), "year"), ["2020", "2020年", 2020, 2020.0]),
    ],
)
def test_every_form_of_a_date_is_read(expected, values):
    assert [read_day(value) for value in values] == [expected] * len(values)


def test_excel_days_are_those_that_excel_shows():
    assert read_day(36526).date == day(2000)
    assert read_day(43831).date == day(2020)
    assert read_day(55000).date == day(2050, 7, 31)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0002-12-02", "in the year 2, expected 1980 to 2100"),
        ("0000-00-00", "in the year 0"),
        ("1970-01-01", "in the year 1970"),
        ("2101-01-01", "in the year 2101"),
        (datetime.date(1899, 12, 31), "in the year 1899"),
        (20191, "in the year 1955"),
        ("2019-02-30", "which no calendar has"),
        ("2020-13", "which no calendar has"),
        ("Foo 3, 2020", "which no calendar has"),
        ("03/07/2020", "expected a date"),
        ("20-7-3", "expected a date"),
        ("2020-7/3", "expected a date"),
        ("2020-07-03 25:00", "expected a date"),
        ("2020年7月上旬", "expected a date"),
        (2014.12, "expected a date"),
        (-1, "expected a date"),
        (10**30, "more than 18 digits"),
        (True, "expected a date"),
        ("", "expected a date"),
        (None, "an empty cell"),
        (math.nan, "an empty cell"),
    ],
)
def test_what_is_no_date_is_refused_with_the_reason(value, message):
    refuses(read_day, value, message)


FORMS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


@given(st.datetimes(datetime.datetime(1980, 1, 1), datetime.datetime(2100, 12, 31)), st.sampled_from(FORMS))
def test_a_written_day_is_read_back(moment, form):
    expected = Day(moment.date(), "day")
    assert read_day(moment.strftime(form)) == expected
    assert read_day((moment.date() - day(1899, 12, 30)).days) == expected


@given(ANYTHING)
def test_any_cell_is_a_date_or_refused(value):
    try:
        assert 1980 <= read_day(value).date.year <= 2100
    except InputError as error:
        assert str(error).startswith("found ")


@given(ANYTHING)
def test_any_cell_is_a_round_or_refused(value):
    try:
        assert read_round(value).group in GROUPS
    except InputError as error:
        assert str(error).startswith("found ")


@pytest.mark.parametrize("read", [read_round, read_day, lambda cell: read_amount(cell, rates=PARITY)])
def test_a_number_that_python_will_not_print_is_refused(read):
    with pytest.raises(InputError, match="more than 18 digits"):
        read(10**5000)
