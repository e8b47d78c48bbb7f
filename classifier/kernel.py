"""The inner loop of scoring: UTF-8 text in, probabilities and the reason out, without a Python object a token.

The functions are plain Python over flat arrays. For a few texts they run as they stand, over `memoryview`, which
needs neither numba nor numpy; `classifier.machine` makes machine code of them for batches, which releases the GIL.
Texts whose normal form needs a look at more than one character at a time (HTML, traditional or combining characters,
boilerplate of registered scopes) are left to `classifier.text.normalize` and come back already normal.
"""

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Any, NamedTuple

EDGE_BITS, PAIR_BITS = 26, 20  # of what tables hold beside the key
LEVELS = 4  # of the trie are walked for all places together
# what an edge says of the node it leads to, below the node's number: a word of the dictionary begins with it, is it;
# further edges leave it; a pair of words begins with it, ends with it
FLAG_BITS = 5
BEGINS, WORD, GROWS, FIRST, SECOND = (1 << bit for bit in range(FLAG_BITS))
SPAN_BITS = 15  # of the end of an occurrence; above them stands where it begins
LANES = 8  # a row of `Tables.rows` has a multiple of so many numbers

# kinds of raw characters (`Tables.kinds`)
SLOW, PLAIN, SPACE = 0, 1, 2
# properties of characters of a normal form (`Tables.properties`)
CHUNK, LETTER, ALPHABETIC, TIGHT, CLAUSE_END, LATIN, SIGN_END, OFFER_START = (1 << bit for bit in range(8))

# what reasons are made of, and the numbers of these phrases; one of the first is the `doubt` of `Results`, or 0
PHRASES = (
    *("没有说明文字", "没有模型认识的词", "模型认识的词太少", "概率低于{outside:.2f}", "概率低于{inside:.2f}"),
    *("支持：", "反对：", "；", "、", "只读了前{most}个字符"),
)
ACCEPTED, EMPTY, NOTHING_KNOWN, LITTLE_KNOWN, UNLIKELY_OUTSIDE, UNLIKELY_INSIDE, NOT_READ = 0, 1, 2, 3, 4, 5, 255
_FOR, _BETWEEN_PARTS, _BETWEEN_WORDS, _CUT = 6, 8, 9, 10

LEAST_WORDS = 2  # known Chinese words of two characters or more that a text needs before it can be accepted
LEAST_COVER = 0.25  # share of a text's letters that such words must cover
SHOWN_FOR, SHOWN_AGAINST = 4, 2
LEAST_SHOWN = 0.05  # log-odds below which a word is not worth showing

_INFINITE = float("inf")


