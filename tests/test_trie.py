import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier import trie
from classifier.errors import ArtifactError
from classifier.trie import build_trie


def walk(built, text):
    """Go down the double array as the kernel does; return the nodes on the way."""
    edges = dict(zip(built.slots.tolist(), zip(built.parents.tolist(), built.nodes.values(), strict=True), strict=True))
    node, met = 0, []
    for character in text:
        parent, child = edges.get(node + built.codes.get(character, 0), (-1, 0))
        if parent != node:
            break
        node = child
        met.append(child)
    return met


@given(
    st.dictionaries(st.text("工业互联网ab", min_size=1, max_size=6), st.floats(0, 10), max_size=60),
    st.text("工业互联网abc", max_size=8),
)
@example({}, "工业")
@example({"工": 1.0, "工工": 1.0, "工工工": 1.0}, "工工工工")
def test_a_walk_meets_every_beginning_and_nothing_else(strings, text):
    built = build_trie(strings)
    beginnings = {string[:end] for string in strings for end in range(1, len(string) + 1)}
    assert set(built.nodes) == beginnings
    assert len(set(built.nodes.values()) | {0}) == len(beginnings) + 1
    assert len(set(built.slots.tolist())) == len(beginnings)
    assert 0 not in built.slots  # where characters are looked up that the trie does not know
    for string in [*strings, text]:
        expected = []
        while string[: len(expected) + 1] in beginnings and len(expected) < len(string):
            expected.append(built.nodes[string[: len(expected) + 1]])
        assert walk(built, string) == expected


def test_what_is_met_often_has_low_numbers():
    often = {f"{a}{b}": 100.0 if a == "工" else 1.0 for a in "工业互联网" for b in "平台安全软件"}
    built = build_trie(often)
    assert built.codes["工"] == 1
    seldom = {node: number for node, number in built.nodes.items() if node[0] != "工"}
    assert built.nodes["工"] < min(number for node, number in seldom.items() if len(node) == 1)
    assert max(number for node, number in built.nodes.items() if node[0] == "工") < max(seldom.values())


def test_nodes_beyond_the_first_window_find_room(monkeypatch):
    monkeypatch.setattr(trie, "_WINDOW", 64)
    monkeypatch.setattr(trie, "_PATIENCE", 2)
    characters = "".join(chr(0x4E00 + n) for n in range(40))
    strings = {a + b: 1.0 for a in characters for b in characters}
    built = build_trie(strings)
    assert max(built.nodes.values()) > 64
    assert all(walk(built, string)[-1] == built.nodes[string] for string in strings)


def test_too_many_nodes_are_refused(monkeypatch):
    monkeypatch.setattr(trie, "NODE_BITS", 2)
    with pytest.raises(ArtifactError, match="raise minimum_documents"):
        build_trie({"工业互联网": 1.0})
