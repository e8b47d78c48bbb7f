import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.identifiers import (
    BOARDS,
    CREDIT_CHARACTERS,
    check_credit_code,
    check_stock_code,
    credit_check,
    plain_credit_code,
    plain_stock_code,
    stock_board,
)

PUBLISHED = (
    "914403001922038216",  # 华为技术有限公司
    "9144030071526726XG",  # 深圳市腾讯计算机系统有限公司
    "91330100799655058B",  # 阿里巴巴（中国）有限公司
    "91110000802100433B",  # 北京百度网讯科技有限公司
    "91110108551385082Q",  # 小米科技有限责任公司
    "91440300192317458F",  # 比亚迪股份有限公司
)
places = st.integers(0, 17)
bodies = st.builds(
    "".join,
    st.tuples(
        st.text(CREDIT_CHARACTERS, min_size=2, max_size=2),
        st.text("0123456789", min_size=6, max_size=6),
        st.text(CREDIT_CHARACTERS, min_size=9, max_size=9),
    ),
)
codes = bodies.map(lambda body: body + credit_check(body))


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_are_sound(code):
    assert check_credit_code(code, organisation=True) == ""


def test_letters_may_stand_in_places_1_and_2():
    body = "A1110000000000000"
    assert check_credit_code(body + credit_check(body)) == ""
    body = "9N110000000000000"
    assert check_credit_code(body + credit_check(body)) == ""


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", "has 0 characters"),
        ("91440300192203821", "has 17 characters"),
        ("9144030019220382160", "has 19 characters"),
        ("9144O3001922038216", "'O' in place 5"),
        ("9144030019220382１I", "'I' in place 18"),
        ("91440A001922038216", "places 3 to 8"),
        ("914403001922038217", "would end in 6"),
        ("91440300192203821Ⅷ", "has 21 characters"),
        ("统一社会信用代码没有登记的这家公司九八", "has 19 characters"),
    ],
)
def test_fault_is_named(code, fault):
    assert fault in check_credit_code(code)


def test_organisation_code_has_a_check_digit_of_its_own():
    body = "91440300192203822"  # 1922 0382 ends in 1
    code = body + credit_check(body)
    assert check_credit_code(code) == ""
    assert "would end in 1" in check_credit_code(code, organisation=True)


@given(codes, places, st.sampled_from(CREDIT_CHARACTERS))
def test_any_other_character_is_found(code, place, character):
    changed = code[:place] + character + code[place + 1 :]
    assert (check_credit_code(changed) == "") == (changed == code)


@given(codes, st.integers(0, 16))
def test_swapped_neighbours_are_found(code, place):
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (check_credit_code(swapped) == "") == (swapped == code)


@given(codes)
def test_width_case_and_spaces_do_not_matter(code):
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code)
    for variant in (code.lower(), wide, f" {code[:6]} {code[6:]}\u200b\n"):
        assert plain_credit_code(variant) == code
        assert check_credit_code(variant) == ""


@given(st.text(max_size=30))
@example("A´")
def test_checks_never_raise_and_normal_forms_are_stable(text):
    assert isinstance(check_credit_code(text) + check_stock_code(text) + stock_board(text), str)
    assert plain_credit_code(plain_credit_code(text)) == plain_credit_code(text)
    assert bool(stock_board(text)) == (check_stock_code(text) == "")


@pytest.mark.parametrize(
    ("code", "board"),
    [
        ("688002", "科创板"),
        ("689009", "科创板"),
        ("600519", "主板"),
        ("000001", "主板"),
        ("002415", "中小板"),
        ("300750", "创业板"),
        ("301001", "创业板"),
        ("832000", "北交所"),
        ("920002", "北交所"),
        ("00700.HK", "港交所"),
        ("700.hk", "港交所"),
        ("900901", ""),  # B shares are none of the report's boards
        ("BABA", ""),
    ],
)
def test_board_follows_from_prefix(code, board):
    assert stock_board(code) == board


@pytest.mark.parametrize("text", ["688002", "688002.SH", "sh688002", "SH.688002", "６８８００２．ＳＨ", " 688002 "])
def test_exchange_beside_a_stock_code_does_not_matter(text):
    assert plain_stock_code(text) == "688002"
    assert check_stock_code(text) == ""


def test_lost_zeros_are_a_fault():
    assert check_stock_code("2415")
    assert check_stock_code("1")


def test_no_prefix_hides_a_longer_one():
    assert all(stock_board(prefix.ljust(6, "0")) == board for prefix, board in BOARDS.items())
