"""A model and its dictionary as flat arrays: what `classifier.kernel` walks over, kept in the private cache.

One trie holds the words of the dictionary, the words of the vocabulary and the character n-grams, so that one walk
from each place of a text finds all of them; pairs of words stand in a perfect hash table, where one look answers. What
is frequent has a low number, so that what is used often lies together. The arrays are made from a checked model in some
seconds, kept in a file that is mapped into memory, and made again whenever the model, jieba or OpenCC is another one.
"""

import hashlib
import json
import math
import mmap
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier import text as rules
from classifier.domains import Scheme
from classifier.errors import ArtifactError
from classifier.kernel import (
    ALPHABETIC,
    CHUNK,
    CLASS_BITS,
    CLAUSE_END,
    CLOSES,
    CODE_AT,
    FIRST,
    FLAG_BITS,
    FOLDS,
    GRAM,
    GROWS,
    HEAD_END,
    LANES,
    LATIN,
    LEAVES,
    LETTER,
    NODE_AT,
    NODE_BITS,
    OFFER_NEXT,
    OFFER_START,
    OFFERED,
    OPENS,
    PAIR_BITS,
    PARENT_AT,
    SECOND,
    SIGN_END,
    SLOW,
    SPACE,
    SPELLED,
    TERM_BITS,
    TIGHT,
    WORD,
    Tables,
    bucket_of,
    hash_of,
    slot_of,
)
from classifier.trie import build_trie

if TYPE_CHECKING:
    from classifier.artifact import Model

_MAGIC = b"gonglian automaton\n"
_HEADER_BYTES, _ALIGNMENT = 1 << 16, 64  # the header stays below; arrays begin with a cache line
_WORDS_MET = 12.0  # of the dictionary in a text, by its frequencies, to compare with shares of texts
_TERM_KINDS = ("words", "offering", "characters")
_TYPES = {
    "characters": "i",
    "folded": "H",
    "spelled": "H",
    "signs": "i",
    "heads": "i",
    "offers": "i",
    "edges": "q",
    "weights": "d",
    "terms": "q",
    "pairs": "q",
    "pair_displacements": "B",
    "pair_terms": "i",
    "starts": "i",
    "rows": "f",
}


@dataclass(frozen=True)
class Facts:
    """What a scorer has to know of a model beside the arrays; see `classifier.artifact.Model` for the names."""

    identity: str
    labels: tuple[str, ...]
    intercepts: tuple[float, ...]
    bias: tuple[float, ...]
    slope: float
    trained_out_of_scope: float
    expected_out_of_scope: float
    accept_probability: float
    accept_in_scope_probability: float
    longest: int
    unknown_weight: float


class Automaton(NamedTuple):
    """A model made ready for the kernel."""

    facts: Facts
    tables: Tables


def load_automaton(folder: Path, scheme: Scheme) -> Automaton:
    """Return the arrays of a model folder, from the private cache if they were made of the same model before.

    The model's files are read and their SHA-256 checked when the arrays are made, and again whenever size, time or
    inode of one of them is another than at the last check.

    Raises
    ------
    ArtifactError
        If the model is damaged or of another scheme, format or dictionary.
    """
    stamps = _stamps(folder)
    path = _cache_path(folder)
    held = _read(path, stamps, scheme) if path else None
    if held is not None:
        return held
    from classifier.artifact import load_model

    model = load_model(folder, scheme)
    automaton = build_automaton(model)
    if path:
        _write(path, automaton, {"stamps": stamps, "scheme": [scheme.version, scheme.digest]})
        return _read(path, stamps, scheme) or automaton
    return automaton


