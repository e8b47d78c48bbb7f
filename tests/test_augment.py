from classifier.background import background_clauses, mixed_copies

TEXTS = [
    "公司成立于2009年,总部位于苏州工业园区,主营工业机器人。",
    "专业从事防火墙的研发,通过iso9001质量管理体系认证。",
    "面包店。",
]


def test_clauses_on_the_business_are_never_taken():
    assert background_clauses(TEXTS) == ["公司成立于2009年,", "总部位于苏州工业园区,", "通过iso9001质量管理体系认证。"]


def test_copies_hold_their_text_whole_and_clauses_around_it():
    clauses = background_clauses(TEXTS)
    for text, copy in zip(TEXTS, mixed_copies(TEXTS, clauses, 3, 0), strict=True):
        assert text in copy
        assert any(clause in copy.replace(text, "|", 1).split("|")[1] for clause in clauses)


def test_the_same_seed_gives_the_same_copies():
    clauses = background_clauses(TEXTS)
    assert mixed_copies(TEXTS, clauses, 3, 7) == mixed_copies(TEXTS, clauses, 3, 7)
    assert mixed_copies(TEXTS * 9, clauses, 3, 7) != mixed_copies(TEXTS * 9, clauses, 3, 8)


def test_without_clauses_a_copy_is_the_text():
    assert mixed_copies(TEXTS, [], 3, 0) == TEXTS
