import sys

from classifier.doctor import examine
from classifier.fonts import missing_font_hint


def test_without_a_font_doctor_says_how_to_install_one(no_fonts, tmp_path):
    assert examine(tmp_path, tmp_path)[0]["chinese font"] == missing_font_hint()


def test_doctor_works_without_matplotlib(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "classifier.fonts")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert examine(tmp_path, tmp_path)[0]["chinese font"] == "unknown: package matplotlib is missing"