def _as_it_stands(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _fetch_nothing(array: Any, place: int) -> None:
    pass


# `classifier.machine` runs this file with a compiler in place of the first, and in place of the second with what tells
# the processor that a place of an array is going to be read
routine = globals().get("routine", _as_it_stands)
fetch = globals().get("fetch", _fetch_nothing)


class Tables(NamedTuple):
    """The arrays, all of one dimension (``memoryview`` or ``numpy.ndarray``); sizes of tables are powers of two.

    kinds, folded : uint8, uint16 (65,536)
        What normalisation does to a character of the basic plane: `SLOW` (ask `classifier.text.normalize`), `PLAIN`
        (becomes ``folded``) or `SPACE`.
    properties : uint8 (1,114,112)
        Of every character of a normal form.
    signs : int32 (2 a sign)
        Last two characters of signs of boilerplate, for which `classifier.text.normalize` is asked.
    offers : int32
        Markers of the offering clause: length and characters of each.
    codes : uint16 (1,114,112)
        Short numbers of the characters that the trie knows, 0 for all others.
    first : int32 (65,536)
        What the root leads to by a character's code: a node as in ``edges``, or -1.
    edges, edge_displacements : int64, uint8
        Edges of the trie, a perfect hash table (see `find`): from bit 26 the parent node and, in its last 16 bits, the
        code of a character; from bit 5 the child node; below it `BEGINS` to `SECOND`. Nodes that are character n-grams
        come first, in the order of the terms.
    weights : float64 (a node)
        jieba's log of frequency over total; minus infinity for what is no word of the dictionary.
    words : int32 (2 a node)
        Numbers of the term as a word of the text and of the offering clause, or -1.
    pairs, pair_displacements : int64, uint8
        Pairs of words that are terms, a perfect hash table: from bit 41 the first word's node, from bit 20 the
        second's; the other bits are the number of the pair.
    pair_terms : int32 (2 a pair)
        Numbers of the pair as a term of the text and of the offering clause, or -1.
    starts : int32 (4)
        Where the terms of words, offering and characters begin, and how many terms there are.
    rows : float32 (a multiple of 8 a term)
        Inverse document frequency, then the coefficients of every label but the last less those of the last.
    """

    kinds: Any
    folded: Any
    properties: Any
    signs: Any
    offers: Any
    codes: Any
    first: Any
    edges: Any
    edge_displacements: Any
    weights: Any
    words: Any
    pairs: Any
    pair_displacements: Any
    pair_terms: Any
    starts: Any
    rows: Any


class Settings(NamedTuple):
    """Numbers of the model and the decision; arrays of one number a label, and the phrases of reasons in UTF-8."""

    labels: int
    outside: int
    shortest: int
    longest: int
    unknown_weight: float
    slope: float
    shift: Any
    least_inside: float
    least_outside: float
    phrases: Any
    phrase_ends: Any


class Workspace(NamedTuple):
    """Scratch arrays of one thread, for one text at a time."""

    characters: Any
    codes: Any
    child: Any
    run_stop: Any
    chunk_stop: Any
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
    word_pair: Any
    word_same: Any
    total: Any
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
    one = characters + 2
    # of every place: its n-grams; a word, a pair and two words inside words, each also in the offering clause; one over
    occurrences = one * (longest + 8) + 1
    table, seen = (1 << (2 * count).bit_length() for count in (one, occurrences))
    integers = dict.fromkeys(
        ("characters", "codes", "run_stop", "chunk_stop", "route", "route_node", "word_start", "word_end"), one
    ) | {"child": max(LEVELS, longest) * one, "seen": seen, "distinct": table}
    integers |= dict.fromkeys(("word_node", "word_pair", "word_same"), one)
    integers |= dict.fromkeys(("term", "count", "occurrence", "span"), occurrences)
    floats = {"score": one, "steps": one, "total": one, "value": occurrences, "sums": 3 * lanes, "squares": 3}
    return [("d", floats[name]) if name in floats else ("i", integers.get(name, 8)) for name in Workspace._fields]


def reason_room(texts: int, length: int) -> int:
    """Return the bytes that the reasons of so many texts with so many bytes can take."""
    return 400 * texts + 2 * length


# positions in Workspace.sizes
CHARACTERS, WORDS, OCCURRENCES, TERMS, CLAUSE_START, CLAUSE_STOP = range(6)


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
def find(table: Any, displacements: Any, key: int, bits: int) -> int:
    """Return what a table holds for a key below its last bits, or -1: one look at one place, whatever the key."""
    return held_for(table[place_of(table, displacements, key)], key, bits)


@routine
def place_of(table: Any, displacements: Any, key: int) -> int:
    """Return the one place where a table may hold a key."""
    hashed = hash_of(key)
    return slot_of(hashed, displacements[bucket_of(hashed, len(displacements))], len(table))


@routine
def held_for(entry: int, key: int, bits: int) -> int:
    """Return what an entry of a table holds below its last bits, or -1 if it is that of another key."""
    return entry & (1 << bits) - 1 if entry >> bits == key else -1


@routine
def read_character(data: Any, at: int, stop: int) -> int:
    """Return the code point of the UTF-8 character that begins at a place, times 8, plus its length in bytes."""
    byte = data[at]
    if byte < 0x80:
        return byte << 3 | 1
    if byte >= 0xE0 and byte < 0xF0 and at + 2 < stop:
        return ((byte & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | data[at + 2] & 0x3F) << 3 | 3
    if byte < 0xE0 and at + 1 < stop:
        return ((byte & 0x1F) << 6 | data[at + 1] & 0x3F) << 3 | 2
    if byte >= 0xF0 and at + 3 < stop:
        point = (byte & 0x07) << 18 | (data[at + 1] & 0x3F) << 12 | (data[at + 2] & 0x3F) << 6 | data[at + 3] & 0x3F
        return min(point, 0x10FFFF) << 3 | 4
    return 0xFFFD << 3 | 1


@routine
def read_normal(data: Any, start: int, stop: int, work: Workspace) -> None:
    """Put a text that is in normal form into the workspace."""
    characters = work.characters
    length = 0
    while start < stop:
        read = read_character(data, start, stop)
        start += read & 7
        characters[length] = read >> 3
        length += 1
    work.sizes[CHARACTERS] = length


@routine
def read_raw(tables: Tables, data: Any, start: int, stop: int, work: Workspace) -> bool:
    """Put the normal form of a text into the workspace; return False if it needs `classifier.text.normalize`."""
    kinds, folded, properties, signs = tables.kinds, tables.folded, tables.properties, tables.signs
    characters = work.characters
    if stop - start >= len(characters):
        return False
    length, space, last, tight = 0, False, 0, False
    while start < stop:
        read = read_character(data, start, stop)
        start += read & 7
        raw = read >> 3
        if raw > 0xFFFF or kinds[raw] == SLOW:
            return False
        if kinds[raw] != PLAIN:
            space = length > 0
            continue
        character = folded[raw]
        held = properties[character]
        if held & SIGN_END:
            for sign in range(0, len(signs), 2):
                if signs[sign] == last and signs[sign + 1] == character:
                    return False
        if space:
            if not (tight and held & TIGHT):
                characters[length] = 32
                length += 1
            space = False
        characters[length] = character
        length += 1
        last = character
        tight = held & TIGHT != 0
    work.sizes[CHARACTERS] = length
    return True


@routine
def find_offering_clause(tables: Tables, work: Workspace) -> None:
    """Find the clause as `classifier.text.offering_clause` does."""
    characters, properties, offers = work.characters, tables.properties, tables.offers
    length = work.sizes[CHARACTERS]
    work.sizes[CLAUSE_START], work.sizes[CLAUSE_STOP] = 0, length
    for place in range(length):
        if properties[characters[place]] & OFFER_START:
            marker = 0
            while marker < len(offers):
                size = offers[marker]
                same = 0
                while same < size and place + same < length and characters[place + same] == offers[marker + 1 + same]:
                    same += 1
                if same == size:
                    start, stop = place, place + size
                    while start > 0 and not properties[characters[start - 1]] & CLAUSE_END:
                        start -= 1
                    while stop < length and not properties[characters[stop]] & CLAUSE_END:
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
        if number < 0:
            number = different
            different += 1
            seen[place] = number
            terms[number] = term
            counts[number] = 0
            fetch(rows, term * lanes)
        counts[number] += 1
        occurrence[at] = number
    sizes[TERMS] = different


@routine
def walk_trie(tables: Tables, settings: Settings, work: Workspace) -> None:
    """Walk from every place down the trie: note the character n-grams, and keep the nodes of the first levels.

    ``child`` holds them level by level, as they stand in ``edges``; ``run_stop`` and ``chunk_stop`` say where the
    letters and the characters that jieba looks up end. Short loops with few branches on what they read, one of which
    finds the slots of edges and has them fetched: the processor then waits for the memory of many at once. Where no
    edge leaves a node, one and the same slot is looked at, which is in the cache.
    """
    characters, properties, codes = work.characters, tables.properties, work.codes
    edges, displacements = tables.edges, tables.edge_displacements
    child, run_stop, chunk_stop, slot = work.child, work.run_stop, work.chunk_stop, work.route
    occurrence, span, found = work.occurrence, work.span, 0
    shortest, longest = settings.shortest, settings.longest
    first_gram, grams = tables.starts[2] - 1, tables.starts[3] - tables.starts[2]
    length = work.sizes[CHARACTERS]
    for place in range(length):
        codes[place] = tables.codes[characters[place]]
    run, chunk = length, length
    for place in range(length - 1, -1, -1):
        held = properties[characters[place]]
        run = run if held & LETTER else place
        chunk = chunk if held & CHUNK else place
        run_stop[place], chunk_stop[place] = run, chunk
    last_gram = grams + 1 << FLAG_BITS
    stop = last_gram if shortest <= 1 else 0
    for place in range(length):
        held = tables.first[codes[place]]
        child[place] = held
        occurrence[found], span[found] = first_gram + (held >> FLAG_BITS), place << SPAN_BITS | place + 1
        found += (held >= 0) & (held < stop) & (place < run_stop[place])
    for level in range(1, max(LEVELS, longest)):
        before = (level - 1) * length
        for place in range(length - level):
            held = child[before + place]
            key = edge_key(held, codes[place + level]) if held >= 0 and held & GROWS else 0
            slot[place] = place_of(edges, displacements, key)
            fetch(edges, slot[place])
        stop = last_gram if shortest <= level + 1 <= longest else 0
        for place in range(length - level):
            held = held_for(edges[slot[place]], edge_key(child[before + place], codes[place + level]), EDGE_BITS)
            child[before + length + place] = held
            fetch(tables.weights, held >> FLAG_BITS if held >= 0 else 0)
            occurrence[found] = first_gram + (held >> FLAG_BITS)
            span[found] = place << SPAN_BITS | place + level + 1
            found += (held >= 0) & (held < stop) & (place + level < run_stop[place])
        for place in range(max(length - level, 0), length):
            child[before + length + place] = -1
    work.sizes[OCCURRENCES] = found


@routine
def edge_key(held: Any, code: Any) -> Any:
    """Return the key of the edge by a character's code from the node that an edge leads to."""
    return held >> FLAG_BITS << 16 | code


@routine
def find_path(tables: Tables, settings: Settings, work: Workspace) -> None:
    """Find jieba's best path: ``route`` and ``route_node`` say where the word at a place ends and what leads to it."""
    codes, weights, child = work.codes, tables.weights, work.child
    score, route, route_node, chunk_stop = work.score, work.route, work.route_node, work.chunk_stop
    length = work.sizes[CHARACTERS]
    score[length] = 0.0
    for place in range(length - 1, -1, -1):
        last = chunk_stop[place]
        best, best_stop, best_node = -_INFINITE, place + 1, child[place]
        for level in range(LEVELS):
            at = place + level + 1
            held = child[level * length + place]
            if at <= last and held >= 0 and held & WORD:
                weight = weights[held >> FLAG_BITS] + score[at]
                if weight >= best:
                    best, best_stop, best_node = weight, at, held
        held, at = child[(LEVELS - 1) * length + place], place + LEVELS
        while held >= 0 and held & BEGINS and at < last:
            held = find(tables.edges, tables.edge_displacements, edge_key(held, codes[at]), EDGE_BITS)
            at += 1
            if held >= 0 and held & WORD:
                weight = weights[held >> FLAG_BITS] + score[at]
                if weight >= best:
                    best, best_stop, best_node = weight, at, held
        if best == -_INFINITE:
            best = settings.unknown_weight + score[place + 1]
        score[place] = best if last > place else 0.0
        route[place], route_node[place] = best_stop, best_node


@routine
def find_words(tables: Tables, work: Workspace) -> None:
    """Follow jieba's path: put the words that hold a letter into the workspace, as `Segmenter.words` does."""
    characters, properties, route = work.characters, tables.properties, work.route
    length = work.sizes[CHARACTERS]
    words, place = 0, 0
    while place < length:
        stop, node = route[place], work.route_node[place]
        if stop == place + 1 and properties[characters[place]] & LATIN:  # single letters and digits are one word
            while stop < length and route[stop] == stop + 1 and properties[characters[stop]] & LATIN:
                stop += 1
            if stop > place + 1:
                at = place + 1
                while at < stop and node >= 0:
                    node = find(tables.edges, tables.edge_displacements, edge_key(node, work.codes[at]), EDGE_BITS)
                    at += 1
        lettered = False
        for at in range(place, stop):
            lettered = lettered or properties[characters[at]] & LETTER != 0
        if lettered:
            work.word_start[words], work.word_end[words], work.word_node[words] = place, stop, node
            fetch(tables.words, (node >> FLAG_BITS) * 2 if node >= 0 else 0)
            words += 1
        place = stop
    work.sizes[WORDS] = words


@routine
def find_pairs(tables: Tables, work: Workspace) -> None:
    """Note for every word the number of the pair that it makes with the word right before it, or -1."""
    pairs, displacements, word_node, word_pair = tables.pairs, tables.pair_displacements, work.word_node, work.word_pair
    word_pair[0] = -1
    for index in range(1, work.sizes[WORDS]):
        before, node = word_node[index - 1], word_node[index]
        word_pair[index] = -1
        touching = work.word_end[index - 1] == work.word_start[index]
        if touching and before >= 0 and node >= 0 and before & FIRST and node & SECOND:
            key = before >> FLAG_BITS << 21 | node >> FLAG_BITS
            word_pair[index] = find(pairs, displacements, key, PAIR_BITS)


@routine
def find_word_terms(tables: Tables, work: Workspace, block: int, clause_start: int, clause_stop: int) -> None:
    """Note words, pairs and words inside words of a part of the text as terms of a block (0: words, 1: offering)."""
    terms, pair_terms, child, sizes = tables.words, tables.pair_terms, work.child, work.sizes
    occurrence, span, found = work.occurrence, work.span, sizes[OCCURRENCES]
    word_start, word_end, word_pair = work.word_start, work.word_end, work.word_pair
    length = sizes[CHARACTERS]
    index, last = 0, sizes[WORDS]
    while index < last and word_start[index] < clause_start:
        index += 1
    first = index
    while index < last and word_end[index] <= clause_stop:
        start, stop, node = word_start[index], word_end[index], work.word_node[index]
        if node >= 0:
            occurrence[found], span[found] = terms[(node >> FLAG_BITS) * 2 + block], start << SPAN_BITS | stop
            found += occurrence[found] >= 0
        if word_pair[index] >= 0 and index > first:
            occurrence[found] = pair_terms[word_pair[index] * 2 + block]
            span[found] = word_start[index - 1] << SPAN_BITS | stop
            found += occurrence[found] >= 0
        for size in range(2, 4 if stop - start > 3 else 3 if stop - start > 2 else 2):
            for at in range(start, stop - size + 1):
                held = child[(size - 1) * length + at]
                if held >= 0 and held & WORD:
                    occurrence[found] = terms[(held >> FLAG_BITS) * 2 + block]
                    span[found] = at << SPAN_BITS | at + size
                    found += occurrence[found] >= 0
        index += 1
    sizes[OCCURRENCES] = found


@routine
def weigh(tables: Tables, settings: Settings, work: Workspace, probabilities: Any, at: int) -> None:
    """Compute the probabilities of all labels: sub-linear TF-IDF, each block to length one, linear, softmax."""
    rows, terms, counts, value = tables.rows, work.term, work.count, work.value
    sums, squares, labels, shift = work.sums, work.squares, settings.labels, settings.shift
    different = work.sizes[TERMS]
    lanes = len(rows) // tables.starts[3]
    for number in range(different):  # a short loop that fetches the rows for the next one
        value[number] = rows[terms[number] * lanes]
    for number in range(different):
        if counts[number] > 1:
            value[number] *= 1.0 + log(counts[number])
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
        for index in range(number, stop):
            square += value[index] * value[index]
        squares[block] += square
        for lane in range(0, lanes, LANES):
            a = b = c = d = e = f = g = h = 0.0
            for index in range(number, stop):
                weight, row = value[index], terms[index] * lanes + lane
                a += weight * rows[row]
                b += weight * rows[row + 1]
                c += weight * rows[row + 2]
                d += weight * rows[row + 3]
                e += weight * rows[row + 4]
                f += weight * rows[row + 5]
                g += weight * rows[row + 6]
                h += weight * rows[row + 7]
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
    mask = 16
    while mask < 2 * sizes[WORDS]:
        mask *= 2
    mask -= 1
    table = work.distinct
    for index in range(mask + 1):
        table[index] = -1
    for index in range(sizes[WORDS]):
        start, stop = work.word_start[index], work.word_end[index]
        key = work.word_node[index]
        if key < 0:
            key = 0
            for at in range(start, stop):
                key = (key * 31 + work.characters[at]) & 0x7FFFFFFF
        place = (key ^ key >> 7) & mask
        while table[place] >= 0 and not same_word(work, table[place], index):
            place = (place + 1) & mask
        if table[place] < 0:
            table[place] = index
            work.total[index] = 0.0
        work.word_same[index] = table[place]
        work.total[table[place]] += steps[stop] - steps[start]
    for place in range(length + 1):
        steps[place] = 0.0


@routine
def same_word(work: Workspace, one: int, other: int) -> bool:
    """Tell whether two words of a text are the same."""
    start, size = work.word_start[one], work.word_end[one] - work.word_start[one]
    begin = work.word_start[other]
    if work.word_node[one] != work.word_node[other] or work.word_end[other] - begin != size:
        return False
    if work.word_node[one] >= 0:
        return True
    same = 0
    while same < size and work.characters[start + same] == work.characters[begin + same]:
        same += 1
    return same == size


@routine
def doubt_of(tables: Tables, settings: Settings, work: Workspace, probability: float, inside: bool) -> int:
    """Return why a person should look at the text: the number of a phrase, or 0."""
    characters, properties, word_terms, sizes = work.characters, tables.properties, tables.words, work.sizes
    grams = tables.starts[3] - tables.starts[2]
    if sizes[CHARACTERS] == 0:
        return EMPTY
    cover, different, telling = 0, 0, 0
    for index in range(sizes[WORDS]):
        start, stop, held = work.word_start[index], work.word_end[index], work.word_node[index]
        chinese, node = stop - start > 1 and 0x4E00 <= characters[start] <= 0x9FFF, held >> FLAG_BITS
        known = held >= 0 and (
            held & (FIRST | SECOND) != 0  # of a pair that tells something, if it tells nothing alone
            or node <= grams
            or word_terms[node * 2] >= 0
            or word_terms[node * 2 + 1] >= 0
        )
        if chinese and known:
            cover += stop - start
            if work.word_same[index] == index:
                different += 1
        if work.word_same[index] == index and abs(work.total[index]) >= LEAST_SHOWN:
            telling += 1
    if cover == 0:
        return NOTHING_KNOWN
    letters = 0
    for place in range(sizes[CHARACTERS]):
        if properties[characters[place]] & ALPHABETIC:
            letters += 1
    if different < LEAST_WORDS or cover < LEAST_COVER * letters or telling == 0:
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
        if character < 0x80:
            out[at] = character
            at += 1
            continue
        if character < 0x800:
            out[at] = 0xC0 | character >> 6
        else:
            if character < 0x10000:
                out[at] = 0xE0 | character >> 12
            else:
                out[at] = 0xF0 | character >> 18
                out[at + 1] = 0x80 | character >> 12 & 0x3F
                at += 1
            out[at + 1] = 0x80 | character >> 6 & 0x3F
            at += 1
        out[at + 1] = 0x80 | character & 0x3F
        at += 2
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
    size, left = 4, hundredths // 1000  # 0.00 has four characters
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
        sign, most = 1.0 - 2.0 * side, SHOWN_AGAINST if side else SHOWN_FOR
        found = 0
        for index in range(work.sizes[WORDS]):  # insert into the strongest so far; of equal ones the first is first
            total = work.total[index] * sign
            if work.word_same[index] == index and total >= LEAST_SHOWN:
                place = found
                while place > 0 and work.total[shown[place - 1]] * sign < total:
                    if place < most:
                        shown[place] = shown[place - 1]
                    place -= 1
                if place < most:
                    shown[place] = index
                    found = min(found + 1, most)
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
    if normal:
        read_normal(data, start, stop, work)
    elif not read_raw(tables, data, start, stop, work):
        results.doubt[text] = NOT_READ
        return False
    find_offering_clause(tables, work)
    walk_trie(tables, settings, work)
    find_path(tables, settings, work)
    find_words(tables, work)
    find_pairs(tables, work)
    find_word_terms(tables, work, 0, 0, sizes[CHARACTERS])
    find_word_terms(tables, work, 1, sizes[CLAUSE_START], sizes[CLAUSE_STOP])
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
    doubt = doubt_of(tables, settings, work, probabilities[at + first], first != settings.outside)
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
    at = 0
    for text in range(len(ends) - 1):
        if score_text(tables, settings, work, data, ends[text], ends[text + 1], normal, text, results):
            at = put_reason(settings, work, results.doubt[text], cut[text], results.reasons, at)
        results.reason_ends[text + 1] = at


@routine
def merge_reasons(
    reasons: Any, ends: Any, others: Any, other_ends: Any, replaced: Any, merged: Any, merged_ends: Any
) -> None:
    """Write one reason a text: those of ``reasons``, except where ``replaced`` has a number of ``others``."""
    at = 0
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
