import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from classifier.canvas import INK, WIDTH
from classifier.errors import FontError
from classifier.fonts import find_font, stand_in_font
from classifier.pictures import MARGIN, PNG_DPI
from tests.samples import draw, market_value, months, row, sample_tables, table
from tests.test_fonts import DEJAVU

HANZI = "上市企业总市值（亿元）末其中原有年区间模型直接计数95%0123456789,.—"


@pytest.fixture(scope="module")
def figures():
    return {figure.id: figure for figure in draw(*sample_tables())}


def test_svg_leaves_ink_and_font_to_the_page_and_brings_no_style(figures):
    for svg in (figure.svg for figure in figures.values()):
        root = ElementTree.fromstring(svg)
        assert INK not in svg and "currentColor" in svg
        assert "style" not in svg and root.get("role") == "img"
        assert {element.tag for element in root.iter()}.isdisjoint({"style", "metadata", "script", "image"})
        assert {element.get("fill") for element in root.iter("{http://www.w3.org/2000/svg}text")} == {"currentColor"}
        assert not re.search(r"https?://", svg.replace('xmlns="http://www.w3.org/2000/svg"', ""))


def test_names_inside_svgs_do_not_meet_on_one_page(figures):
    names = [name for figure in figures.values() for name in re.findall(r'\bid="([^"]+)"', figure.svg)]
    assert len(names) == len(set(names))
    for figure in figures.values():
        used = set(re.findall(r"#([\w-]+)\)", figure.svg)) | set(re.findall(r'href="#([^"]+)"', figure.svg))
        assert used <= set(names)


def test_svg_escapes_what_comes_from_data():
    rows = [row((2020, province), "events", "events", 3) for province in ("<b>&x", "$a_1$", "广\x00东")]
    [figure] = draw(table("U4", "provinces", ["year", "province"], rows))
    assert "<b>" not in figure.svg and {"<b>&x", "$a_1$", "广 东"} <= set(ElementTree.fromstring(figure.svg).itertext())


def test_given_font_draws_pictures(tmp_path):
    [without] = draw(market_value(), font=None)
    letters = {letter for table in sample_tables() for letter in str(table.data.to_numpy().tolist())} | set(HANZI)
    letters |= set(without.title)
    font = stand_in_font(letters, tmp_path / "given.ttf")
    [figure] = draw(market_value(), font=str(font))
    picture = Image.open(io.BytesIO(figure.png))
    assert picture.width == int((WIDTH + 2 * MARGIN) / 72 * PNG_DPI)
    assert picture.getpixel((2, 2))[:3] == (255, 255, 255)
    drawn = float(ElementTree.fromstring(figure.svg).attrib["height"])
    assert picture.height > int((drawn + 2 * MARGIN) / 72 * PNG_DPI), "the title stands above the drawing"


def test_missing_character_is_an_error_that_names_it():
    with pytest.raises(FontError, match=r"DejaVuSans.ttf: .*'年' \(U\+5E74\).* table U1"):
        draw(months(), font=DEJAVU)


def test_found_font_has_chinese_shapes(figures):
    if find_font() is None:
        pytest.skip("no Chinese font on this machine")
    assert figures["U1"].png.startswith(b"\x89PNG")
    ink = np.asarray(Image.open(io.BytesIO(figures["U1"].png)).convert("L"))
    assert (ink < 100).mean() > 0.004  # letters and lines, not a blank picture
