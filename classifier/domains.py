"""The classification scheme: codes, names, definitions, tie rules and precedents, read from ``domains.toml``."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from classifier.errors import SchemeError
from classifier.resources import labeled_folder


@dataclass(frozen=True)
class Domain:
    """One label of a scheme: a domain, or the label of companies outside all domains."""

    code: str
    name: str
    in_scope: bool
    definition: str
    includes: tuple[str, ...]
    excludes: tuple[str, ...]
    precedents: tuple[str, ...]


@dataclass(frozen=True)
class Scheme:
    """A versioned set of labels with the rules that decide between them."""

    version: str
    title: str
    source: str
    domains: tuple[Domain, ...]
    tie_rules: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all labels, in the order of the scheme."""
        return tuple(domain.code for domain in self.domains)

    @property
    def out_of_scope(self) -> str:
        """Code of the one label for companies outside all domains."""
        return next(domain.code for domain in self.domains if not domain.in_scope)

    @property
    def digest(self) -> str:
        """SHA-256 of the version and the codes: two schemes with one digest have the same labels."""
        return hashlib.sha256("\n".join([self.version, *self.codes]).encode()).hexdigest()

    def find_code(self, text: str) -> str | None:
        """Return the code of a label given by code or Chinese name, also as the report prints it, or None.

        >>> load_scheme().find_code("网络及标识"), load_scheme().find_code("软件业")
        ('network_identifier', None)
        """
        plain = text.strip()
        named = {domain.name: domain.code for domain in self.domains}
        return plain if plain in self.codes else named.get(plain.replace("及标识", "与标识"))

    def name(self, code: str) -> str:
        """Return the Chinese name of a label.

        Raises
        ------
        SchemeError
            If the scheme has no such code.

        >>> load_scheme().name("security")
        '安全'
        """
        for domain in self.domains:
            if domain.code == code:
                return domain.name
        raise SchemeError(f"scheme {self.version} has no label {code!r}; it has {', '.join(self.codes)}")


def read_scheme(path: Path) -> Scheme:
    """Return the scheme written in a TOML file.

    Raises
    ------
    SchemeError
        If the file is missing, is not TOML, lacks a field, repeats a code, or has not exactly one label out of scope.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        domains = tuple(_domain(entry) for entry in table["domains"])
        scheme = Scheme(table["version"], table["title"], table["source"], domains, tuple(table["tie_rules"]))
    except FileNotFoundError:
        raise SchemeError(
            f"{path}: no such scheme file; name a folder that holds domains.toml with --labeled"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemeError(f"{path}: not a TOML file in UTF-8 ({error})") from error
    except (KeyError, TypeError) as error:
        raise SchemeError(f"{path}: field {error} is missing or of the wrong kind") from error
    _check(scheme, path)
    return scheme


@lru_cache(maxsize=4)
def load_scheme(folder: Path | None = None) -> Scheme:
    """Return the scheme of a labelled folder (by default the shipped one).

    >>> load_scheme().version
    'AII-2020'
    >>> len(load_scheme().codes)
    8
    """
    return read_scheme((folder or labeled_folder()) / "domains.toml")


def _domain(entry: dict) -> Domain:
    return Domain(
        code=entry["code"],
        name=entry["name"],
        in_scope=entry["in_scope"],
        definition=entry["definition"],
        includes=tuple(entry["includes"]),
        excludes=tuple(entry["excludes"]),
        precedents=tuple(entry["precedents"]),
    )


def _check(scheme: Scheme, path: Path) -> None:
    repeated = {code for code in scheme.codes if scheme.codes.count(code) > 1}
    if repeated:
        raise SchemeError(f"{path}: code {sorted(repeated)[0]!r} stands more than once; give every label its own")
    outside = [domain.code for domain in scheme.domains if not domain.in_scope]
    if len(outside) != 1:
        raise SchemeError(f"{path}: {len(outside)} labels have in_scope = false, expected exactly one")
