"""Where the labelled data and the shipped model lie: inside the wheel, or beside the package in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    bundled = _PACKAGE / "data" / name
    return bundled if bundled.exists() else _PACKAGE.parent / name


def labeled_folder() -> Path:
    """Return the folder with domains.toml, settings.toml, corpus/ and lexicon/."""
    return _find("labeled")


def model_folder() -> Path:
    """Return the folder of the shipped model."""
    return _find("models") / "default"
