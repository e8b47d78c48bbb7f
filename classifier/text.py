"""Normal form, dictionary, segmentation and terms of a description: pure functions, exact and reproducible.

jieba runs with a private dictionary (its own words plus the project's lexicon) and HMM=False, so one text has one
segmentation on every machine; its default cache in the shared temp folder is never read or written.
"""

import csv
import hashlib
import html
import json
import os
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from classifier.errors import ArtifactError, SchemeError

MAX_CHARACTERS = 20_000  # of a description; what stands behind is not read (and score says so)
CLAUSE_ENDS = ",。;!?"  # in a normal form

_WIDE = [(wide, unicodedata.normalize("NFKC", wide)) for wide in "，：；（）！？…℃"]  # first, because NFKC is slow
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,300}>")
TIGHT = r"[\u3400-\u9fff,.;:!?()、。]"  # between two of these no space stands
_SPACE_IN_CHINESE = re.compile(f"(?<={TIGHT}) (?={TIGHT})")
LETTERS = r"[^\W\d_]"
_RUN = re.compile(f"{LETTERS}+")
_LETTER = re.compile(LETTERS)
# what jieba 0.42.1 looks up in its dictionary; every other character is a word of its own
JIEBA_CHUNK = r"[\u4E00-\u9FD5a-zA-Z0-9+#&\._%\-]"
SURROGATE = re.compile("[\ud800-\udfff]")  # half of a character, which broken JSON may have and UTF-8 cannot hold
JIEBA_LATIN = r"[a-zA-Z0-9]"  # single ones side by side are one word
# the head of a list in a registered scope, before its colon: its parts, and whether each may be left out
SCOPE_HEAD = (
    *((("(", "["), True), (("许可", "一般"), False), (("经营",), True), (("项目",), False)),
    *((("是", "为"), True), ((")", "]"), True)),
)
_SCOPE_HEAD = "".join(f"(?:{'|'.join(map(re.escape, said))}){'?' if optional else ''}" for said, optional in SCOPE_HEAD)
_BEFORE_FORBIDDEN = (
    r"\(?(?:除)?依法[须需]经(?:相关部门)?批准的(?:项目|经营项目)[^()。;]{0,80}(?:\([^()]*\)[^()。;]{0,20})?\)?",
    f"{_SCOPE_HEAD}:",
    r"具体经营项目以[^()。;]{0,40}为准\)?",
    r"(?:市场主体|企业|经营者)依法自主选择经营项目,?开展经营活动",
)
_FORBIDDEN = r"[^。;(),]{0,6}不得从事(?:国家和)?本市产业政策禁止和限制类项目的经营活动"
_BEHIND_FORBIDDEN = (
    r"\(?(?:法律|国家)[^。;()]{0,30}(?:禁止|限制|规定)[^。;()]{0,20}(?:除外|经营)\)?",
    r"凭(?:有效)?(?:营业执照|许可证)[^。;()]{0,16}经营(?:活动)?",
)
_BOILERPLATE = re.compile("|".join((*_BEFORE_FORBIDDEN, _FORBIDDEN, *_BEHIND_FORBIDDEN)))
# the same for texts without 不得从事, by the characters with which it can begin then: three times as fast
_OTHER_BOILERPLATE = re.compile(
    f"(?=[(\\[依除许一具市企经法国凭])(?:{'|'.join(_BEFORE_FORBIDDEN + _BEHIND_FORBIDDEN)})"
)
# Every text in which _BOILERPLATE finds more than heads has one of the first of these in it, or one of the second and
# behind it one of the third (so others need not be searched).
BOILERPLATE_SIGNS = (
    ("依法", "具体经", "不得从", "凭营", "凭许", "凭有"),
    ("法律", "国家"),
    ("禁止", "限制", "规定"),
)
_CLAUSE = re.compile(f"[^{CLAUSE_ENDS}]+")
# A clause with one of these says what the company offers.
OFFERS = (
    *("是一家", "是一个", "是一款", "主要从事", "专业从事", "致力于", "专注于", "主营", "主要产品", "提供", "产品包括"),
    *("产品有", "业务包括", "从事", "研发、", "生产、"),
)
_OFFERS = re.compile("|".join(OFFERS))


def normalize(text: str) -> str:
    """Return the normal form of a description: the only form that is segmented, trained on and scored.

    HTML noise out; compatibility and full-width forms folded (NFKC); texts with traditional characters to simplified
    (OpenCC t2s); lower case; control characters to spaces; boilerplate of registered scopes out; one space at most
    between words and none between Chinese characters; at most `MAX_CHARACTERS` characters.

    >>> normalize("ＡＧＶ 機器人，<b>研發</b>　與 銷售")
    'agv 机器人,研发与销售'
    >>> normalize("一般项目：工业机器人制造（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）")
    '工业机器人制造'
    """
    text = _TAG.sub(" ", html.unescape(text[: 2 * MAX_CHARACTERS]))
    for wide, narrow in _WIDE:
        text = text.replace(wide, narrow)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    text = "".join(" " if unicodedata.category(c) in INVISIBLE else c for c in text) if not text.isprintable() else text
    if not traditional_characters().isdisjoint(text):
        text = _converter().convert(text)
    boilerplate = _BOILERPLATE if "不得从事" in text else _OTHER_BOILERPLATE
    text = boilerplate.sub("", " ".join(text.lower().split()))
    return (_SPACE_IN_CHINESE.sub("", text).strip() if " " in text else text)[:MAX_CHARACTERS]


INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@lru_cache(maxsize=1)
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


@lru_cache(maxsize=1)
def traditional_characters() -> frozenset[str]:
    """Return the characters that OpenCC makes another one of, wherever they stand; kept in the private cache."""
    import opencc

    cache = cache_folder()
    path = cache / f"traditional-{opencc.__version__}.json" if cache else None
    try:
        return frozenset(json.loads(path.read_bytes())) if path else _find_traditional()
    except (OSError, ValueError, TypeError):
        found = _find_traditional()
    if path:
        keep_file(path, [json.dumps("".join(sorted(found))).encode()])
    return found


def _find_traditional() -> frozenset[str]:
    planes = "".join(map(chr, [*range(0x2E80, 0xD800), *range(0xF900, 0xFB00), *range(0x20000, 0x33480)]))
    return frozenset(a for a, b in zip(planes, _converter().convert(planes), strict=True) if a != b)


@dataclass(frozen=True)
class Dictionary:
    """A jieba prefix dictionary: frequency by word, 0 for what is only the beginning of a word."""

    frequencies: Mapping[str, int]
    total: int
    digest: str


class Word(NamedTuple):
    """A word of a normal form and where it stands there."""

    text: str
    start: int
    end: int


Occurrence = tuple[str, int, int]  # a term (word, word pair or character n-gram), its start and end in a normal form


def read_lexicon(folder: Path) -> tuple[str, ...]:
    """Return the terms of ``lexicon/*.csv`` (column ``term``) in normal form, sorted, each once.

    Raises
    ------
    SchemeError
        If a file has no column ``term``, or a term is empty or holds a space or punctuation.
    """
    terms = set()
    for path, number, row in lexicon_rows(folder):
        term = normalize(row.get("term") or "")
        if not re.fullmatch(r"[\u4e00-\u9fd5a-z0-9+#&._%\-]+", term):
            raise SchemeError(
                f"{path}: line {number}: term {row.get('term')!r} is not one word of Chinese characters, "
                "letters and digits; correct the column 'term'"
            )
        terms.add(term)
    return tuple(sorted(terms))


