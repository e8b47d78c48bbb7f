"""Chapter 2 of the report from public facts: its figures of new listings beside what gonglian makes of all 396 IPOs.

python examples/ipo2020/reproduce.py [companies.csv]      (make reproduce)

Every company of companies.csv is labelled by the shipped model from one line of main business; then the report's tables
of listings are made, corrected for the model's errors. The facts (145 of 396 IPOs on the STAR board) must match
exactly.
"""

import csv
import sys
from pathlib import Path

from classifier.correction import read_confusion
from classifier.finance import read_rates
from classifier.regions import load_gazetteer
from classifier.resources import labeled_folder, model_folder
from classifier.scoring import load_scorer
from classifier.study import TOTAL, Comparison
from classifier.survey import make_survey
from classifier.tables import align

# printed figure, table, its place there, measure, and how many of our units make one of the report's
LINES = [
    ("new_companies", "L9", {"domain": TOTAL}, "new_companies", 1),
    ("new_services", "L9", {"domain": "services"}, "new_companies", 1),
    ("new_network", "L9", {"domain": "network_identifier"}, "new_companies", 1),
    ("new_equipment", "L9", {"domain": "smart_equipment"}, "new_companies", 1),
    ("new_automation", "L9", {"domain": "automation_edge"}, "new_companies", 1),
    ("new_security", "L9", {"domain": "security"}, "new_companies", 1),
    ("new_software", "L9", {"domain": "industrial_software"}, "new_companies", 1),
    ("new_platform", "L9", {"domain": "platform"}, "new_companies", 1),
    ("star_new", "L4", {"market": "A股", "board": "科创板"}, "companies", 1),
    ("sme_new", "L4", {"market": "A股", "board": "中小板"}, "companies", 1),
    ("chinext_new", "L4", {"market": "A股", "board": "创业板"}, "companies", 1),
    ("star_new_share", "L4", {"market": "A股", "board": "科创板"}, "share", 0.01),
    ("star_new_amount", "L4", {"market": "A股", "board": "科创板"}, "amount_wan", 10_000),
    ("sme_new_amount", "L4", {"market": "A股", "board": "中小板"}, "amount_wan", 10_000),
    ("chinext_new_amount", "L4", {"market": "A股", "board": "创业板"}, "amount_wan", 10_000),
    ("star_new_amount_share", "L4", {"market": "A股", "board": "科创板"}, "amount_share", 0.01),
    ("new_guangdong", "L8", {"province": "广东"}, "new_companies", 1),
    ("new_zhejiang", "L8", {"province": "浙江"}, "new_companies", 1),
    ("new_beijing", "L8", {"province": "北京"}, "new_companies", 1),
    ("new_jiangsu", "L8", {"province": "江苏"}, "new_companies", 1),
    ("new_shandong", "L8", {"province": "山东"}, "new_companies", 1),
]
FACTS = [
    ("star_all_ipo", "L4", {"market": "A股", "board": "科创板"}, "all_companies", 1),
    ("star_all_ipo_share", "L4", {"market": "A股", "board": "科创板"}, "all_share", 0.01),
]


def printed_figures():
    """Return the report's figures by id without its chapter: quantity, value as printed, unit."""
    path = labeled_folder() / "reference" / "aii2020" / "printed_figures.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"].removeprefix("L."): row for row in csv.DictReader(file)}


def find(tables, table, place, measure):
    """Return one row of a table."""
    rows = tables[table].data
    for column, value in {**place, "measure": measure}.items():
        rows = rows[rows[column] == value]
    return rows.iloc[0]


def main():
    """Print the comparison; fail if a fact differs."""
    path = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parent / "companies.csv")
    scorer = load_scorer()
    survey = make_survey(
        {"companies": path, "listings": path},
        scorer,
        read_rates(),
        read_confusion(model_folder() / "confusion.csv", scorer.scheme.codes),
        Comparison(2020, 2019, provinces=tuple(load_gazetteer().areas)),
    )
    tables, printed = {table.id: table for table in survey.tables}, printed_figures()
    rows = [["quantity", "printed", "labels", "corrected", "95 %", "printed inside"]]
    for id, table, place, measure, unit in LINES:
        figure, said = find(tables, table, place, measure), printed[id]
        low, high = figure.low / unit, figure.high / unit
        inside = "yes" if low <= float(said["value"]) <= high else "no"
        name = f"{said['quantity']} ({said['unit']})"
        rows.append(
            [
                name,
                said["value"],
                f"{figure.plain / unit:.1f}",
                f"{figure.value / unit:.1f}",
                f"{low:.1f}-{high:.1f}",
                inside,
            ]
        )
    print(align(rows))
    for id, *place, unit in FACTS:
        found, said = find(tables, *place).plain / unit, printed[id]
        print(f"{said['quantity']}: printed {said['value']}, found {found:.1f}")
        if round(found, 1) != float(said["value"]):
            sys.exit(f"{said['quantity']} differs: the facts in {path} are not those of the report")


if __name__ == "__main__":
    main()
