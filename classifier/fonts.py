"""A font with Chinese shapes: where to find one, what it lacks, and what stands in for it where there is none."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from matplotlib import font_manager
from matplotlib.font_manager import FontPath
from matplotlib.ft2font import FT2Font

from classifier.errors import FontError
from classifier.tables import width

FAMILIES = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Source Han Sans"),
    *("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "HarmonyOS Sans SC", "MiSans", "DengXian"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Heiti SC", "STHeiti", "SimHei", "Arial Unicode MS"),
    *("Droid Sans Fallback", "Noto Serif CJK SC", "Songti SC", "STSong", "SimSun", "AR PL UMing CN"),
)
PACKAGED = (("pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"),)


def find_font(given: str | Path | None = None) -> FontPath | None:
    """Return a font file (with the number of its face) that has Chinese shapes; None where there is none.

    Looks at ``given``, else at installed fonts, also those that came after matplotlib made its list, else at fonts that
    Python packages carry.

    Raises
    ------
    FontError
        If ``given`` is no font.
    """
    if given is not None:
        return _given_font(Path(given))
    return _installed_font() or _newly_installed_font() or _packaged_font()


def missing_font_hint() -> str:
    """Return what to do where no Chinese font was found."""
    return (
        "no Chinese font found, so there are no PNG figures, only SVG; install one "
        "(Debian, Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts; "
        "macOS: brew install --cask font-noto-sans-cjk-sc; Windows: Settings > System > Optional features > "
        "Chinese (Simplified) Supplemental Fonts), or name a ttf, otf or ttc file with --font FILE"
    )


def _given_font(path: Path) -> FontPath:
    try:
        faces = [FT2Font(str(path), face_index=index) for index in range(FT2Font(str(path)).num_faces)]
    except (OSError, RuntimeError) as error:
        raise FontError(f"{path}: not a font that can be read ({error}); name a ttf, otf or ttc file") from error
    simplified = [face.face_index for face in faces if face.family_name in FAMILIES]
    return FontPath(str(path), (simplified or [0])[0])


def _installed_font() -> FontPath | None:
    upright = [entry for entry in font_manager.fontManager.ttflist if entry.style == "normal"]
    named = [entry for entry in upright if entry.name in FAMILIES and Path(entry.fname).exists()]
    named.sort(key=lambda entry: (FAMILIES.index(entry.name), abs(int(entry.weight) - 400), entry.fname))
    return next((FontPath(entry.fname, entry.index) for entry in named if _is_chinese(entry.fname, entry.index)), None)


def _newly_installed_font() -> FontPath | None:
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            face = _given_font(Path(path))
        except FontError:
            continue
        family = FT2Font(face.path, face_index=face.face_index).family_name
        if family in FAMILIES and _is_chinese(face.path, face.face_index):
            return face
    return None


def _packaged_font() -> FontPath | None:
    for package, file in PACKAGED:
        found = importlib.util.find_spec(package)
        if found and found.origin and (path := Path(found.origin).with_name(file)).exists():
            return FontPath(str(path), 0)
    return None


def _is_chinese(path: str, face: int) -> bool:
    return not lacking(FontPath(path, face), "工业互联网")


def lacking(font: FontPath, characters: Iterable[str]) -> list[str]:
    """Return the characters for which a font has no shape."""
    shapes = FT2Font(font.path, face_index=font.face_index).get_charmap()
    return sorted(character for character in set(characters) if ord(character) not in shapes)


def stand_in_font(characters: Iterable[str], path: Path, *, family: str = "gonglian stand-in") -> FontPath:
    """Return a font of empty shapes whose widths are those of usual fonts: Chinese 1 em, others over half."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.ttLib.tables._g_l_y_f import Glyph

    shapes = {ord(character): "wide" if width(character) > 1 else "narrow" for character in {*characters, *"lp"}}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "narrow", "wide"])
    builder.setupCharacterMap(shapes)
    builder.setupGlyf({name: Glyph() for name in (".notdef", "narrow", "wide")})
    builder.setupHorizontalMetrics({".notdef": (560, 0), "narrow": (560, 0), "wide": (1000, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return FontPath(str(path), 0)
