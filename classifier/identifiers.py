"""The codes that tell companies apart: unified social credit codes (GB 32100-2015) and stock codes.

A check returns "" or what is wrong; it never raises, because a row with a faulty code is kept and flagged.
"""

import re
import unicodedata

CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015, table 2: without I, O, S, V and Z
CREDIT_LENGTH = 18
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(CREDIT_LENGTH - 1))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714-1997
_MARKS = re.compile(r"[\s\-\u200b-\u200f\u2060\ufeff]+")
_MARKET = re.compile(r"^(?:SH|SZ|BJ)\.?(?=\d{6}$)|(?<=^\d{6})\.?(?:SH|SS|SZ|BJ|XSHG|XSHE)$")
_HONG_KONG = re.compile(r"(?:HK\.?)?(\d{1,5})(?:\.HK)?")
# Prefixes of stock codes; 002 was the 中小板 until it became part of the 主板 in April 2021.
BOARDS = {
    **dict.fromkeys(("688", "689"), "科创板"),
    **dict.fromkeys(("600", "601", "603", "605", "000", "001", "003"), "主板"),
    "002": "中小板",
    **dict.fromkeys(("300", "301", "302"), "创业板"),
    **dict.fromkeys(("43", "82", "83", "87", "88", "920"), "北交所"),
}
HONG_KONG = "港交所"


def plain_credit_code(text: str) -> str:
    """Return a unified social credit code in its normal form: one width, capital letters, no spaces or hyphens.

    >>> plain_credit_code(" ９１４４０３００-1922038216 "), plain_credit_code("9144030071526726xg")
    ('914403001922038216', '9144030071526726XG')
    """
    return _plain(text)


def check_credit_code(text: str, *, organisation: bool = False) -> str:
    """Return "" if a text is a unified social credit code, or else what is wrong with it.

    Any single character that is wrong is found, and so are two neighbours that were swapped. ``organisation`` asks for
    the check digit of the organisation code in places 9 to 17, too (GB 11714-1997).

    >>> check_credit_code("914403001922038216"), check_credit_code("91440300192203821O")
    ('', "'O' in place 18 is not among the letters of credit codes (no I, O, S, V, Z)")
    """
    code = _plain(text)
    if len(code) != CREDIT_LENGTH:
        return f"has {len(code)} characters instead of {CREDIT_LENGTH}"
    for place, character in enumerate(code, 1):
        if character not in CREDIT_CHARACTERS:
            return f"{character!r} in place {place} is not among the letters of credit codes (no I, O, S, V, Z)"
    if not code[2:8].isdigit():
        return f"places 3 to 8 name an area in digits, found {code[2:8]}"
    if (expected := credit_check(code[:-1])) != code[-1]:
        return f"ends in {code[-1]}; by its other characters it would end in {expected}"
    if organisation and (expected := organisation_check(code[8:16])) != code[16]:
        return f"holds the organisation code {code[8:17]}; by its other characters it would end in {expected}"
    return ""


def credit_check(body: str) -> str:
    """Return the check character of the 17 before it: GB 32100-2015, weights 3^place modulo 31.

    >>> credit_check("91440300192203821")
    '6'
    """
    total = sum(
        weight * CREDIT_CHARACTERS.index(character) for weight, character in zip(_CREDIT_WEIGHTS, body, strict=True)
    )
    return CREDIT_CHARACTERS[-total % 31]


def organisation_check(body: str) -> str:
    """Return the check character of the eight before it: GB 11714-1997, modulo 11.

    >>> organisation_check("19220382"), organisation_check("71526726")
    ('1', 'X')
    """
    total = sum(weight * int(character, 36) for weight, character in zip(_ORGANISATION_WEIGHTS, body, strict=True))
    return "0123456789X"[-total % 11]


def plain_stock_code(text: str) -> str:
    """Return a stock code in its normal form: six digits, or those of Hong Kong with ``.HK``.

    >>> [plain_stock_code(text) for text in ("688002.SH", "sz000001", "０７００.hk", "BABA")]
    ['688002', '000001', '00700.HK', 'BABA']
    """
    code = _plain(text)
    found = _HONG_KONG.fullmatch(code)
    if found and ("HK" in code or len(code) == 5):
        return f"{found[1].zfill(5)}.HK"
    return _MARKET.sub("", code)


def check_stock_code(text: str) -> str:
    """Return "" if a text is a stock code of an A-share or of Hong Kong, or else what is wrong with it.

    >>> check_stock_code("688002.SH"), check_stock_code("700.HK")
    ('', '')
    >>> check_stock_code("68800X"), check_stock_code("199999")
    ('is neither six digits nor five of Hong Kong', "begins like no board's code")
    """
    code = plain_stock_code(text)
    if not re.fullmatch(r"[0-9]{6}|[0-9]{5}\.HK", code):
        return "is neither six digits nor five of Hong Kong"
    return "" if stock_board(code) else "begins like no board's code"


def stock_board(text: str) -> str:
    """Return the board of a stock code, "" if it begins like none.

    >>> [stock_board(code) for code in ("688002", "600000.SH", "300750", "002415", "832000", "00700")]
    ['科创板', '主板', '创业板', '中小板', '北交所', '港交所']
    """
    code = plain_stock_code(text)
    if code.endswith(".HK"):
        return HONG_KONG
    if not re.fullmatch("[0-9]{6}", code):
        return ""
    return BOARDS.get(code[:3]) or BOARDS.get(code[:2], "")


def _plain(text: str) -> str:
    bare = _MARKS.sub("", unicodedata.normalize("NFKC", text)).upper()
    return unicodedata.normalize("NFKC", bare)  # an accent that stood on a space may now stand on a letter
