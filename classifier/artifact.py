"""A trained model as data on disk: manifest.json and plain arrays, checked before use, never code.

Layout of a model folder (format 1): ``manifest.json`` names every other file with its SHA-256, dtype and shape;
``vocabulary.npy`` holds the terms of all blocks, block after block, as UTF-8 joined by line feeds; ``idf.npy`` has
one weight a term; ``coefficients.npy`` is (terms, labels); ``intercepts.npy`` and ``bias.npy`` have one number a
label; ``lexicon.npy`` holds the terms added to jieba's dictionary, as the vocabulary does. ``held_out.npy`` may lie
beside them, which no label rests on: what models that did not see a training text say of it.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from classifier.domains import Scheme
from classifier.errors import ArtifactError, OutputError

FORMAT = 1
_HELD_OUT = "held_out.npy"
_ARRAYS = {
    "vocabulary": "uint8",
    "lexicon": "uint8",
    "idf": "float32",
    "coefficients": "float32",
    "intercepts": "float64",
    "bias": "float64",
}


@dataclass(frozen=True)
class Block:
    """A group of terms that is weighted and normalised on its own: ``kind`` says how its terms are made."""

    name: str
    kind: str
    parameters: tuple[int, ...]
    vocabulary: tuple[str, ...]
    idf: np.ndarray


@dataclass(frozen=True)
class Model:
    """A trained model: what `classifier.scoring` needs and nothing else.

    ``coefficients`` is (terms, labels); ``intercepts`` and ``bias`` are (labels,); labels in the order of
    ``labels``. Probabilities are softmax(slope * decision + bias), see `classifier.model`.
    """

    name: str
    scheme_version: str
    scheme_digest: str
    labels: tuple[str, ...]
    blocks: tuple[Block, ...]
    coefficients: np.ndarray
    intercepts: np.ndarray
    slope: float
    bias: np.ndarray
    lexicon: tuple[str, ...]
    dictionary_digest: str
    trained_out_of_scope: float
    expected_out_of_scope: float
    accept_probability: float
    accept_in_scope_probability: float
    record: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def identity(self) -> str:
        """Short name for tables: scheme, model name and the beginning of the manifest's digest."""
        return f"{self.scheme_version}/{self.name}@{self.digest[:8] or 'unsaved'}"


class HeldOut(NamedTuple):
    """What models that did not see a training text say of it.

    ids : one a text
    probabilities : float (texts, labels), labels in the model's order
    """

    ids: tuple[str, ...]
    probabilities: np.ndarray


