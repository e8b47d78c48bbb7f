from pathlib import Path

import matplotlib
import pytest
from matplotlib import font_manager

from classifier.errors import FontError
from classifier.fonts import find_font, missing_font_hint, stand_in_font

DEJAVU = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@pytest.mark.parametrize("content", [None, b"no font"])
def test_file_that_is_no_font_is_an_error(tmp_path, content):
    path = tmp_path / "a.ttf"
    if content:
        path.write_bytes(content)
    with pytest.raises(FontError, match=r"a\.ttf: not a font"):
        find_font(path)


def test_without_a_font_the_hint_says_how_to_install_one(no_fonts):
    assert find_font() is None
    for word in ("fonts-noto-cjk", "dnf install", "brew", "Windows", "--font FILE"):
        assert word in missing_font_hint()


def test_font_installed_after_matplotlib_made_its_list_is_found(no_fonts, monkeypatch, tmp_path):
    font = tmp_path / "new.ttf"
    stand_in_font("工业互联网", font, family="Noto Sans SC")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [str(DEJAVU), str(font)])
    assert find_font() == str(font)