def _stamps(folder: Path) -> list[list[Any]]:
    """Return what tells, without reading them, that the files on which the arrays depend are still the same."""
    stamps: list[list[Any]] = [[*sys.version_info[:3], unicodedata.unidata_version, sys.byteorder]]
    packages = [Path(spec.origin) for name in ("jieba", "opencc") if (spec := find_spec(name)) and spec.origin]
    dictionaries = [path.with_name("dict.txt") for path in packages]
    model = [*sorted(folder.glob("*.npy")), folder / "manifest.json"]
    for path in [*model, Path(__file__), Path(rules.__file__), *packages, *dictionaries]:
        try:
            status = path.stat()
        except OSError:  # opencc has no dict.txt
            continue
        stamps.append([str(path), status.st_size, status.st_mtime_ns, status.st_ino])
    return stamps


def _cache_path(folder: Path) -> Path | None:
    cache, place = rules.cache_folder(), str(folder.resolve())
    name = re.sub(r"\W+", "-", place)[-60:].strip("-")
    return cache / f"automaton-{name}-{hashlib.sha256(place.encode()).hexdigest()[:16]}.bin" if cache else None


def _read(path: Path, stamps: list[list[Any]], scheme: Scheme) -> Automaton | None:
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return None
            header = json.loads(file.readline())
            if header["stamps"] != stamps or header["scheme"] != [scheme.version, scheme.digest]:
                return None
            # private, not read-only: machine code has one form then for mapped and for made arrays
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        if len(whole) != header["bytes"]:
            return None
        spans: dict[str, tuple[int, int]] = header["arrays"]
        arrays: dict[str, Any] = {n: cast_view(whole[i:j], _TYPES[n]) for n, (i, j) in spans.items()}
        facts: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in header["facts"].items()
        }
        return Automaton(Facts(**facts), Tables(**arrays))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def cast_view(view: memoryview, kind: str) -> memoryview:
    """Return a buffer as an array of one of the types of `struct`."""
    return view.cast(kind)  # type: ignore[call-overload]


def _write(path: Path, automaton: Automaton, header: dict[str, Any]) -> None:
    import numpy as np

    contents = {name: np.ascontiguousarray(array).tobytes() for name, array in automaton.tables._asdict().items()}
    spans, end = {}, _HEADER_BYTES
    for name, content in contents.items():
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        end = start + len(content)
        spans[name] = (start, end)
    header = {**header, "facts": automaton.facts.__dict__, "arrays": spans, "bytes": end}
    rules.keep_file(path, _spaced(_MAGIC + json.dumps(header).encode() + b"\n", contents, spans))


def _spaced(head: bytes, contents: Mapping[str, bytes], spans: Mapping[str, tuple[int, int]]) -> Iterator[bytes]:
    """Yield a head and contents with as many zeros before each as its place in the file asks for."""
    yield head
    end = len(head)
    for name, content in contents.items():
        yield bytes(spans[name][0] - end)
        yield content
        end = spans[name][1]


