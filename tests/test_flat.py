import numba
import numpy as np
import pytest

from classifier.flat import choose, empty, fetch, flat


@pytest.mark.parametrize("kind", ["B", "H", "i", "q", "f", "d"])
def test_machine_code_reads_and_writes_every_type_of_number(kind):
    @numba.njit(_nrt=False)
    def reverse(given, made):
        for place in range(len(given)):
            fetch(given, place)
            made[len(given) - 1 - place] = given[place]
        return len(made)

    given = flat(np.array([0, 1, 250, 7], kind))
    made = empty(kind, 4)
    assert reverse(given, made) == 4
    assert made.tolist() == [7, 250, 1, 0]


def test_it_is_the_same_memory():
    held = np.zeros(3, np.int32)
    flat(held)[1] = 5
    assert held.tolist() == [0, 5, 0]
    assert flat(bytearray(b"ab")).tolist() == [97, 98]


def test_negative_and_large_numbers_keep_their_value():
    @numba.njit(_nrt=False)
    def add(held, more):
        held[0] += more
        return held[0]

    assert add(flat(np.array([-(1 << 62)])), 1) == -(1 << 62) + 1
    assert add(flat(np.array([-3], np.int32)), 1) == -2


def test_choose_takes_one_number_or_the_other():
    chosen = numba.njit(lambda first, one, other: choose(first, one, other))
    assert chosen(True, 3, -4) == 3
    assert chosen(False, 3, -4) == -4
    assert chosen(True, 0.5, -np.inf) == 0.5
    assert chosen(False, np.int32(3), 1 << 40) == 1 << 40
