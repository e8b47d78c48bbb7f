"""What an installation consists of, and what is wrong with it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from classifier import __version__
from classifier.artifact import load_model
from classifier.domains import load_scheme
from classifier.errors import ClassifierError
from classifier.machine import is_kept
from classifier.text import cache_folder, load_dictionary, read_lexicon

_PACKAGES = (
    *("click", "jieba", "jinja2", "joblib", "matplotlib", "numba", "numpy", "opencc", "openpyxl", "pandas"),
    *("platformdirs", "pyarrow", "scikit-learn", "scipy", "tqdm", "xlsxwriter"),
)


def examine(model: Path, labeled: Path) -> tuple[dict[str, str], list[str]]:
    """Return facts by name, and the problems found, each with what to do."""
    facts = {"gonglian": __version__, "python": f"{platform.python_version()} on {platform.platform()}"}
    problems: list[str] = []
    facts |= {name: _version(name, problems) for name in _PACKAGES}
    try:
        facts |= _model_facts(model, labeled)
    except ClassifierError as error:
        problems.append(str(error))
    folder = cache_folder()
    facts["dictionary cache"] = str(folder) if folder else "none: no folder that only you may write; starts take longer"
    facts["machine code"] = "kept" if is_kept() else "none yet: made when many companies are scored, in some 15 seconds"
    facts["chinese font"] = _chinese_font()
    return facts, problems


def _version(name: str, problems: list[str]) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        problems.append(f"package {name} is missing: pip install {name}")
        return "missing"


def _model_facts(model: Path, labeled: Path) -> dict[str, str]:
    scheme = load_scheme(labeled)
    loaded = load_model(model, scheme)
    dictionary = load_dictionary(loaded.lexicon)
    if dictionary.digest != loaded.dictionary_digest:
        raise ClassifierError(f"{model}: jieba's dictionary here is not the model's; install jieba 0.42.1")
    training = loaded.record["training"]
    macro_f1 = loaded.record["held_out_folds"]["macro_f1"]
    words, own = len(dictionary.frequencies), len(read_lexicon(labeled / "lexicon"))
    return {
        "scheme": f"{scheme.version}, {len(scheme.codes)} labels, {labeled / 'domains.toml'}",
        "model": f"{loaded.identity}, {model}",
        "model terms": f"{len(loaded.coefficients):,}",
        "model trained on": f"{training['texts']:,} texts, sha256 {training['sha256'][:16]}",
        "model held-out macro-F1": f"{macro_f1:.3f} (on its own folds; real text is harder)",
        "dictionary": f"{words:,} words and prefixes, sha256 {dictionary.digest[:16]}",
        "lexicon": f"{len(loaded.lexicon):,} terms in the model, {own:,} in labeled/",
    }


def _chinese_font() -> str:
    """Return the font of the report's pictures, or what to do where there is none."""
    try:
        from classifier.fonts import find_font, missing_font_hint
    except ModuleNotFoundError as error:
        return f"unknown: package {error.name} is missing"
    return find_font() or missing_font_hint()
