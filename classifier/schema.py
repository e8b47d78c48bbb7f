"""The tables of the ledger, as named migrations: a file is brought up to date by those that it has not had.

Every table's first column is its integer key. A later migration may add columns that are NULL in older rows: NULL is
left out of hashes.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

APPLICATION = 0x474C4C47  # in the file's header: SQLite's mark of a ledger of ours


class Migration(NamedTuple):
    """A named change of the schema; its statements run in one transaction."""

    name: str
    statements: tuple[str, ...]


_SCHEMA = """
CREATE TABLE migrations (name TEXT PRIMARY KEY, at TEXT NOT NULL)

CREATE TABLE chain (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, row_id INTEGER NOT NULL, hash BLOB NOT NULL)

CREATE TABLE companies (
  number INTEGER PRIMARY KEY, company_id TEXT NOT NULL UNIQUE, generated INTEGER NOT NULL, at TEXT NOT NULL)

CREATE TABLE codes (
  code_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  kind TEXT NOT NULL CHECK (kind IN ('credit', 'stock')), code TEXT NOT NULL, fault TEXT NOT NULL,
  source TEXT NOT NULL, at TEXT NOT NULL)

CREATE INDEX codes_by_company ON codes (company_id)

CREATE INDEX codes_by_code ON codes (code)

CREATE TABLE names (
  name_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  name TEXT NOT NULL CHECK (name <> ''), kind TEXT NOT NULL CHECK (kind IN ('short', 'full')),
  source TEXT NOT NULL, at TEXT NOT NULL)

CREATE INDEX names_by_company ON names (company_id)

CREATE INDEX names_by_name ON names (name)

CREATE TABLE regions (
  region_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  province TEXT NOT NULL, city TEXT NOT NULL, source TEXT NOT NULL, at TEXT NOT NULL)

CREATE INDEX regions_by_company ON regions (company_id)

CREATE TABLE descriptions (
  description_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  text TEXT NOT NULL, source TEXT NOT NULL, dated TEXT NOT NULL, at TEXT NOT NULL)

CREATE INDEX descriptions_by_company ON descriptions (company_id, dated)

CREATE TABLE predictions (
  prediction_id INTEGER PRIMARY KEY, description_id INTEGER NOT NULL REFERENCES descriptions,
  model TEXT NOT NULL, scheme TEXT NOT NULL, probabilities TEXT NOT NULL, domain TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('accepted', 'review')), at TEXT NOT NULL)

CREATE INDEX predictions_by_description ON predictions (description_id)

CREATE TABLE disputes (
  dispute_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  claimed TEXT NOT NULL CHECK (claimed <> ''), reason TEXT NOT NULL CHECK (reason <> ''),
  person TEXT NOT NULL CHECK (person <> ''), at TEXT NOT NULL)

CREATE INDEX disputes_by_company ON disputes (company_id)

CREATE TABLE assignments (
  assignment_id INTEGER PRIMARY KEY, dispute_id INTEGER NOT NULL REFERENCES disputes,
  reviewer TEXT NOT NULL CHECK (reviewer <> ''), role TEXT NOT NULL CHECK (role IN ('reviewer', 'arbiter')),
  at TEXT NOT NULL, UNIQUE (dispute_id, reviewer))

CREATE TABLE reviews (
  review_id INTEGER PRIMARY KEY, dispute_id INTEGER NOT NULL, reviewer TEXT NOT NULL,
  code TEXT NOT NULL CHECK (code <> ''), reason TEXT NOT NULL, at TEXT NOT NULL,
  FOREIGN KEY (dispute_id, reviewer) REFERENCES assignments (dispute_id, reviewer))

CREATE INDEX reviews_by_dispute ON reviews (dispute_id)

CREATE TABLE decisions (
  decision_id INTEGER PRIMARY KEY, dispute_id INTEGER UNIQUE REFERENCES disputes,
  company_id TEXT NOT NULL REFERENCES companies (company_id), code TEXT NOT NULL CHECK (code <> ''),
  person TEXT NOT NULL CHECK (person <> ''), reason TEXT NOT NULL CHECK (reason <> ''),
  description_id INTEGER REFERENCES descriptions, model TEXT NOT NULL,
  prediction_id INTEGER REFERENCES predictions, at TEXT NOT NULL)

CREATE INDEX decisions_by_company ON decisions (company_id)

CREATE TABLE labels (
  label_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  description_id INTEGER REFERENCES descriptions, decision_id INTEGER REFERENCES decisions,
  code TEXT NOT NULL CHECK (code <> ''), person TEXT NOT NULL CHECK (person <> ''), reason TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('decision', 'import', 'review')), at TEXT NOT NULL)

CREATE INDEX labels_by_company ON labels (company_id)

CREATE TABLE events (
  event_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id), date TEXT NOT NULL,
  precision TEXT NOT NULL, round TEXT NOT NULL, "group" TEXT NOT NULL, amount_low_wan REAL, amount_wan REAL,
  amount_high_wan REAL, published INTEGER NOT NULL, currency TEXT NOT NULL, rule TEXT NOT NULL,
  investors TEXT NOT NULL, source TEXT NOT NULL, at TEXT NOT NULL)

CREATE INDEX events_by_company ON events (company_id, date)

CREATE TABLE listings (
  listing_id INTEGER PRIMARY KEY, company_id TEXT REFERENCES companies (company_id), name TEXT NOT NULL,
  date TEXT NOT NULL, channel TEXT NOT NULL, market TEXT NOT NULL, board TEXT NOT NULL, amount_wan REAL,
  source TEXT NOT NULL, at TEXT NOT NULL)

CREATE INDEX listings_by_company ON listings (company_id, date)
"""
_FIRST = (
    *("companies", "codes", "names", "regions", "descriptions", "predictions"),
    *("disputes", "assignments", "reviews", "decisions", "labels", "events", "listings"),
)
TABLES = (*_FIRST, "reopenings")
GUARDED = ("migrations", "chain", *TABLES)
REOPENINGS = "2026-11-reopenings"  # before this migration it was not kept who reopened a dispute, and who assigned


def guards(*tables: str) -> Iterator[str]:
    """Yield the triggers that keep tables append-only."""
    for table, change in product(tables, ("UPDATE", "DELETE")):
        yield (
            f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table} BEGIN"
            f" SELECT RAISE(ABORT, '{table} are append-only: {change} refused, append a new row'); END"
        )


MIGRATIONS = (
    Migration(
        "2026-07-ledger",
        (
            *_SCHEMA.strip().split("\n\n"),
            *(guard for table in ("migrations", "chain", *_FIRST) for guard in guards(table)),
        ),
    ),
    Migration(
        "2026-11-order",  # descriptions by date are read without their texts
        ("CREATE INDEX descriptions_by_date ON descriptions (dated, description_id, company_id)",),
    ),
    Migration(
        REOPENINGS,
        (
            "CREATE TABLE reopenings ("
            " reopening_id INTEGER PRIMARY KEY, dispute_id INTEGER NOT NULL UNIQUE REFERENCES disputes,"
            " reopens INTEGER NOT NULL REFERENCES disputes, person TEXT NOT NULL CHECK (person <> ''),"
            " reason TEXT NOT NULL CHECK (reason <> ''), at TEXT NOT NULL)",
            *guards("reopenings"),
            "ALTER TABLE assignments ADD COLUMN person TEXT CHECK (person <> '')",
            "ALTER TABLE assignments ADD COLUMN reason TEXT",
        ),
    ),
)
