import csv
import shutil
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import regions
from classifier.errors import SchemeError
from classifier.regions import Region, load_gazetteer, read_region, split_region
from classifier.resources import labeled_folder

FOLDER = labeled_folder() / "reference"
AREAS = {
    "east": "北京 天津 河北 上海 江苏 浙江 福建 山东 广东 海南",
    "central": "山西 安徽 江西 河南 湖北 湖南",
    "west": "内蒙古 广西 重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆",
    "northeast": "辽宁 吉林 黑龙江",
    "": "香港 澳门 台湾",
}
PREFECTURES = {  # prefecture-level units of the provinces and autonomous regions, 333 together
    **{"河北": 11, "山西": 11, "内蒙古": 12, "辽宁": 14, "吉林": 9, "黑龙江": 13, "江苏": 13, "浙江": 11, "安徽": 16},
    **{"福建": 9, "江西": 11, "山东": 16, "河南": 17, "湖北": 13, "湖南": 14, "广东": 21, "广西": 14, "海南": 4},
    **{"四川": 21, "贵州": 9, "云南": 16, "西藏": 7, "陕西": 10, "甘肃": 14, "青海": 8, "宁夏": 5, "新疆": 14},
}
ADMINISTERED_BY_THE_PROVINCE = {"河南": 1, "湖北": 4, "海南": 15, "新疆": 12}  # counties and county-level cities