def lexicon_rows(folder: Path) -> Iterator[tuple[Path, int, dict[str, str]]]:
    """Yield file, line and cells by column of every row of ``lexicon/*.csv``."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                yield path, number, row


def build_dictionary(base: str, lexicon: Iterable[str]) -> Dictionary:
    """Return a prefix dictionary of jieba's lines ``word frequency tag`` and the terms of a lexicon.

    A lexicon term gets the smallest frequency that keeps it in one piece (as jieba's ``suggest_freq``), computed
    against the base alone, so that the order of terms does not matter.
    """
    frequencies: dict[str, int] = {}
    total = 0
    for line in base.splitlines():
        word, frequency = line.split(" ")[:2]
        frequencies[word] = int(frequency)
        total += int(frequency)
        _add_prefixes(frequencies, word)
    additions = {term: _joining_frequency(term, frequencies, total) for term in lexicon}
    digest = hashlib.sha256(base.encode())
    for term, count in sorted(additions.items()):
        total += count - frequencies.get(term, 0)
        frequencies[term] = count
        _add_prefixes(frequencies, term)
        digest.update(f"\n{term} {count}".encode())
    return Dictionary(frequencies, total, digest.hexdigest())


def _add_prefixes(frequencies: dict[str, int], word: str) -> None:
    for end in range(1, len(word)):
        frequencies.setdefault(word[:end], 0)


def _joining_frequency(term: str, frequencies: Mapping[str, int], total: int) -> int:
    parts = _tokenizer(Dictionary(frequencies, total, "")).lcut(term, HMM=False)
    share = prod(max(frequencies.get(part, 1), 1) / total for part in parts)
    return max(int(share * total) + 1, frequencies.get(term, 0), 1)


@lru_cache(maxsize=2)
def load_dictionary(lexicon: tuple[str, ...]) -> Dictionary:
    """Return jieba's own dictionary with a lexicon, from the private cache if it is there.

    The cache is JSON in a folder that only the user may write (never jieba's pickle-like file in the shared temp
    folder); without such a folder the dictionary is built in memory, in about a second.
    """
    base = _jieba_dictionary()
    key = hashlib.sha256("\n".join([base, *lexicon]).encode()).hexdigest()
    cached = _read_cache(key)
    if cached is None:
        cached = build_dictionary(base, lexicon)
        _write_cache(key, cached)
    return cached


def _import_jieba() -> Any:
    with warnings.catch_warnings():  # jieba 0.42.1 imports pkg_resources and has old escape sequences
        warnings.simplefilter("ignore")
        import jieba

    return jieba


def _jieba_dictionary() -> str:
    return (Path(_import_jieba().__file__).parent / "dict.txt").read_text(encoding="utf-8")


def cache_folder() -> Path | None:
    """Return the private cache folder (made if need be), or None where there is none that only the user may write."""
    import platformdirs

    folder = Path(os.environ.get("GONGLIAN_CACHE") or platformdirs.user_cache_dir("gonglian"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return None
    foreign = hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022)
    return None if foreign else folder


def _read_cache(key: str) -> Dictionary | None:
    folder = cache_folder()
    path = folder / f"dictionary-{key[:32]}.json" if folder else None
    try:
        held = json.loads(path.read_bytes()) if path else None
        return Dictionary(held["frequencies"], held["total"], held["digest"]) if held else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_cache(key: str, dictionary: Dictionary) -> None:
    folder = cache_folder()
    if folder is None:
        return
    content = json.dumps(dictionary.__dict__, ensure_ascii=False).encode()
    keep_file(folder / f"dictionary-{key[:32]}.json", [content])


def keep_file(path: Path, content: Iterable[bytes]) -> None:
    """Write a file of the private cache, whole or not at all; where that fails it is made again the next time."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.writelines(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)


def _tokenizer(dictionary: Dictionary) -> Any:
    tokenizer = _import_jieba().Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = dictionary.frequencies, dictionary.total, True
    return tokenizer


class Segmenter:
    """jieba's maximum-probability path over one dictionary (no hidden Markov model)."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self._tokenizer = _tokenizer(dictionary)

    def words(self, normal: str) -> list[Word]:
        """Return the words of a normal form that hold a letter, with their places; punctuation and numbers stay out."""
        found, start = [], 0
        for token in self._tokenizer.cut(normal, HMM=False):
            end = start + len(token)
            if _LETTER.search(token):
                found.append(Word(token, start, end))
            start = end
        return found

    def inner_words(self, words: Iterable[Word]) -> Iterator[Occurrence]:
        """Yield the dictionary words of two and three characters inside longer words, as jieba's search mode does."""
        frequencies = self.dictionary.frequencies
        for word in words:
            for length in (2, 3):
                for start in range(len(word.text) - length + 1 if len(word.text) > length else 0):
                    inner = word.text[start : start + length]
                    if frequencies.get(inner):
                        yield inner, word.start + start, word.start + start + length

    def terms(self, kind: str, parameters: tuple[int, ...], normal: str, words: list[Word]) -> Iterator[Occurrence]:
        """Yield the terms of one kind in a normal form with its words.

        Kinds: ``words`` (words, pairs, words inside words), ``offering`` (the same, inside `offering_clause`) and
        ``characters`` (n-grams; parameters: shortest, longest).

        Raises
        ------
        ArtifactError
            If this version does not know the kind.
        """
        if kind == "offering":
            start, end = offering_clause(normal)
            words = [word for word in words if start <= word.start and word.end <= end]
        if kind in ("words", "offering"):
            yield from words
            yield from pair_terms(words)
            yield from self.inner_words(words)
        elif kind == "characters":
            yield from character_terms(normal, *parameters)
        else:
            raise ArtifactError(f"the model has terms of kind {kind!r}, unknown to this version of gonglian; upgrade")


def offering_clause(normal: str) -> tuple[int, int]:
    """Return start and end of the first clause that says what the company offers; of the whole text if none does.

    >>> text = "公司成立于2009年,是一家工业机器人研发商,位于苏州。"
    >>> start, end = offering_clause(text)
    >>> text[start:end]
    '是一家工业机器人研发商'
    """
    for clause in _CLAUSE.finditer(normal):
        if _OFFERS.search(clause[0]):
            return clause.span()
    return 0, len(normal)


def pair_terms(words: list[Word]) -> Iterator[Occurrence]:
    """Yield every two words that stand side by side, joined by a space.

    >>> [term for term, _, _ in pair_terms([Word("工业", 0, 2), Word("软件", 2, 4), Word("研发", 5, 7)])]
    ['工业 软件']
    """
    for first, second in pairwise(words):
        if first.end == second.start:
            yield f"{first.text} {second.text}", first.start, second.end


def character_terms(normal: str, shortest: int, longest: int) -> Iterator[Occurrence]:
    """Yield the character n-grams inside each run of letters (Chinese characters among them).

    >>> [term for term, _, _ in character_terms("网关,5g", 1, 2)]
    ['网', '网关', '关', 'g']
    """
    for run in _RUN.finditer(normal):
        for start in range(run.start(), run.end()):
            for end in range(start + shortest, min(start + longest, run.end()) + 1):
                yield normal[start:end], start, end
