import random

from classifier.augment import among_clauses, background_clauses, copies, some_clauses

TEXTS = [
    "公司成立于2009年,总部位于苏州工业园区,主营工业机器人。",
    "专业从事防火墙的研发,通过iso9001质量管理体系认证。",
    "面包店。",
]


def copied(texts):
    return copies(texts, 3, 0.5)


def test_clauses_on_the_business_are_never_taken():
    assert background_clauses(TEXTS) == ["公司成立于2009年,", "总部位于苏州工业园区,", "通过iso9001质量管理体系认证。"]


def test_foreign_clauses_stand_around_the_whole_text():
    clauses = background_clauses(TEXTS)
    for text in TEXTS:
        copy = among_clauses(text, clauses, 3, random.Random(0))
        assert text in copy
        assert any(clause in copy.replace(text, "|", 1).split("|")[1] for clause in clauses)


def test_without_clauses_a_copy_is_the_text():
    assert among_clauses(TEXTS[0], [], 3, random.Random(0)) == TEXTS[0]


def test_what_is_left_of_a_text_stood_there_in_this_order():
    text = "主营a,b,c、d、e。另有f;g,h"
    for seed in range(20):
        left = some_clauses(text, 0.5, random.Random(seed))
        assert left
        rest = iter(text)
        assert all(character in rest for character in left)


def test_a_text_has_the_same_copies_wherever_it_stands():
    there, back = copied(TEXTS), copied(TEXTS[::-1])
    assert [kind[::-1] for kind in back] == there
    assert len(there) == 3
    assert there[0] != there[1]