def build_automaton(model: "Model") -> Automaton:
    """Return the arrays of a model and the dictionary that it was trained with.

    Raises
    ------
    ArtifactError
        If the dictionary is not the one that it was trained with, or it has terms of an unknown kind.
    """
    import numpy as np

    dictionary = rules.load_dictionary(model.lexicon)
    if dictionary.digest != model.dictionary_digest:
        raise ArtifactError(
            "the model was trained with another segmentation dictionary "
            f"({model.dictionary_digest[:12]}) than jieba's here ({dictionary.digest[:12]}); "
            "install jieba 0.42.1, or rebuild the model with gonglian train"
        )
    kinds_here = [block.kind for block in model.blocks]
    for kind in kinds_here:
        if kind not in _TERM_KINDS or kinds_here.count(kind) > 1:
            raise ArtifactError(
                f"the model has terms of kind {kind!r}, unknown to this version or twice; upgrade gonglian"
            )
    numbers: dict[str, dict[str, int]] = {}
    starts, order, longest = [0], [], 0
    met: dict[str, float] = {}
    first_term = np.cumsum([0, *(len(block.vocabulary) for block in model.blocks)])
    for kind in _TERM_KINDS:
        numbers[kind] = {}
        for block, before in zip(model.blocks, first_term, strict=False):
            if block.kind == kind:
                frequent = np.argsort(block.idf, kind="stable")
                numbers[kind] = {block.vocabulary[i]: starts[-1] + n for n, i in enumerate(frequent.tolist())}
                order.append(before + frequent)
                shares = np.exp(1 - block.idf).tolist()  # of the training texts, nearly
                met |= dict(zip(block.vocabulary, shares, strict=True))
                longest = block.parameters[1] if kind == "characters" else longest
        starts.append(starts[-1] + len(numbers[kind]))
    if starts[-1] >= (1 << TERM_BITS) - 1:
        raise ArtifactError(f"the model has {starts[-1]} terms, too many for the kernel; raise minimum_documents")
    rows = _rows(model, np.concatenate(order))
    trie, codes = _trie(dictionary, numbers, met)
    characters, folded, spelled = _characters(codes)
    signs = zip(rules.BOILERPLATE_SIGNS, (LEAVES, OPENS, CLOSES), strict=True)
    tables = Tables(
        characters=characters,
        folded=folded,
        spelled=spelled,
        signs=np.array([n for some, kind in signs for sign in some for n in (*map(ord, sign[-2:]), kind)], np.int32),
        heads=np.array(_heads(), np.int32),
        offers=np.array([n for marker in rules.OFFERS for n in (len(marker), *map(ord, marker))], np.int32),
        starts=np.array(starts, np.int32),
        rows=rows,
        **trie,
    )
    facts = Facts(
        identity=model.identity,
        labels=model.labels,
        intercepts=tuple(map(float, model.intercepts)),
        bias=tuple(map(float, model.bias)),
        slope=model.slope,
        trained_out_of_scope=model.trained_out_of_scope,
        expected_out_of_scope=model.expected_out_of_scope,
        accept_probability=model.accept_probability,
        accept_in_scope_probability=model.accept_in_scope_probability,
        longest=longest,
        unknown_weight=math.log(1) - math.log(dictionary.total),
    )
    return Automaton(facts, tables)