def save_model(model: Model, folder: Path, held_out: HeldOut | None = None) -> None:
    """Write a model folder, whole or not at all; the folder is replaced if it is there.

    ``held_out`` goes into ``held_out.npy``, for people to read (`read_held_out`): scoring does not need it.

    Raises
    ------
    OutputError
        If the place cannot be written, or holds something that is not a model.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.json").exists():
        raise OutputError(f"{folder}: holds files but no model; name an empty or new folder with -o")
    part, old = folder.with_name(f".{folder.name}.part"), folder.with_name(f".{folder.name}.old")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        kept = folder / "card.md"
        if kept.exists():
            shutil.copy(kept, part)
        arrays = _arrays(model)
        files = {name: _bytes(name, array) for name, array in arrays.items()}
        for name, content in files.items():
            (part / f"{name}.npy").write_bytes(content)
        described = {
            f"{name}.npy": {"sha256": hashlib.sha256(content).hexdigest(), "shape": list(arrays[name].shape)}
            for name, content in files.items()
        }
        if held_out is not None:
            (part / _HELD_OUT).write_bytes(_packed_opinions(held_out))
        (part / "manifest.json").write_text(_render(_manifest(model, described)), encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise OutputError(
            f"{folder}: cannot write the model ({error.strerror}); name another folder with -o"
        ) from error


def load_model(folder: Path, scheme: Scheme) -> Model:
    """Return the model of a folder after checking format, scheme, every SHA-256, dtype and shape.

    Raises
    ------
    ArtifactError
        If anything is missing, changed, of another format version or of another scheme.
    """
    manifest = _read_manifest(folder)
    if manifest.get("format") != FORMAT:
        raise ArtifactError(
            f"{folder}: model format {manifest.get('format')!r}, this version reads format {FORMAT}; "
            "rebuild it with gonglian train, or use the gonglian version that wrote it"
        )
    try:
        _check_scheme(manifest, scheme, folder)
        arrays = {name: _read_array(folder, name, manifest["files"][f"{name}.npy"]) for name in _ARRAYS}
        model = _build(manifest, arrays)
    except (KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{folder}: manifest.json and arrays do not fit together ({error!r}); rebuild the model"
        ) from error
    return model


def read_held_out(folder: Path, labels: Sequence[str], id: str) -> dict[str, float] | None:
    """Return what a model that did not see a training text says of it, by label; None where nothing is kept.

    Raises
    ------
    ArtifactError
        If the file is damaged.
    """
    path = folder / _HELD_OUT
    if not path.exists():
        return None
    try:
        opinions = np.load(path, mmap_mode="r", allow_pickle=False)
        places = np.flatnonzero(opinions["id"] == id.encode())
        return dict(zip(labels, opinions["probabilities"][places[0]].tolist(), strict=True)) if len(places) else None
    except (OSError, ValueError, IndexError) as error:
        raise ArtifactError(f"{path}: is damaged ({error}); restore it or rebuild the model") from error


def _packed_opinions(held_out: HeldOut) -> bytes:
    ids = np.array([id.encode() for id in held_out.ids])
    shares = held_out.probabilities.astype(np.float16)
    opinions = np.zeros(len(ids), [("id", ids.dtype), ("probabilities", shares.dtype, shares.shape[1:])])
    opinions["id"], opinions["probabilities"] = ids, shares
    buffer = io.BytesIO()
    np.save(buffer, opinions, allow_pickle=False)
    return buffer.getvalue()


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        manifest = json.loads(text)
    except FileNotFoundError:
        raise ArtifactError(f"{folder}: no model here (no manifest.json); make one with gonglian train -o") from None
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot read the model ({error.strerror})") from error
    except ValueError as error:
        raise ArtifactError(f"{folder}: manifest.json is not JSON in UTF-8 ({error}); rebuild the model") from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise ArtifactError(f"{folder}: manifest.json is not a model's manifest; rebuild the model")
    if manifest["format"] == FORMAT and (manifest.get("digest") != _digest(manifest) or text != _render(manifest)):
        raise ArtifactError(f"{folder}: manifest.json was changed after training (digest differs); rebuild the model")
    return manifest


def _digest(manifest: dict[str, Any]) -> str:
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(_render(body).encode()).hexdigest()


def _render(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _check_scheme(manifest: dict[str, Any], scheme: Scheme, folder: Path) -> None:
    found = manifest["scheme"]
    if (found["version"], found["digest"]) != (scheme.version, scheme.digest):
        raise ArtifactError(
            f"{folder}: model of scheme {found['version']} ({', '.join(manifest['labels'])}), expected scheme "
            f"{scheme.version}; name the folder of its domains.toml with --labeled"
        )


def _read_array(folder: Path, name: str, described: dict[str, Any]) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}); restore it or rebuild the model") from error
    if hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise ArtifactError(
            f"{path}: SHA-256 differs from manifest.json: the file is damaged; restore or rebuild the model"
        )
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if str(array.dtype) != _ARRAYS[name] or list(array.shape) != described["shape"]:
        raise ArtifactError(
            f"{path}: {array.dtype} {array.shape}, expected {_ARRAYS[name]} {described['shape']}; rebuild the model"
        )
    return array


def _build(manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    terms = _unpack(arrays["vocabulary"])
    blocks, start = [], 0
    for entry in manifest["blocks"]:
        end = start + entry["terms"]
        parameters = tuple(entry["parameters"])
        blocks.append(Block(entry["name"], entry["kind"], parameters, terms[start:end], arrays["idf"][start:end]))
        start = end
    labels = tuple(manifest["labels"])
    if arrays["coefficients"].shape != (start, len(labels)) or len(terms) != start or len(arrays["idf"]) != start:
        raise ValueError(f"{len(terms)} terms, coefficients {arrays['coefficients'].shape}")
    decision, calibration = manifest["decision"], manifest["calibration"]
    return Model(
        name=manifest["name"],
        scheme_version=manifest["scheme"]["version"],
        scheme_digest=manifest["scheme"]["digest"],
        labels=labels,
        blocks=tuple(blocks),
        coefficients=arrays["coefficients"],
        intercepts=arrays["intercepts"],
        slope=calibration["slope"],
        bias=arrays["bias"],
        lexicon=_unpack(arrays["lexicon"]),
        dictionary_digest=manifest["dictionary"]["sha256"],
        trained_out_of_scope=calibration["trained_out_of_scope"],
        expected_out_of_scope=decision["expected_out_of_scope"],
        accept_probability=decision["accept_probability"],
        accept_in_scope_probability=decision["accept_in_scope_probability"],
        record=manifest["record"],
        digest=manifest["digest"],
    )


def _manifest(model: Model, files: dict[str, Any]) -> dict[str, Any]:
    body = {
        "format": FORMAT,
        "name": model.name,
        "scheme": {"version": model.scheme_version, "digest": model.scheme_digest},
        "labels": list(model.labels),
        "dictionary": {"sha256": model.dictionary_digest, "lexicon_terms": len(model.lexicon)},
        "blocks": [
            {"name": b.name, "kind": b.kind, "parameters": list(b.parameters), "terms": len(b.vocabulary)}
            for b in model.blocks
        ],
        "calibration": {"slope": model.slope, "trained_out_of_scope": model.trained_out_of_scope},
        "decision": {
            "expected_out_of_scope": model.expected_out_of_scope,
            "accept_probability": model.accept_probability,
            "accept_in_scope_probability": model.accept_in_scope_probability,
        },
        "files": files,
        "record": model.record,
    }
    return {**body, "digest": _digest(body)}


def _arrays(model: Model) -> dict[str, np.ndarray]:
    return {
        "vocabulary": _pack(tuple(term for block in model.blocks for term in block.vocabulary)),
        "lexicon": _pack(model.lexicon),
        "idf": np.concatenate([block.idf for block in model.blocks]),
        "coefficients": model.coefficients,
        "intercepts": model.intercepts,
        "bias": model.bias,
    }


def _bytes(name: str, array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, dtype=_ARRAYS[name]), allow_pickle=False)
    return buffer.getvalue()


def _pack(terms: tuple[str, ...]) -> np.ndarray:
    return np.frombuffer("\n".join(terms).encode("utf-8"), dtype=np.uint8)


def _unpack(packed: np.ndarray) -> tuple[str, ...]:
    text = packed.tobytes().decode("utf-8")
    return tuple(text.split("\n")) if text else ()
