"""A trie as a double array: what the kernel walks down, one look at one place a character.

The edge by a character from a node stands at the sum of the node's number and the character's (Aoe 1989, "An efficient
digital search algorithm by using a double-array structure"). Nodes that are met often are placed first, so that they
share what little of the array the processor's cache can hold.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from classifier.errors import ArtifactError
from classifier.kernel import NODE_BITS

if TYPE_CHECKING:
    import numpy as np

_WINDOW = 1 << 13  # places that are looked through together
_PATIENCE = 5  # nodes that found no room in a window before it counts as full


class Trie(NamedTuple):
    """Strings and all their beginnings.

    codes : the number of every character, from 1, the most frequent first
    nodes : the number of every node but the root, which is 0
    slots, parents : int64 (a node)
        Where the edge to each of ``nodes`` stands, in their order, and the number of the node that it leaves.
    """

    codes: dict[str, int]
    nodes: dict[str, int]
    slots: "np.ndarray"
    parents: "np.ndarray"


def build_trie(strings: Mapping[str, float]) -> Trie:
    """Return the trie of strings; the numbers say how often each is met, by any measure.

    Raises
    ------
    ArtifactError
        If they are too many.
    """
    import numpy as np

    met: dict[str, float] = {}
    for string, often in strings.items():
        for end in range(1, len(string) + 1):
            met[string[:end]] = met.get(string[:end], 0.0) + often
    nodes = sorted(met, key=met.__getitem__, reverse=True)
    of_characters: dict[str, float] = {}
    for node, often in met.items():
        of_characters[node[-1]] = of_characters.get(node[-1], 0.0) + often
    ranked = sorted(of_characters, key=of_characters.__getitem__, reverse=True)
    codes = {character: number for number, character in enumerate(ranked, 1)}
    rank = {node: number for number, node in enumerate(nodes, 1)}
    parents = np.fromiter((rank.get(node[:-1], 0) for node in nodes), np.int64, len(nodes))
    letters = np.fromiter((codes[node[-1]] for node in nodes), np.int64, len(nodes))
    numbers = _numbers(parents, letters)
    if numbers.max(initial=0) >= 1 << NODE_BITS:
        raise ArtifactError("the model has too many terms for the kernel's trie; raise minimum_documents")
    owners = numbers[parents]
    return Trie(codes, dict(zip(nodes, numbers[1:].tolist(), strict=True)), owners + letters, owners)


def _numbers(parents: "np.ndarray", letters: "np.ndarray") -> "np.ndarray":
    """Return a number for every node, the root first, so that no two edges stand at one place."""
    import numpy as np

    edges = np.bincount(parents, minlength=len(parents) + 1)
    order, begins = np.argsort(parents, kind="stable"), np.concatenate([[0], np.cumsum(edges)])
    first = np.flatnonzero((edges > 1) | (np.arange(len(edges)) == 0))  # the root and those with several edges
    numbers = np.zeros(len(edges), np.int64)
    numbers[first] = _first_fits([letters[order[begins[n] : begins[n + 1]]].tolist() for n in first.tolist()])
    room = 4 * len(edges) + int(numbers.max()) + int(letters.max(initial=0))
    used, taken = np.zeros(room, bool), np.zeros(room, bool)
    used[numbers[first]] = taken[0] = True
    placed = np.isin(parents, first)
    taken[numbers[parents[placed]] + letters[placed]] = True
    one = np.setdiff1d(np.flatnonzero(edges == 1), first)
    letter = letters[order[begins[one]]]
    while len(one):  # each takes the next free place, if that makes a number which is free, too
        places = np.flatnonzero(~taken)[: len(one)]
        number = places - letter
        fits = np.zeros(len(one), bool)
        fits[np.unique(number, return_index=True)[1]] = True
        fits &= (number > 0) & ~used[number]
        numbers[one[fits]] = number[fits]
        used[number[fits]] = taken[places[fits]] = True
        taken[places[~fits][: 1 + len(places) // 64]] = True  # these stay empty, lest some place fits none of the rest
        one, letter = one[~fits], letter[~fits]
    without = np.flatnonzero(edges == 0)
    numbers[without] = np.flatnonzero(~used)[: len(without)]
    return numbers


def _first_fits(leaving: Sequence[Sequence[int]]) -> list[int]:
    """Return for each of some nodes the first number that leaves all places free which its edges need.

    Sets of free places and numbers are the bits of integers, one a window.
    """
    every = (1 << _WINDOW) - 1
    windows = (
        max((max(codes, default=0) for codes in leaving), default=0) // _WINDOW + 2
    )  # that the edges of one node reach
    places, unused = [every] * windows, [every]
    places[0] -= 1  # there the kernel looks for characters that are in no string
    numbers, begun, failed = [], 0, 0
    for codes in leaving:
        window, found = begun, 0
        while not found:
            if window == len(unused):
                places.append(every)
                unused.append(every)
            found = unused[window]
            for code in codes:
                at = window + code // _WINDOW
                found &= (places[at] | places[at + 1] << _WINDOW) >> code % _WINDOW
                if not found:
                    failed += window == begun
                    window += 1
                    break
        if failed > _PATIENCE:
            begun, failed = begun + 1, 0
        number = (found & -found).bit_length() - 1
        unused[window] ^= 1 << number
        number += window * _WINDOW
        for code in codes:
            places[(number + code) // _WINDOW] ^= 1 << (number + code) % _WINDOW
        numbers.append(number)
    return numbers
