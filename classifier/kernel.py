"""The inner loop of scoring: UTF-8 text in, probabilities and the reason out, without a Python object a token.

The functions are plain Python over flat arrays. For a few texts they run as they stand, over `memoryview`, which
needs neither numba nor numpy; `classifier.machine` makes machine code of them for batches, which releases the GIL.
Texts whose normal form needs a look at more than one character at a time (HTML, traditional or combining characters,
boilerplate of registered scopes other than heads) are left to `classifier.text.normalize` and come back already normal.
"""

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Any, NamedTuple

LEVELS = 4  # of the trie are walked for all places together
# an edge of the trie, from its lowest bit: what it says of the node it leads to, which class of frequency the node has
# as a word of the dictionary (0: none), its number; above them the number of the node that the edge leaves
FLAG_BITS, CLASS_BITS, NODE_BITS = 6, 14, 21
# further edges leave it; a pair of words begins with it, ends with it; it is a term of the words, of the offering
# clause, of the character n-grams
GROWS, FIRST, SECOND, WORD, OFFERED, GRAM = (1 << bit for bit in range(FLAG_BITS))
NODE_AT = FLAG_BITS + CLASS_BITS
PARENT_AT = NODE_AT + NODE_BITS
PAIR_BITS = 20  # of what the table of pairs holds beside the key
TERM_BITS = 21  # of a number in `Tables.terms`
SPAN_BITS = 15  # of the end of an occurrence; above them stands where it begins
LANES = 8  # a row of `Tables.rows` has a multiple of so many numbers
FEW_TIMES = 64  # a term seldom stands in a text more often

# what `Tables.characters` says of a character: whether normalisation has to look at more than one at a time, makes a
# space, another character or several of it; then of the normal form; above them the number by which the trie knows it
SLOW, SPACE, FOLDS, SPELLED, CHUNK, LETTER, ALPHABETIC, TIGHT, CLAUSE_END, LATIN, SIGN_END, HEAD_END = (
    1 << bit for bit in range(12)
)
OFFER_START, OFFER_NEXT = 1 << 12, 1 << 13  # first and second of a marker of the offering clause
CODE_AT = 14
LEAVES, OPENS, CLOSES = 0, 1, 2  # what a sign of boilerplate means: alone, before another one, behind another one

# what reasons are made of, and the numbers of these phrases; one of the first is the `doubt` of `Results`, or 0
PHRASES = (
    *("没有说明文字", "没有模型认识的词", "模型认识的词太少", "概率低于{outside:.2f}", "概率低于{inside:.2f}"),
    *("支持：", "反对：", "；", "、", "只读了前{most}个字符"),
)
ACCEPTED, EMPTY, NOTHING_KNOWN, LITTLE_KNOWN, UNLIKELY_OUTSIDE, UNLIKELY_INSIDE, NOT_READ = 0, 1, 2, 3, 4, 5, 255
_FOR, _BETWEEN_PARTS, _BETWEEN_WORDS, _CUT = 6, 8, 9, 10

LEAST_WORDS = 2  # known Chinese words of two characters or more that a text needs before it can be accepted
LEAST_COVER = 0.25  # share of a text's letters that such words must cover
SHOWN_FOR, SHOWN_AGAINST = 4, 2  # four at most: `find_strongest` finds no more
LEAST_SHOWN = 0.05  # log-odds below which a word is not worth showing

_INFINITE = float("inf")


