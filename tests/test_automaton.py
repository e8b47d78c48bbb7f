import shutil

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier import automaton, kernel
from classifier.automaton import load_automaton
from classifier.errors import ArtifactError
from classifier.resources import model_folder
from classifier.scoring import Scorer
from tests.conftest import BAKERY, ROBOT


@pytest.fixture
def model_copy(tmp_path, monkeypatch):
    """A copy of the shipped model, and a cache of its own."""
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(model_folder(), tmp_path / "model")


def cached(model_copy):
    (path,) = (model_copy.parent / "cache").glob("automaton-*.bin")
    return path


def test_arrays_are_made_once_and_then_mapped(model_copy, scheme, monkeypatch):
    made = load_automaton(model_copy, scheme)
    monkeypatch.setattr(automaton, "build_automaton", lambda model: pytest.fail("made again"))
    mapped = load_automaton(model_copy, scheme)
    assert mapped.facts == made.facts
    for name, array in made.tables._asdict().items():
        assert np.array_equal(np.asarray(array), np.asarray(getattr(mapped.tables, name))), name


def test_a_changed_byte_is_refused_although_the_arrays_are_kept(model_copy, scheme):
    load_automaton(model_copy, scheme)
    path = model_copy / "idf.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        load_automaton(model_copy, scheme)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"something else\n" + content,
        lambda content: content.replace(b'"facts"', b'"fatcs"', 1),
    ],
)
def test_a_spoilt_cache_is_made_again(model_copy, scheme, spoil):
    load_automaton(model_copy, scheme)
    path = cached(model_copy)
    path.write_bytes(spoil(path.read_bytes()))
    labels = Scorer(load_automaton(model_copy, scheme), scheme).label([ROBOT, BAKERY])
    assert [label.domain for label in labels] == ["smart_equipment", "out_of_scope"]


def test_without_a_cache_folder_scoring_works_all_the_same(model_copy, scheme, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path / "file" / "cache"))
    assert Scorer(load_automaton(model_copy, scheme), scheme).label([ROBOT])[0].domain == "smart_equipment"


@given(st.dictionaries(st.integers(0, (1 << 37) - 1), st.integers(0, (1 << 26) - 1), max_size=400))
@example({2097151: 0, 51678775: 0})  # alike in all that a table of this size looks at
def test_a_perfect_table_finds_its_keys_and_no_others(entries):
    keys = np.array(list(entries), np.int64)
    values = np.array(list(entries.values()), np.int64)
    table, displacements = automaton._perfect_table(keys, values, 26)
    table, displacements = memoryview(table), memoryview(displacements)

    def find(key):
        return kernel.held_for(table[kernel.place_of(table, displacements, key)], key, 26)

    assert {key: find(key) for key in entries} == entries
    others = [key ^ 1 for key in entries if key ^ 1 not in entries]
    assert all(find(key) == -1 for key in others)
    assert find((1 << 37) - 1) == entries.get((1 << 37) - 1, -1)
