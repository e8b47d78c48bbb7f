import pytest

from classifier.domains import read_scheme
from classifier.errors import SchemeError
from classifier.resources import labeled_folder

SHIPPED = labeled_folder() / "domains.toml"


def test_scheme_has_the_seven_domains_of_the_report_and_one_label_outside(scheme):
    assert scheme.version == "AII-2020"
    assert [d.name for d in scheme.domains if d.in_scope] == [
        "工业智能设备",
        "工业自动化与边缘计算",
        "网络与标识",
        "平台",
        "工业软件及APP",
        "安全",
        "相关服务",
    ]
    assert scheme.out_of_scope == "out_of_scope"


def test_every_label_is_defined_and_precedents_of_the_report_are_kept(scheme):
    assert all(d.definition and d.includes for d in scheme.domains)
    precedents = {p for d in scheme.domains for p in d.precedents}
    assert {"奇安信", "树根互联", "铂力特", "杭可科技"} <= precedents
    assert len(scheme.tie_rules) == 6


def test_name_of_an_unknown_code_is_refused(scheme):
    with pytest.raises(SchemeError, match="no label 'robots'"):
        scheme.name("robots")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('code = "security"', 'code = "platform"', "'platform' stands more than once"),
        ("in_scope = false", "in_scope = true", "0 labels have in_scope = false"),
        ("tie_rules = [", "rules = [", "'tie_rules' is missing"),
        ('version = "AII-2020"', "version = ", "not a TOML file"),
    ],
)
def test_malformed_scheme_is_refused_with_the_reason(tmp_path, old, new, message):
    path = tmp_path / "domains.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SchemeError, match=message):
        read_scheme(path)


def test_missing_scheme_is_named(tmp_path):
    with pytest.raises(SchemeError, match="no such scheme file"):
        read_scheme(tmp_path / "domains.toml")


def test_digest_tells_schemes_with_other_labels_apart(tmp_path, scheme):
    path = tmp_path / "domains.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace('"AII-2020"', '"AII-2021"'), encoding="utf-8")
    assert read_scheme(path).digest != scheme.digest