def _as_it_stands(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _fetch(array: Any, place: int) -> None:
    """Tell the processor that a place of an array is going to be read."""


def _choose(condition: Any, one: Any, other: Any) -> Any:
    """Return one number or the other, in machine code without a branch: for what the processor would guess wrongly."""
    return one if condition else other


# `classifier.machine` runs this file with a compiler in place of the first, and with `classifier.flat` for the others
routine = globals().get("routine", _as_it_stands)
fetch = globals().get("fetch", _fetch)
choose = globals().get("choose", _choose)


class Tables(NamedTuple):
    """The arrays, all of one dimension (``memoryview`` or `classifier.flat.Flat`).

    characters : int32 (1,114,112)
        Of every character `SLOW` (of raw text: ask `classifier.text.normalize`) to `OFFER_NEXT`, and from bit 14 a
        short number if the trie knows it, else 0. What becomes another character has all that is said of that one.
    folded : uint16 (65,536)
        What becomes of a character of the basic plane that `FOLDS`, or where in ``spelled`` that stands.
    spelled : uint16
        How many characters some of the basic plane become, and these.
    signs : int32 (3 a sign)
        Last two characters of signs of boilerplate, for which `classifier.text.normalize` is asked; `LEAVES`, `OPENS`
        or `CLOSES`.
    heads : int32
        Parts of the heads of registered scopes, the last one first: whether it is needed, where the next part stands,
        length and characters of each form.
    offers : int32
        Markers of the offering clause: length and characters of each.
    edges : int64
        Edges of the trie, a double array: that by a character's short number from a node stands at the sum of both
        numbers, if there is one; from bit 41 the node that it leaves, from bit 20 the one it leads to, from bit 6 its
        class; below it `GROWS` to `GRAM`. The root is 0.
    weights : float64 (a class)
        jieba's log of frequency over total; minus infinity for what is no word of the dictionary.
    terms : int64 (a node)
        The number of the term, plus 1, or 0: as a word of the text, from bit 21 as one of the offering clause, from
        bit 42 as a character n-gram.
    pairs, pair_displacements : int64, uint8
        Pairs of words that are terms, a perfect hash table: from bit 41 the first word's node, from bit 20 the
        second's; the other bits are the number of the pair. Both sizes are powers of two.
    pair_terms : int32 (2 a pair)
        Numbers of the pair as a term of the text and of the offering clause, or -1.
    starts : int32 (4)
        Where the terms of words, offering and characters begin, and how many terms there are.
    rows : float32 (a multiple of 8 a term)
        Inverse document frequency, then the coefficients of every label but the last less those of the last.
    """

    characters: Any
    folded: Any
    spelled: Any
    signs: Any
    heads: Any
    offers: Any
    edges: Any
    weights: Any
    terms: Any
    pairs: Any
    pair_displacements: Any
    pair_terms: Any
    starts: Any
    rows: Any


class Settings(NamedTuple):
    """Numbers of the model and the decision; arrays of one number a label, and the phrases of reasons in UTF-8.

    ``damped`` has 1 + log(n) for the first `FEW_TIMES` n, and 1 for n = 0.
    """

    labels: int
    outside: int
    longest: int
    unknown_weight: float
    slope: float
    shift: Any
    damped: Any
    least_inside: float
    least_outside: float
    phrases: Any
    phrase_ends: Any


class Workspace(NamedTuple):
    """Scratch arrays of one thread, for one text at a time."""

    characters: Any
    letter: Any
    child: Any
    going: Any
    slot: Any
    score: Any
    route: Any
    route_node: Any
    seen: Any
    term: Any
    count: Any
    value: Any
    occurrence: Any
    span: Any
    word_start: Any
    word_end: Any
    word_node: Any
    word_same: Any
    pair: Any
    pair_word: Any
    total: Any
    telling: Any
    distinct: Any
    steps: Any
    sums: Any
    squares: Any
    sizes: Any
    shown: Any


class Results(NamedTuple):
    """One entry a text (``probabilities``: one a text and label); ``reasons`` ends where ``reason_ends`` says."""

    probabilities: Any
    first: Any
    second: Any
    doubt: Any
    reasons: Any
    reason_ends: Any


def workspace_sizes(characters: int, longest: int, lanes: int) -> list[tuple[str, int]]:
    """Return type and size of the arrays of a `Workspace` for texts of so many characters."""
    one = characters + LEVELS + 2
    # of every place: its n-grams; a word, a pair and two words inside words, each also in the offering clause; one over
    occurrences = one * (longest + 8) + 1
    table, seen = (1 << (2 * count).bit_length() for count in (one, occurrences))
    integers = dict.fromkeys(("characters", "letter", "going", "slot", "route", "word_start", "word_end"), one)
    integers |= dict.fromkeys(("word_same", "telling", "pair", "pair_word"), one) | {"seen": seen, "distinct": table}
    integers |= dict.fromkeys(("term", "count", "occurrence", "span"), occurrences)
    floats = {"score": one, "steps": one, "total": one, "value": occurrences, "sums": 3 * lanes, "squares": 3}
    nodes = {"child": max(LEVELS, longest) * one, "route_node": one, "word_node": one}
    sizes = {"d": floats, "q": nodes, "i": integers | {"sizes": 8, "shown": 4}}
    return [next((kind, held[name]) for kind, held in sizes.items() if name in held) for name in Workspace._fields]


def reason_room(texts: int, length: int) -> int:
    """Return the bytes that the reasons of so many texts with so many bytes can take."""
    return 400 * texts + 2 * length


# positions in Workspace.sizes
CHARACTERS, WORDS, PAIRS, OCCURRENCES, TERMS, TELLING, CLAUSE_START, CLAUSE_STOP = range(8)


@routine
def hash_of(key: Any) -> Any:
    """Return 62 bits that stand for a number below 2^42; the high ones depend on all of it (Fibonacci hashing)."""
    return (key ^ key >> 17) * 0x1E3779B97F4A7C15 & 0x3FFFFFFFFFFFFFFF


@routine
def slot_of(hashed: Any, displacement: Any, slots: int) -> Any:
    """Return where a table of so many slots (a power of two) keeps a key whose bucket has this displacement."""
    return (hashed >> 20) + displacement * (hashed >> 30 | 1) & slots - 1


@routine
def bucket_of(hashed: Any, buckets: int) -> Any:
    """Return the bucket of a key among so many (a power of two)."""
    return hashed >> 41 & buckets - 1


@routine
def place_of(table: Any, displacements: Any, key: int) -> int:
    """Return the one place where a table may hold a key."""
    hashed = hash_of(key)
    return slot_of(hashed, displacements[bucket_of(hashed, len(displacements))], len(table))


@routine
def held_for(entry: int, key: int, bits: int) -> int:
    """Return what an entry of a table holds below its last bits, or -1 if it is that of another key."""
    return choose(entry >> bits == key, entry & (1 << bits) - 1, -1)


@routine
def read_rare(data: Any, at: int, stop: int) -> int:
    """Return the code point of a character of two or four bytes in UTF-8, times 8, plus its length in bytes.

    What is no whole character is U+FFFD, byte by byte.
    """
    byte = data[at]
    if byte >= 0x80 and byte < 0xE0 and at + 1 < stop:
        return ((byte & 0x1F) << 6 | data[at + 1] & 0x3F) << 3 | 2
    if byte >= 0xF0 and at + 3 < stop:
        point = (byte & 0x07) << 18 | (data[at + 1] & 0x3F) << 12 | (data[at + 2] & 0x3F) << 6 | data[at + 3] & 0x3F
        return min(point, 0x10FFFF) << 3 | 4
    return 0xFFFD << 3 | 1


@routine
def begin_of_head(heads: Any, characters: Any, start: int, stop: int) -> int:
    """Return where the head of a registered scope begins that ends at ``stop``, from ``start`` on; else -1."""
    at = 0
    while at < len(heads):
        needed, behind = heads[at], heads[at + 1]
        at += 2
        while at < behind:
            size = heads[at]
            same = 0 if stop - size >= start else -1
            while 0 <= same < size and characters[stop - size + same] == heads[at + 1 + same]:
                same += 1
            at += 1 + size
            if same == size:
                stop -= size
                needed = 0
                at = behind
        if needed:
            return -1
    return stop


@routine
def put_space(tables: Tables, work: Workspace, length: int, held: int) -> int:
    """Write a space between the last character and one of which ``held`` is said, unless both bear none."""
    if work.letter[length - 1] & held & TIGHT:
        return length
    work.characters[length], work.letter[length] = 32, tables.characters[32]
    return length + 1


@routine
def read_text(tables: Tables, data: Any, start: int, stop: int, normal: bool, work: Workspace) -> bool:
    """Put the normal form of a text into the workspace; return False if it needs `classifier.text.normalize`.

    ``normal`` says that the text is in normal form, so that every character stays as it is.
    """
    table, folded, spelled, signs = tables.characters, tables.folded, tables.spelled, tables.signs
    characters, letter = work.characters, work.letter
    if not normal and stop - start >= len(characters) - LEVELS:
        return False
    looked_at = 0 if normal else SLOW | SPACE | FOLDS | SPELLED | SIGN_END | HEAD_END
    length, space = 0, False
    opened, removed, dropped = False, 0, -1  # a sign that opens; where a head was, where a space was
    while start < stop:
        byte = data[start]
        # the usual lengths apart, so that where the next one begins need not wait for what is read
        if byte >= 0xE0 and byte < 0xF0 and start + 2 < stop:
            character = (byte & 0x0F) << 12 | (data[start + 1] & 0x3F) << 6 | data[start + 2] & 0x3F
            start += 3
        elif byte < 0x80:
            character = int(byte)
            start += 1
        else:
            read = read_rare(data, start, stop)
            start += read & 7
            character = read >> 3
        held = table[character]
        if held & looked_at:
            if held & SLOW:
                return False
            if held & SPACE:
                space = length > 0
                continue
            if held & SPELLED:
                place = int(folded[character])
                for at in range(place + 1, place + spelled[place]):  # all but the last, which goes the usual way
                    held = table[spelled[at]]
                    length = put_space(tables, work, length, held) if space else length
                    characters[length], letter[length] = spelled[at], held
                    length, space = length + 1, False
                character = int(spelled[place + spelled[place]])
                held = table[character]
            if held & FOLDS:
                character = int(folded[character])
            if held & SIGN_END and length > 0:
                for sign in range(0, len(signs), 3):
                    if signs[sign] == characters[length - 1] and signs[sign + 1] == character:
                        if signs[sign + 2] == LEAVES or (signs[sign + 2] == CLOSES and opened):
                            return False
                        opened = opened or signs[sign + 2] == OPENS
            if held & HEAD_END and not space:
                begin = begin_of_head(tables.heads, characters, removed, length)
                if begin >= 0:
                    if begin <= dropped or (begin > 0 and characters[begin - 1] == 32):
                        return False
                    length = removed = begin
                    continue
        if space:
            dropped = length
            length = put_space(tables, work, length, held)
            space = False
        characters[length], letter[length] = character, held
        length += 1
    work.sizes[CHARACTERS] = length
    return True


@routine
def find_offering_clause(tables: Tables, work: Workspace) -> None:
    """Find the clause as `classifier.text.offering_clause` does."""
    characters, letter, offers = work.characters, work.letter, tables.offers
    length = work.sizes[CHARACTERS]
    work.sizes[CLAUSE_START], work.sizes[CLAUSE_STOP] = 0, length
    for place in range(length):
        if letter[place] & OFFER_START and letter[place + 1] & OFFER_NEXT:
            marker = 0
            while marker < len(offers):
                size = offers[marker]
                same = 0
                while same < size and place + same < length and characters[place + same] == offers[marker + 1 + same]:
                    same += 1
                if same == size:
                    start, stop = place, place + size
                    while start > 0 and not letter[start - 1] & CLAUSE_END:
                        start -= 1
                    while stop < length and not letter[stop] & CLAUSE_END:
                        stop += 1
                    work.sizes[CLAUSE_START], work.sizes[CLAUSE_STOP] = start, stop
                    return
                marker += 1 + size


@routine
def count_terms(tables: Tables, work: Workspace) -> None:
    """Number the different terms among the occurrences, and count each, by a hash table that stays in the cache."""
    seen, terms, counts, occurrence, sizes = work.seen, work.term, work.count, work.occurrence, work.sizes
    rows, lanes = tables.rows, len(tables.rows) // tables.starts[3]
    size = 1024
    while size < 2 * sizes[OCCURRENCES]:
        size *= 2
    for place in range(size):
        seen[place] = -1
    different = 0
    for at in range(sizes[OCCURRENCES]):
        term = occurrence[at]
        place = (term * 0x9E3779B1 >> 15) & size - 1
        number = seen[place]
        while number >= 0 and terms[number] != term:
            place = (place + 1) & size - 1
            number = seen[place]
        new = number < 0
        number = choose(new, different, number)
        different += new
        seen[place] = number
        terms[number] = term
        counts[number] = choose(new, 0, counts[number]) + 1
        occurrence[at] = number
        fetch(rows, term * lanes)
    sizes[TERMS] = different


@routine
def node_of(held: Any) -> Any:
    """Return the number of the node that an edge leads to, without the one it leaves."""
    return held >> NODE_AT


@routine
def class_of(held: Any) -> Any:
    """Return the class of frequency of the node that an edge leads to."""
    return held >> FLAG_BITS & (1 << CLASS_BITS) - 1


@routine
def edge_at(edges: Any, slot: int, node: int) -> int:
    """Return what stands in a slot, without the node that the edge leaves; 0 if it is not this one."""
    entry = edges[slot]
    return choose(entry >> PARENT_AT == node, entry & (1 << PARENT_AT) - 1, 0)


@routine
def walk_trie(tables: Tables, settings: Settings, work: Workspace) -> None:
    """Walk from every place down the trie: note the character n-grams, and keep the edges of the first levels.

    ``child`` holds them level by level. Of every level only the places are looked at from which an edge goes on, in
    short loops without branches on what they read, one of which finds the slots and has them fetched: the processor
    then waits for the memory of many at once. Behind the text stands a character that no node knows.
    """
    edges, terms = tables.edges, tables.terms
    letter, child, going, slot = work.letter, work.child, work.going, work.slot
    occurrence, span = work.occurrence, work.span
    length = work.sizes[CHARACTERS]
    levels = max(LEVELS, settings.longest)
    letter[length] = 0
    for index in range(length, levels * length):
        child[index] = 0
    left, found = 0, 0
    for place in range(length):
        held = edge_at(edges, letter[place] >> CODE_AT, 0)
        child[place] = held
        occurrence[found], span[found] = node_of(held), place << SPAN_BITS | place + 1
        found += held & GRAM != 0
        going[left] = place
        left += held & GROWS != 0
    for level in range(1, levels):
        here = level * length
        for index in range(left):
            place = going[index]
            slot[index] = node_of(child[here - length + place]) + (letter[place + level] >> CODE_AT)
            fetch(edges, slot[index])
        kept = 0
        for index in range(left):
            place = going[index]
            held = edge_at(edges, slot[index], node_of(child[here - length + place]))
            child[here + place] = held
            fetch(terms, node_of(held))
            occurrence[found], span[found] = node_of(held), place << SPAN_BITS | place + level + 1
            found += held & GRAM != 0
            going[kept] = place
            kept += held & GROWS != 0
        left = kept
    for at in range(found):
        occurrence[at] = term_of(terms[occurrence[at]], 2)
    work.sizes[OCCURRENCES] = found


@routine
def find_path(tables: Tables, settings: Settings, work: Workspace) -> None:
    """Find jieba's best path: ``route`` says how long the word at a place is, ``route_node`` what leads to long ones.

    Of equally likely words the longest is taken.
    """
    letter, weights, child = work.letter, tables.weights, work.child
    score, route, route_node = work.score, work.route, work.route_node
    length = work.sizes[CHARACTERS]
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0  # scores of the places behind
    score[length] = 0.0
    for place in range(length - 1, -1, -1):
        best, size = -_INFINITE, 1
        held, level = child[(LEVELS - 1) * length + place], LEVELS
        while held & GROWS:
            held = edge_at(tables.edges, node_of(held) + (letter[place + level] >> CODE_AT), node_of(held))
            level += 1
            weight = weights[class_of(held)]
            if weight > -_INFINITE and weight + score[place + level] >= best:
                best, size, route_node[place] = weight + score[place + level], level, held
        weight = weights[class_of(child[3 * length + place])] + fourth
        best, size = max(weight, best), choose(weight > best, 4, size)
        weight = weights[class_of(child[2 * length + place])] + third
        best, size = max(weight, best), choose(weight > best, 3, size)
        weight = weights[class_of(child[length + place])] + second
        best, size = max(weight, best), choose(weight > best, 2, size)
        weight = weights[class_of(child[place])] + first
        best, size = max(weight, best), choose(weight > best, 1, size)
        best = choose(best == -_INFINITE, settings.unknown_weight + first, best)
        first, second, third, fourth = choose(letter[place] & CHUNK != 0, best, 0.0), first, second, third
        score[place] = first
        route[place] = size


@routine
def find_words(tables: Tables, work: Workspace) -> None:
    """Follow jieba's path: put the words that hold a letter into the workspace, as `Segmenter.words` does.

    Those are noted that may make a pair with the word right before them.
    """
    letter, route, child = work.letter, work.route, work.child
    length = work.sizes[CHARACTERS]
    words, pairs, place = 0, 0, 0
    before, before_stop = 0, -1  # the last word's node and end
    while place < length:
        size = route[place]
        node = child[(size - 1) * length + place] if size <= LEVELS else work.route_node[place]
        stop = place + size
        if (size == 1) & (letter[place] & LATIN != 0):  # single letters and digits are one word
            while stop < length and route[stop] == 1 and letter[stop] & LATIN:
                node = edge_at(tables.edges, node_of(node) + (letter[stop] >> CODE_AT), node_of(node)) if node else 0
                stop += 1
        lettered = letter[place] & LETTER
        if (lettered == 0) & (stop > place + 1):
            for at in range(place + 1, stop):
                lettered |= letter[at] & LETTER
        work.word_start[words], work.word_end[words], work.word_node[words] = place, stop, node
        work.pair_word[pairs] = words
        pairs += (lettered != 0) & (before_stop == place) & (before & FIRST != 0) & (node & SECOND != 0)
        before, before_stop = choose(lettered != 0, node, before), choose(lettered != 0, stop, before_stop)
        words += lettered != 0
        place = stop
    work.sizes[WORDS], work.sizes[PAIRS] = words, pairs


@routine
def find_pairs(tables: Tables, work: Workspace) -> None:
    """Find those that do make a pair, and the numbers of these pairs."""
    pairs, displacements, word_node, pair_word, pair = (
        *(tables.pairs, tables.pair_displacements),
        *(work.word_node, work.pair_word, work.pair),
    )
    for number in range(work.sizes[PAIRS]):
        pair[number] = place_of(pairs, displacements, pair_key(word_node, pair_word[number]))
        fetch(pairs, pair[number])
    found = 0
    for number in range(work.sizes[PAIRS]):
        index = pair_word[number]
        pair[found], pair_word[found] = held_for(pairs[pair[number]], pair_key(word_node, index), PAIR_BITS), index
        fetch(tables.pair_terms, max(pair[found], 0) * 2)
        found += pair[found] >= 0
    work.sizes[PAIRS] = found


@routine
def pair_key(word_node: Any, index: int) -> int:
    """Return the key of the pair that a word makes with the one before it."""
    return node_of(word_node[index - 1]) << NODE_BITS | node_of(word_node[index])


@routine
def term_of(numbers: int, block: int) -> int:
    """Return one of the numbers of `Tables.terms`, or -1."""
    return (numbers >> block * TERM_BITS & (1 << TERM_BITS) - 1) - 1


@routine
def find_word_terms(tables: Tables, work: Workspace) -> None:
    """Note words, words inside words and pairs as terms: first those of the text, then those of the offering clause.

    What the clause has is put aside in `Workspace.term` and `Workspace.count`, which are not in use yet.
    """
    terms, child, sizes = tables.terms, work.child, work.sizes
    occurrence, span, aside, aside_span, going = work.occurrence, work.span, work.term, work.count, work.going
    word_start, word_end, word_node = work.word_start, work.word_end, work.word_node
    length, clause_start, clause_stop = sizes[CHARACTERS], sizes[CLAUSE_START], sizes[CLAUSE_STOP]
    begun = found = sizes[OCCURRENCES]
    left, offered = 0, 0
    for index in range(sizes[WORDS]):
        start, stop, held = word_start[index], word_end[index], word_node[index]
        occurrence[found] = aside[offered] = node_of(held)
        span[found] = aside_span[offered] = start << SPAN_BITS | stop
        found += held & WORD != 0
        offered += (held & OFFERED != 0) & (start >= clause_start) & (stop <= clause_stop)
        going[left] = index
        left += stop - start > 2
    for number in range(left):
        start, stop = word_start[going[number]], word_end[going[number]]
        inside = (start >= clause_start) & (stop <= clause_stop)
        for size in range(2, 4 if stop - start > 3 else 3):
            for at in range(start, stop - size + 1):
                held = child[(size - 1) * length + at]
                occurrence[found] = aside[offered] = node_of(held)
                span[found] = aside_span[offered] = at << SPAN_BITS | at + size
                found += (held & WORD != 0) & (class_of(held) != 0)
                offered += inside & (held & OFFERED != 0) & (class_of(held) != 0)
    for at in range(begun, found):
        occurrence[at] = term_of(terms[occurrence[at]], 0)
    found = put_pairs(tables, work, 0, 0, length, found)
    for at in range(offered):
        occurrence[found], span[found] = term_of(terms[aside[at]], 1), aside_span[at]
        found += 1
    sizes[OCCURRENCES] = put_pairs(tables, work, 1, clause_start, clause_stop, found)


@routine
def put_pairs(tables: Tables, work: Workspace, block: int, part_start: int, part_stop: int, found: int) -> int:
    """Note the pairs of a part of the text as terms of a block behind the terms so far; return how many there are."""
    for number in range(work.sizes[PAIRS]):
        index = work.pair_word[number]
        start, stop = work.word_start[index - 1], work.word_end[index]
        term = tables.pair_terms[work.pair[number] * 2 + block]
        work.occurrence[found], work.span[found] = term, start << SPAN_BITS | stop
        found += (term >= 0) & (start >= part_start) & (stop <= part_stop)
    return found


@routine
def weigh(tables: Tables, settings: Settings, work: Workspace, probabilities: Any, at: int) -> None:
    """Compute the probabilities of all labels: sub-linear TF-IDF, each block to length one, linear, softmax."""
    rows, terms, counts, value = tables.rows, work.term, work.count, work.value
    sums, squares, labels, shift = work.sums, work.squares, settings.labels, settings.shift
    different = work.sizes[TERMS]
    lanes = len(rows) // tables.starts[3]
    for number in range(different):
        count = counts[number]
        damped = settings.damped[count] if count < len(settings.damped) else 1.0 + log(count)
        value[number] = rows[terms[number] * lanes] * damped
    for index in range(3 * lanes):
        sums[index] = 0.0
    for block in range(3):
        squares[block] = 0.0
    number = 0
    while number < different:  # terms of one block, side by side
        block = block_of(tables, terms[number])
        stop = number + 1
        while stop < different and tables.starts[block] <= terms[stop] < tables.starts[block + 1]:
            stop += 1
        square = 0.0
        for lane in range(0, lanes, LANES):
            a = b = c = d = e = f = g = h = 0.0
            for index in range(number, stop):
                weight, row = value[index], terms[index] * lanes + lane
                square += weight * weight
                a += weight * rows[row]
                b += weight * rows[row + 1]
                c += weight * rows[row + 2]
                d += weight * rows[row + 3]
                e += weight * rows[row + 4]
                f += weight * rows[row + 5]
                g += weight * rows[row + 6]
                h += weight * rows[row + 7]
            if lane == 0:
                squares[block] += square
            into = block * lanes + lane
            sums[into] += a
            sums[into + 1] += b
            sums[into + 2] += c
            sums[into + 3] += d
            sums[into + 4] += e
            sums[into + 5] += f
            sums[into + 6] += g
            sums[into + 7] += h
        number = stop
    for block in range(3):
        squares[block] = 1.0 / sqrt(squares[block]) if squares[block] > 0.0 else 0.0
    highest = -_INFINITE
    for label in range(labels):
        logit = shift[label]
        if label < labels - 1:
            for block in range(3):
                logit += settings.slope * sums[block * lanes + label + 1] * squares[block]
        probabilities[at + label] = logit
        highest = max(highest, logit)
    together = 0.0
    for label in range(labels):
        probabilities[at + label] = exp(probabilities[at + label] - highest)
        together += probabilities[at + label]
    for label in range(labels):
        probabilities[at + label] /= together


@routine
def block_of(tables: Tables, term: int) -> int:
    """Return the number of the block that a term belongs to."""
    return (1 if term >= tables.starts[1] else 0) + (1 if term >= tables.starts[2] else 0)


@routine
def gather_words(tables: Tables, settings: Settings, work: Workspace, first: int, second: int) -> None:
    """Find equal words, and what each adds to the log-odds of the first label against the second.

    Every term's exact contribution is spread evenly over the characters of its occurrences and gathered by word.
    """
    rows, starts, steps, sizes = tables.rows, tables.starts, work.steps, work.sizes
    lanes, last = len(rows) // starts[3], settings.labels - 1
    length = sizes[CHARACTERS]
    for number in range(sizes[TERMS]):
        term = work.term[number]
        block = block_of(tables, term)
        difference = 0.0
        if first != last:
            difference += rows[term * lanes + 1 + first]
        if second != last:
            difference -= rows[term * lanes + 1 + second]
        work.value[number] *= settings.slope * work.squares[block] * difference / work.count[number]
    for at in range(sizes[OCCURRENCES]):
        begin, end = work.span[at] >> SPAN_BITS, work.span[at] & (1 << SPAN_BITS) - 1
        share = work.value[work.occurrence[at]] / (end - begin)
        steps[begin] += share
        steps[end] -= share
    value, running = 0.0, 0.0
    for place in range(length + 1):
        value += steps[place]
        steps[place] = running
        running += value
    mask = 255
    while mask < 2 * sizes[WORDS]:
        mask = 2 * mask + 1
    table, word_node, word_same, total = work.distinct, work.word_node, work.word_same, work.total
    for index in range(mask + 1):
        table[index] = -1
    for index in range(sizes[WORDS]):
        start, stop, node = work.word_start[index], work.word_end[index], word_node[index]
        if node:
            place = (node_of(node) * 0x9E3779B1 >> 15) & mask
            while (table[place] >= 0) & (word_node[max(table[place], 0)] != node):
                place = (place + 1) & mask
        else:
            place = 0
            for at in range(start, stop):
                place = (place * 31 + work.characters[at]) & 0x7FFFFFFF
            place &= mask
            while table[place] >= 0 and not same_word(work, table[place], index):
                place = (place + 1) & mask
        new = table[place] < 0
        one = choose(new, index, table[place])
        table[place] = word_same[index] = one
        total[one] = choose(new, 0.0, total[one]) + (steps[stop] - steps[start])
    telling, left = work.telling, 0
    for index in range(sizes[WORDS]):
        telling[left] = index
        left += (word_same[index] == index) & (abs(total[index]) >= LEAST_SHOWN)
    sizes[TELLING] = left
    for place in range(length + 1):
        steps[place] = 0.0


@routine
def same_word(work: Workspace, one: int, other: int) -> bool:
    """Tell whether two words of a text are the same that are no nodes of the trie."""
    start, size = work.word_start[one], work.word_end[one] - work.word_start[one]
    begin = work.word_start[other]
    if work.word_node[one] or work.word_end[other] - begin != size:
        return False
    same = 0
    while same < size and work.characters[start + same] == work.characters[begin + same]:
        same += 1
    return same == size


@routine
def doubt_of(settings: Settings, work: Workspace, probability: float, inside: bool) -> int:
    """Return why a person should look at the text: the number of a phrase, or 0."""
    characters, letter, sizes = work.characters, work.letter, work.sizes
    if sizes[CHARACTERS] == 0:
        return EMPTY
    cover, different = 0, 0
    for index in range(sizes[WORDS]):
        size, held = work.word_end[index] - work.word_start[index], work.word_node[index]
        known = held & (FIRST | SECOND | WORD | OFFERED | GRAM) != 0  # of a pair, if it tells nothing alone
        first = characters[work.word_start[index]]
        counts = known & (size > 1) & (first >= 0x4E00) & (first <= 0x9FFF)
        cover += choose(counts, size, 0)
        different += counts & (work.word_same[index] == index)
    if cover == 0:
        return NOTHING_KNOWN
    letters = 0
    for place in range(sizes[CHARACTERS]):
        letters += letter[place] & ALPHABETIC != 0
    if different < LEAST_WORDS or cover < LEAST_COVER * letters or sizes[TELLING] == 0:
        return LITTLE_KNOWN
    if inside and probability < settings.least_inside:
        return UNLIKELY_INSIDE
    if not inside and probability < settings.least_outside:
        return UNLIKELY_OUTSIDE
    return ACCEPTED


@routine
def put_phrase(settings: Settings, number: int, out: Any, at: int) -> int:
    """Write a phrase at a place; return the place behind it."""
    for index in range(settings.phrase_ends[number - 1], settings.phrase_ends[number]):
        out[at] = settings.phrases[index]
        at += 1
    return at


@routine
def put_word(work: Workspace, index: int, out: Any, at: int) -> int:
    """Write a word and what it adds, as in ``机器人 +1.25``; return the place behind it."""
    for place in range(work.word_start[index], work.word_end[index]):
        character = work.characters[place]
        if (character >= 0x800) & (character < 0x10000):
            out[at], out[at + 1] = 0xE0 | character >> 12, 0x80 | character >> 6 & 0x3F
            out[at + 2] = 0x80 | character & 0x3F
            at += 3
        elif character < 0x80:
            out[at] = character
            at += 1
        elif character < 0x800:
            out[at], out[at + 1] = 0xC0 | character >> 6, 0x80 | character & 0x3F
            at += 2
        else:
            out[at], out[at + 1] = 0xF0 | character >> 18, 0x80 | character >> 12 & 0x3F
            out[at + 2], out[at + 3] = 0x80 | character >> 6 & 0x3F, 0x80 | character & 0x3F
            at += 4
    total = work.total[index]
    out[at], out[at + 1] = 32, 43 if total >= 0 else 45
    at += 2
    scaled = abs(total) * 100.0
    hundredths = int(scaled)
    rest = scaled - hundredths
    if rest == 0.5:  # of the product; what rounding took from it (Dekker 1971) tells the side, else the even one counts
        high = abs(total) * 134217729.0
        high -= high - abs(total)
        rest += (high * 100.0 - scaled) + (abs(total) - high) * 100.0
    if rest > 0.5 or (rest == 0.5 and hundredths % 2 == 1):
        hundredths += 1
    if hundredths < 1000:
        out[at], out[at + 1] = 48 + hundredths // 100, 46
        out[at + 2], out[at + 3] = 48 + hundredths // 10 % 10, 48 + hundredths % 10
        return at + 4
    size, left = 4, hundredths // 1000
    while left > 0:
        size += 1
        left //= 10
    for place in range(at + size - 1, at - 1, -1):
        if place == at + size - 3:
            out[place] = 46
        else:
            out[place] = 48 + hundredths % 10
            hundredths //= 10
    return at + size


@routine
def find_strongest(work: Workspace, sign: float) -> int:
    """Find up to four words with the largest positive sums times a sign, of equal ones the first; return how many.

    All places are compared at once, without branches: which one a word takes is not to be guessed.
    """
    telling, total, shown = work.telling, work.total, work.shown
    first = second = third = fourth = 0.0
    one = two = three = four = 0
    for number in range(work.sizes[TELLING]):
        index = telling[number]
        value = total[index] * sign
        beats_first, beats_second, beats_third = value > first, value > second, value > third
        four = choose(beats_third, three, choose(value > fourth, index, four))
        fourth = choose(beats_third, third, max(value, fourth))
        three = choose(beats_second, two, choose(beats_third, index, three))
        third = choose(beats_second, second, max(value, third))
        two = choose(beats_first, one, choose(beats_second, index, two))
        second = choose(beats_first, first, max(value, second))
        one, first = choose(beats_first, index, one), max(value, first)
    shown[0], shown[1], shown[2], shown[3] = one, two, three, four
    return (first > 0.0) + (second > 0.0) + (third > 0.0) + (fourth > 0.0)


@routine
def put_reason(settings: Settings, work: Workspace, doubt: int, cut: bool, out: Any, at: int) -> int:
    """Write the reason of a label; return the place behind it."""
    begun = at
    if doubt:
        at = put_phrase(settings, doubt, out, at)
    if cut:
        if at > begun:
            at = put_phrase(settings, _BETWEEN_PARTS, out, at)
        at = put_phrase(settings, _CUT, out, at)
    shown = work.shown
    for side in range(2):
        found = min(find_strongest(work, 1.0 - 2.0 * side), SHOWN_AGAINST if side else SHOWN_FOR)
        for place in range(found):
            if place > 0:
                at = put_phrase(settings, _BETWEEN_WORDS, out, at)
            else:
                if at > begun:
                    at = put_phrase(settings, _BETWEEN_PARTS, out, at)
                at = put_phrase(settings, _FOR + side, out, at)
            at = put_word(work, shown[place], out, at)
    return at


@routine
def score_text(
    tables: Tables,
    settings: Settings,
    work: Workspace,
    data: Any,
    start: int,
    stop: int,
    normal: bool,
    text: int,
    results: Results,
) -> bool:
    """Score one text (``normal``: it is in normal form); return False if it needs `classifier.text.normalize`."""
    sizes = work.sizes
    sizes[WORDS] = sizes[OCCURRENCES] = sizes[TERMS] = 0
    if not read_text(tables, data, start, stop, normal, work):
        results.doubt[text] = NOT_READ
        return False
    find_offering_clause(tables, work)
    walk_trie(tables, settings, work)
    find_path(tables, settings, work)
    find_words(tables, work)
    find_pairs(tables, work)
    find_word_terms(tables, work)
    count_terms(tables, work)
    at = text * settings.labels
    probabilities = results.probabilities
    weigh(tables, settings, work, probabilities, at)
    first, second = 0, 1
    if probabilities[at + 1] > probabilities[at]:
        first, second = 1, 0
    for label in range(2, settings.labels):
        if probabilities[at + label] > probabilities[at + first]:
            first, second = label, first
        elif probabilities[at + label] > probabilities[at + second]:
            second = label
    gather_words(tables, settings, work, first, second)
    doubt = doubt_of(settings, work, probabilities[at + first], first != settings.outside)
    results.first[text], results.second[text], results.doubt[text] = first, second, doubt
    return True


@routine
def score_texts(
    tables: Tables, settings: Settings, work: Workspace, data: Any, ends: Any, normal: bool, cut: Any, results: Results
) -> None:
    """Score texts that stand one behind the other.

    ``ends`` has the places where they begin and, last, the end; ``normal`` says that they are in normal form, ``cut``
    of each whether it is only the beginning of a longer text. Texts that `classifier.text.normalize` has to see first
    get the doubt `NOT_READ`.
    """
    at = results.reason_ends[0] = 0
    for text in range(len(ends) - 1):
        if score_text(tables, settings, work, data, ends[text], ends[text + 1], normal, text, results):
            at = put_reason(settings, work, results.doubt[text], cut[text], results.reasons, at)
        results.reason_ends[text + 1] = at


@routine
def merge_reasons(
    reasons: Any, ends: Any, others: Any, other_ends: Any, replaced: Any, merged: Any, merged_ends: Any
) -> None:
    """Write one reason a text: those of ``reasons``, except where ``replaced`` has a number of ``others``."""
    at = merged_ends[0] = 0
    for text in range(len(ends) - 1):
        number = replaced[text]
        if number >= 0:
            for place in range(other_ends[number], other_ends[number + 1]):
                merged[at] = others[place]
                at += 1
        else:
            for place in range(ends[text], ends[text + 1]):
                merged[at] = reasons[place]
                at += 1
        merged_ends[text + 1] = at
