# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
SPARK_STAMP := $(VENV)/installed-spark
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test test-spark model card bench reproduce format clean
.DELETE_ON_ERROR:

demo: $(STAMP)  ## label the companies of examples/ and print the result
	$(BIN)/gonglian score examples/companies.xlsx -o out/companies.labelled.xlsx
	$(BIN)/gonglian score examples/companies.xlsx --format tsv --quiet | cut -f 2,7-8,11-12

test: $(STAMP)  ## lint, types, labels, every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q

test-spark: $(SPARK_STAMP)  ## scoring on a local Spark; needs Java 17 or 21, downloads pyspark (400 MB)
	$(BIN)/python -m pytest -q tests/spark

model: $(STAMP)  ## rebuild models/default from labeled/ alone
	$(BIN)/gonglian train -o models/default

card: $(STAMP)  ## measure models/default on the evaluation texts beside the project and write its card, confusion and profile (some minutes)
	$(BIN)/python bench/card.py > models/default/card.md.part
	mv models/default/card.md.part models/default/card.md
	$(BIN)/python bench/confusion.py > models/default/confusion.csv.part
	mv models/default/confusion.csv.part models/default/confusion.csv
	$(BIN)/python bench/drift.py > models/default/profile.json.part
	mv models/default/profile.json.part models/default/profile.json

bench: $(STAMP)  ## print the ratios on this machine (some minutes); make bench OPTIONS=--long takes larger files, too
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python bench/speed.py $(OPTIONS)

reproduce: $(STAMP)  ## chapter 2 of the report from public facts, beside its printed figures
	$(BIN)/python examples/ipo2020/reproduce.py

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gonglian needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[dev]'
	touch $(STAMP)

$(SPARK_STAMP): $(STAMP)
	$(INSTALL) '.[dev,spark]'
	touch $(SPARK_STAMP)

clean:
	rm -rf $(VENV) out build dist *.egg-info
