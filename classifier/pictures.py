"""Drawings as files: SVG that takes ink and font from the page it stands on, and PNG on white."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontPath, FontProperties
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from classifier.canvas import INK, WIDTH, printable, wrapped, write
from classifier.errors import FontError
from classifier.fonts import FAMILIES, lacking, stand_in_font

PNG_DPI, MARGIN, TITLE_SIZE = 200, 14, 16
_SVG = "http://www.w3.org/2000/svg"
_LEFT_OUT = (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style")
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


def set_font(canvas: Canvas, name: str, face: FontPath | None, folder: Path) -> None:
    """Give all text of a drawing a font: ``face`` or, without one, a stand-in that is kept in ``folder``.

    Raises
    ------
    FontError
        If the font lacks a character.
    """
    texts = [text for text in canvas.findobj(Text) if isinstance(text, Text)]
    characters = set("".join(text.get_text() for text in texts))
    if face and (missing := lacking(face, characters)):
        named = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in missing)
        raise FontError(f"{face.path}: has no shape for {named}, found in table {name}; name another with --font")
    font = face or stand_in_font(characters, folder / f"{name}.ttf")
    for text in texts:
        text.set_fontproperties(FontProperties(fname=font, size=text.get_fontsize()))


def entitle(canvas: Canvas, title: str) -> float:
    """Write a title above a drawing, for pictures that stand alone, and return how many pixels it takes."""
    lines = wrapped(title, letters=int(WIDTH / TITLE_SIZE), lines=3)
    write(canvas, 0, -TITLE_SIZE, lines, size=TITLE_SIZE, va="bottom")
    return TITLE_SIZE * (1 + 1.3 * len(lines.split("\n")))


def png_bytes(canvas: Canvas, headroom: float = 0) -> bytes:
    """Return a drawing as PNG: on white, with a margin, and so many pixels above it."""
    wide, high = canvas.get_size_inches()
    frame = Bbox.from_extents(0, 0, wide, high + headroom / 72).padded(MARGIN / 72)
    file = io.BytesIO()
    canvas.savefig(file, format="png", dpi=PNG_DPI, facecolor="white", bbox_inches=frame, metadata={"Software": None})
    return file.getvalue()


def svg_text(canvas: Canvas, name: str, title: str, alt: str) -> str:
    """Return a drawing as a part of any page: ink and font are the page's, nothing of it reaches the page."""
    file = io.BytesIO()
    canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())
    _, _, across, down = root.attrib.pop("viewBox").split()
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _LEFT_OUT]:
            parent.remove(child)
    used = set(
        re.findall(r"#([\w-]+)", " ".join(value for element in root.iter() for value in element.attrib.values()))
    )
    for element in root.iter():
        _restyle(element, name, used)
    families = ", ".join([*(f"'{family}'" for family in FAMILIES), "sans-serif"])
    root.attrib = {
        **{"xmlns": _SVG, "viewBox": f"0 0 {across} {down}", "width": across, "height": down},
        **{"role": "img", "aria-labelledby": f"{name}-title {name}-alt"},
        **{"font-family": families, "stroke-linejoin": "round"},
    }
    root[:0] = [_described("title", f"{name}-title", title), _described("desc", f"{name}-alt", alt)]
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _described(tag: str, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag, {"id": name})
    element.text = printable(text)
    return element


def _restyle(element: ElementTree.Element, name: str, used: set[str]) -> None:
    """Turn styles into attributes (a strict page allows no styles), ink into currentColor, and make names its own."""
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    given = element.attrib
    for rule in filter(None, given.pop("style", "").split(";")):
        key, _, value = rule.partition(":")
        given[key.strip()] = value.strip().replace(INK, "currentColor")
    given.pop("font-family", None)
    if given.get("id") not in used:
        given.pop("id", None)
    if _XLINK_HREF in given:
        given["href"] = given.pop(_XLINK_HREF)
    for key in {"id", "href", "clip-path"} & given.keys():
        given[key] = f"{name}-{given[key]}" if key == "id" else given[key].replace("#", f"#{name}-")