def _rows(model: "Model", order: Any) -> Any:
    import numpy as np

    labels = len(model.labels)
    rows = np.zeros((len(order), -(-labels // LANES) * LANES), np.float32)
    rows[:, 0] = np.concatenate([block.idf for block in model.blocks])[order]
    coefficients = model.coefficients.astype(np.float64)[order]
    rows[:, 1:labels] = coefficients[:, :-1] - coefficients[:, -1:]
    return rows.ravel()


def _trie(
    dictionary: rules.Dictionary, numbers: Mapping[str, Mapping[str, int]], met: Mapping[str, float]
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the arrays of the trie and what depends on its nodes, and the numbers of its characters.

    ``met`` has the share of the training texts that hold a term.
    """
    import numpy as np

    whole = re.compile(f"(?:{rules.JIEBA_CHUNK})+").fullmatch  # jieba finds no word that has other characters
    frequencies = {word: frequency for word, frequency in dictionary.frequencies.items() if whole(word)}
    often = {word: _WORDS_MET * frequency / dictionary.total for word, frequency in frequencies.items()}
    for term, share in met.items():
        for word in term.split(" "):
            often[word] = max(often.get(word, 0.0), share)
    trie = build_trie(often)
    size = max(trie.nodes.values(), default=0) + 1
    classes = {frequency: number for number, frequency in enumerate(sorted({0, *frequencies.values()}))}
    if len(classes) > 1 << CLASS_BITS:
        raise ArtifactError(f"the dictionary has {len(classes)} different frequencies; {1 << CLASS_BITS} are possible")
    weights = np.full(len(classes), -np.inf)
    weights[1:] = [math.log(frequency) - math.log(dictionary.total) for frequency in list(classes)[1:]]

    said, terms = np.zeros(size, np.int64), np.zeros(size, np.int64)
    node = trie.nodes
    for word, frequency in frequencies.items():
        said[node[word]] = classes[frequency] << FLAG_BITS
    said[trie.parents] |= GROWS
    for block, (kind, flag) in enumerate(zip(_TERM_KINDS, (WORD, OFFERED, GRAM), strict=True)):
        single = {term: number for term, number in numbers[kind].items() if " " not in term}
        places = [node[term] for term in single]
        said[places] |= flag
        terms[places] |= np.array(list(single.values()), np.int64) + 1 << block * TERM_BITS
        for side, flag_of_pair in enumerate((FIRST, SECOND)):
            said[[node[term.split(" ")[side]] for term in numbers[kind] if " " in term]] |= flag_of_pair
    into = np.fromiter(node.values(), np.int64, len(node))
    # behind the last node there is a place for each character
    edges = np.full(size + len(trie.codes) + 1, -1, np.int64)
    edges[trie.slots] = trie.parents << PARENT_AT | into << NODE_AT | said[into]
    tables = {"edges": edges, "weights": weights, "terms": terms, **_pairs(numbers, node)}
    return tables, trie.codes


def _pairs(numbers: Mapping[str, Mapping[str, int]], node: Mapping[str, int]) -> dict[str, Any]:
    import numpy as np

    terms = [t for t in dict.fromkeys([*numbers["words"], *numbers["offering"]]) if " " in t]
    first, second = (np.array([node[t.split(" ")[side]] for t in terms], np.int64) for side in (0, 1))
    table, displacements = _perfect_table(first << NODE_BITS | second, np.arange(len(terms)), PAIR_BITS)
    columns = [[numbers[kind].get(term, -1) for term in terms] for kind in ("words", "offering")]
    return {
        "pairs": table,
        "pair_displacements": displacements,
        "pair_terms": np.array(columns, np.int32).T.ravel(),
    }


def _perfect_table(keys: Any, values: Any, bits: int) -> tuple[Any, Any]:
    """Return a table with each key at the place where the kernel looks for it, and the displacements of its buckets.

    Hash and displace: the keys of a bucket, the fullest bucket first, are moved together until all have free places
    (Belazzougui, Botelho and Dietzfelbinger 2009). Where that fails, it is tried with more room.
    """
    size, buckets = (1 << max(4, math.ceil(math.log2(max(len(keys), 1) / share))) for share in (0.9, 3))
    for more in range(12):
        table = _table_of_size(keys, values, bits, size << more, buckets << more)
        if table is not None:
            return table
    raise ArtifactError("the model's terms do not fit into the kernel's tables; raise minimum_documents")


def _table_of_size(keys: Any, values: Any, bits: int, size: int, buckets: int) -> tuple[Any, Any] | None:
    import numpy as np

    hashed = hash_of(keys)
    bucket = bucket_of(hashed, buckets)
    held = np.bincount(bucket, minlength=buckets)
    order, begins = np.argsort(bucket, kind="stable"), np.concatenate([[0], np.cumsum(held)])
    table, displacements, owner = np.full(size, -1, np.int64), np.zeros(buckets, np.uint8), np.zeros(size, np.int64)
    for count in range(int(held.max(initial=0)), 0, -1):
        waiting = np.flatnonzero(held == count)
        for displacement in range(256):
            members = order[begins[waiting][:, None] + np.arange(count)]  # keys of each waiting bucket
            places = slot_of(hashed[members], displacement, size)
            sorted_places = np.sort(places, axis=1)
            fits = (table[places] == -1).all(axis=1) & (sorted_places[:, 1:] != sorted_places[:, :-1]).all(axis=1)
            rows = np.flatnonzero(fits)
            owner[places[rows][::-1].ravel()] = np.repeat(rows[::-1], count)  # of buckets at odds the first one
            rows = rows[(owner[places[rows]] == rows[:, None]).all(axis=1)]
            table[places[rows]] = keys[members[rows]] << bits | values[members[rows]]
            displacements[waiting[rows]] = displacement
            waiting = np.delete(waiting, rows)
            if not len(waiting):
                break
        else:
            return None
    return table, displacements


def _heads() -> list[int]:
    """Return `Tables.heads`."""
    heads: list[int] = []
    for forms, optional in reversed(rules.SCOPE_HEAD):
        spelled = [number for form in forms for number in (len(form), *map(ord, form))]
        heads += [not optional, len(heads) + 2 + len(spelled), *spelled]
    return heads


def _characters(codes: Mapping[str, int]) -> tuple[Any, Any, Any]:
    """Return what `Tables.characters` says of each character, and what those of the basic plane become that change."""
    import numpy as np

    of_normal = _properties()
    of_normal[[ord(character) for character in codes]] |= np.array(list(codes.values()), np.int32) << CODE_AT
    characters, folded, spelled = of_normal | SLOW, np.zeros(1 << 16, np.uint16), list[int]()
    for raw, normal in _folding():
        if normal.isspace():
            characters[raw] = of_normal[raw] | SPACE
        elif len(normal) == 1:
            characters[raw] = of_normal[ord(normal)] | (FOLDS if ord(normal) != raw else 0)
            folded[raw] = ord(normal)
        elif not any(of_normal[ord(character)] & (SIGN_END | HEAD_END) for character in normal):
            characters[raw] = of_normal[raw] | SPELLED
            folded[raw] = len(spelled)
            spelled += [len(normal), *map(ord, normal)]
    return characters, folded, np.array(spelled, np.uint16)


def _folding() -> Iterator[tuple[int, str]]:
    """Yield the characters of the basic plane that normalisation can look at alone, and what it makes of each.

    What it makes of one has no more characters than that has bytes in UTF-8.
    """
    seconds = set()
    for number in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(number)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(chr(int(parts[1], 16)))
    seconds.update(map(chr, range(0x1160, 0x1200)))  # vowels and finals of Hangul join what is before them
    unsafe = rules.traditional_characters() | seconds | {"Σ"}
    for number in range(1 << 16):
        raw = chr(number)
        normal = unicodedata.normalize("NFKC", raw)
        if raw in "<&" or not unsafe.isdisjoint(raw + normal) or any(map(unicodedata.combining, raw + normal)):
            continue
        if len(normal) == 1:
            normal = " " if unicodedata.category(normal) in rules.INVISIBLE else normal
        elif " " in normal or not normal.isprintable():
            continue
        normal = normal.lower()
        if len(normal) <= len(raw.encode(errors="surrogatepass")) and all(ord(one) < 1 << 16 for one in normal):
            yield number, normal


def _properties() -> Any:
    import numpy as np

    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    properties = np.zeros(len(everything), np.int32)
    for bit, pattern in (
        (CHUNK, rules.JIEBA_CHUNK),
        (LETTER, rules.LETTERS),
        (TIGHT, rules.TIGHT),
        (CLAUSE_END, f"[{rules.CLAUSE_ENDS}]"),
        (LATIN, rules.JIEBA_LATIN),
        (SIGN_END, _any_of(sign[-1] for some in rules.BOILERPLATE_SIGNS for sign in some)),
        (HEAD_END, ":"),
        (OFFER_START, _any_of(marker[0] for marker in rules.OFFERS)),
        (OFFER_NEXT, _any_of(marker[1] for marker in rules.OFFERS)),
    ):
        for match in re.finditer(f"(?:{pattern})+", everything):
            properties[match.start() : match.end()] |= bit
    properties[[i for i, character in enumerate(everything) if character.isalpha()]] |= ALPHABETIC
    return properties


def _any_of(characters: Iterable[str]) -> str:
    return f"[{''.join(sorted(set(characters)))}]"