def rows(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def place(**texts):
    found = read_region(**texts)
    return found.province, found.city


def test_every_province_has_the_area_of_the_bureau_of_statistics():
    found = {row["province"]: row["area"] for row in reversed(rows("regions.csv")) if row["province"] != regions.ABROAD}
    assert found == {province: area for area, names in AREAS.items() for province in names.split()}
    assert len(found) == 34


def test_table_has_all_prefecture_level_units_four_municipalities_and_what_provinces_administer_themselves():
    cities = Counter(row["province"] for row in rows("regions.csv") if row["city"])
    assert sum(PREFECTURES.values()) == 333
    for province, count in PREFECTURES.items():
        assert cities[province] == count + ADMINISTERED_BY_THE_PROVINCE.get(province, 0), province
    assert all(cities[municipality] == 1 for municipality in ("北京", "天津", "上海", "重庆"))


def test_cities_are_unique_and_districts_belong_to_one_of_them():
    cities = [row["city"] for row in rows("regions.csv") if row["city"]]
    assert len(cities) == len(set(cities))
    with_districts = [row["city"] for row in rows("districts.csv")]
    assert len(with_districts) == len(set(with_districts))
    assert set(with_districts) < set(cities)
    assert all(len(name) > 1 for name in load_gazetteer().places)


def test_no_city_lists_a_district_twice():
    for row in rows("districts.csv"):
        names = row["districts"].split("、")
        assert len(names) == len(set(names)), row["city"]


def test_district_of_an_unknown_city_is_refused(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path / "reference")
    with (tmp_path / "reference" / "districts.csv").open("a", encoding="utf-8") as file:
        file.write("光年市,甲区、乙区\n")
    monkeypatch.setattr(regions, "labeled_folder", lambda: tmp_path)
    with pytest.raises(SchemeError, match="city '光年市' is not in"):
        load_gazetteer.__wrapped__()


def test_short_and_full_names_of_a_province_are_one():
    for row in rows("regions.csv"):
        if row["province"] in PREFECTURES and not row["city"]:
            full = row["names"].split("、")[0]
            assert full.startswith(row["province"])
            assert read_region(province=full) == read_region(province=row["province"])
            assert place(province=full) == (row["province"], "")


def test_every_city_is_read_alone_and_behind_its_province():
    for row in rows("regions.csv"):
        expected = row["province"], row["city"]
        if row["city"]:
            assert place(city=row["city"]) == expected
            assert place(province=row["province"], city=row["city"]) == expected
            assert place(address=row["province"] + row["city"]) == expected


@pytest.mark.parametrize(
    ("column", "province", "city"),
    [
        ("广东省", "广东", ""),
        ("新疆维吾尔自治区", "新疆", ""),
        ("Guangdong", "广东", ""),
        ("guangdong province", "广东", ""),
        ("Inner Mongolia", "内蒙古", ""),
        ("Shaanxi", "陕西", ""),
        ("Hainanese", "", ""),
        ("北京市", "北京", "北京市"),
        ("上海-浦东新区", "上海", "上海市"),
        ("广东·深圳", "广东", "深圳市"),
        (" 广东 / 佛山 ", "广东", "佛山市"),
        ("中国广东", "广东", ""),
        ("深圳", "广东", "深圳市"),
        ("香港特别行政区", "香港", ""),
        ("雄安新区", "河北", ""),
        ("海南藏族自治州", "青海", "海南藏族自治州"),
        ("海南", "海南", ""),
        ("吉林", "吉林", ""),
        ("臺灣", "台湾", ""),
        ("新竹", "台湾", ""),  # 新竹市 or 新竹县
        ("广东路", "", ""),
        ("中国", "", ""),
        ("不详", "", ""),
        ("", "", ""),
    ],
)
def test_province_column(column, province, city):
    assert place(province=column) == (province, city)


@pytest.mark.parametrize(
    ("province", "column", "expected"),
    [
        ("吉林", "吉林", ("吉林", "吉林市")),
        ("", "吉林", ("吉林", "")),
        ("", "吉林市", ("吉林", "吉林市")),
        ("青海", "海南", ("青海", "海南藏族自治州")),
        ("", "海南州", ("青海", "海南藏族自治州")),
        ("辽宁", "朝阳", ("辽宁", "朝阳市")),
        ("", "朝阳市", ("辽宁", "朝阳市")),
        ("北京", "朝阳区", ("北京", "北京市")),
        ("", "朝阳区", ("", "")),
        ("吉林省", "朝阳区", ("吉林", "长春市")),
        ("", "东方", ("海南", "东方市")),
        ("", "石河子", ("新疆", "石河子市")),
        ("", "仙桃市", ("湖北", "仙桃市")),
        ("", "襄樊", ("湖北", "襄阳市")),
        ("", "莱芜市", ("山东", "济南市")),
        ("", "巢湖市", ("安徽", "合肥市")),
        ("", "恩施州", ("湖北", "恩施土家族苗族自治州")),
        ("", "昆山", ("江苏", "苏州市")),
        ("", "浦东新区", ("上海", "上海市")),
        ("", "重庆市市辖区", ("重庆", "重庆市")),
    ],
)
def test_city_column(province, column, expected):
    assert place(province=province, city=column) == expected


@pytest.mark.parametrize(
    ("address", "province", "city"),
    [
        ("朝阳区建国路1号", "", ""),
        ("北京市朝阳区建国路1号", "北京", "北京市"),
        ("南山区科技路1号", "", ""),  # of 深圳 and of 鹤岗
        ("深圳南山区科技路1号", "广东", "深圳市"),
        ("海淀区中关村大街1号", "北京", "北京市"),
        ("江苏省昆山市人民路1号", "江苏", "苏州市"),
        ("昆山开发区1号", "江苏", "苏州市"),
        ("吉林省吉林市解放路1号", "吉林", "吉林市"),
        ("吉林高新区1号", "吉林", ""),
        ("上海市山西路1号", "上海", "上海市"),
        ("上海南京路1号", "上海", "上海市"),
        ("南京市北京西路1号", "江苏", "南京市"),
        ("广州市江西街1号", "广东", "广州市"),
        ("山西路1号", "", ""),
        ("北京西路1号", "", ""),
        ("中山八路1号", "", ""),
        ("广州大道中1号", "", ""),
        ("江苏大厦1层", "", ""),
        ("中山街道1号", "", ""),
        ("中山市西区1号", "广东", "中山市"),
        ("中山区人民路1号", "辽宁", "大连市"),
        ("孙中山故居", "", ""),
        ("河北区中山路1号", "天津", "天津市"),
        ("天津市河北区中山路1号", "天津", "天津市"),
        ("河北省石家庄市", "河北", "石家庄市"),
        ("石家庄桥西区", "河北", "石家庄市"),
        ("唐山路北区", "河北", "唐山市"),
        ("哈尔滨道里区", "黑龙江", "哈尔滨市"),
        ("台州路桥区", "浙江", "台州市"),
        ("重庆市渝北区", "重庆", "重庆市"),
        ("内蒙古呼和浩特市", "内蒙古", "呼和浩特市"),
        ("海口市龙华区", "海南", "海口市"),
        ("三沙市永兴岛", "海南", "三沙市"),
        ("海南省琼海市", "海南", "琼海市"),
        ("苏州市吴江区", "江苏", "苏州市"),
        ("宿州市埇桥区", "安徽", "宿州市"),
        ("泰州市海陵区", "江苏", "泰州市"),
        ("抚州市临川区", "江西", "抚州市"),
        ("福州市鼓楼区", "福建", "福州市"),
        ("中国（四川）自由贸易试验区成都高新区1号", "四川", "成都市"),
        ("江苏省朝阳区", "江苏", ""),
        ("东方明珠大厦1层", "", ""),
        ("广东省中山大道1号", "广东", ""),
        ("未知", "", ""),
    ],
)
def test_address(address, province, city):
    assert place(address=address) == (province, city)


@pytest.mark.parametrize(
    ("name", "province", "city"),
    [
        ("浙江光年科技有限公司", "浙江", ""),
        ("深圳市光年科技股份有限公司", "广东", "深圳市"),
        ("光年科技(北京)有限公司", "北京", "北京市"),
        ("光年科技（苏州）有限公司", "江苏", "苏州市"),
        ("光年科技【东方】有限公司", "", ""),
        ("光年（集团）股份有限公司", "", ""),
        ("吉林光年股份有限公司", "吉林", ""),
        ("吉林市光年有限公司", "吉林", "吉林市"),
        ("江西安义光年门窗有限公司", "江西", ""),
        ("河南京城光年科技有限公司", "河南", ""),
        ("海南区块链科技有限公司", "海南", ""),
        ("中山光年电机有限公司", "广东", "中山市"),
        ("东方光年股份有限公司", "", ""),
        ("东方市光年有限公司", "海南", "东方市"),
        ("东方市场调查有限公司", "", ""),
        ("朝阳光年有限公司", "", ""),
        ("辽宁朝阳光年有限公司", "辽宁", "朝阳市"),
        ("浙江东方光年有限公司", "浙江", ""),
        ("光年太平洋上海有限公司", "", ""),
        ("南京路特科技有限公司", "江苏", "南京市"),
        ("昆山光年有限公司", "江苏", "苏州市"),
        ("永康光年有限公司", "", ""),  # 永康 is a word
        ("永康市光年有限公司", "浙江", "金华市"),
        ("Shanghai Guangnian Co., Ltd.", "上海", "上海市"),
    ],
)
def test_company_name(name, province, city):
    assert place(name=name) == (province, city)


@pytest.mark.parametrize("column", ["海外", "美国", "开曼群岛", "英国伦敦", "Singapore"])
def test_foreign_country_is_abroad_and_no_province(column):
    assert read_region(province=column) == Region(rule="abroad")
    assert read_region(province=column, name="深圳市光年有限公司") == Region(
        rule="abroad", conflict="name: 广东 深圳市"
    )


def test_rule_says_where_the_province_was_read():
    texts = {"province": "浙江", "city": "杭州", "address": "浙江省杭州市", "name": "杭州光年有限公司"}
    for rule, key in zip((regions.PROVINCE, regions.CITY, regions.ADDRESS, regions.NAME), list(texts), strict=True):
        assert read_region(**texts) == Region("浙江", "杭州市", "east", rule)
        del texts[key]
    assert read_region() == Region()


def test_less_trusted_text_fills_in_the_city_and_tells_a_shared_district_by_the_province():
    assert read_region(province="广东", name="深圳市光年有限公司") == Region("广东", "深圳市", "east", regions.PROVINCE)
    assert read_region(province="黑龙江", address="南山区1号").city == "鹤岗市"


def test_contradiction_is_told_and_the_most_trusted_text_counts():
    found = read_region(province="广东", city="苏州市", address="广州市天河区", name="佛山光年有限公司")
    assert found[:4] == ("广东", "广州市", "east", regions.PROVINCE)
    assert found.conflict == "city column: 江苏 苏州市; name: 广东 佛山市"


def test_bracketed_region_of_a_name_outranks_the_leading_one():
    found = read_region(name="深圳光年（上海）有限公司")
    assert (found.province, found.conflict) == ("上海", "name: 广东 深圳市")


@pytest.mark.parametrize(
    ("name", "words", "rest"),
    [
        ("深圳市光年有限公司", "深圳", "光年有限公司"),
        ("光年（深圳市）有限公司", "深圳", "光年有限公司"),
        ("浙江省杭州市余杭区光年有限公司", "浙江杭州余杭", "光年有限公司"),
        ("光年（集团）有限公司", "", "光年(集团)有限公司"),
        ("东方光年", "", "东方光年"),
    ],
)
def test_regions_are_split_from_a_name(name, words, rest):
    assert split_region(name) == (words, rest)


@given(st.text(), st.text(), st.text(), st.text())
def test_any_text_gives_a_region(province, city, address, name):
    assert isinstance(read_region(province=province, city=city, address=address, name=name), Region)


@given(st.text(alphabet="北京上海南吉林朝阳市区县省路街东方中国（）() -块场州a", max_size=12))
def test_area_and_rule_follow_from_the_province(text):
    areas = load_gazetteer().areas
    for found in (
        read_region(province=text),
        read_region(city=text),
        read_region(address=text),
        read_region(name=text),
    ):
        assert found.area == areas.get(found.province, "")
        assert bool(found.rule) == bool(found.province) or found.rule == "abroad"
        assert found.province or not found.city
