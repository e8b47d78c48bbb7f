-- A ledger as gonglian wrote it before reopenings were entries (2026-07).
PRAGMA application_id = 1196182599;
BEGIN TRANSACTION;
CREATE TABLE assignments (
  assignment_id INTEGER PRIMARY KEY, dispute_id INTEGER NOT NULL REFERENCES disputes,
  reviewer TEXT NOT NULL CHECK (reviewer <> ''), role TEXT NOT NULL CHECK (role IN ('reviewer', 'arbiter')),
  at TEXT NOT NULL, UNIQUE (dispute_id, reviewer));
INSERT INTO "assignments" VALUES(1,1,'李雷','reviewer','2026-07-01T00:10:00+00:00');
INSERT INTO "assignments" VALUES(2,1,'韩梅梅','reviewer','2026-07-01T00:11:00+00:00');
INSERT INTO "assignments" VALUES(3,1,'王老师','arbiter','2026-07-01T00:14:00+00:00');
INSERT INTO "assignments" VALUES(4,2,'李雷','reviewer','2026-07-01T00:18:00+00:00');
CREATE TABLE chain (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, row_id INTEGER NOT NULL, hash BLOB NOT NULL);
INSERT INTO "chain" VALUES(1,'companies',1,X'74B41FA6305F14CD4F33EB7333700011075DFA50D0CD1C28E77CCAB4BCA9A76B');
INSERT INTO "chain" VALUES(2,'codes',1,X'C0BC1CB9C4E046F8AD8398D41BD92D4F6B4B602904F9F4B21618B4E1502500AC');
INSERT INTO "chain" VALUES(3,'names',1,X'AD0891F49E2752084B6661FD00C93C53881ED9BCAAA53781B570E3F0D0A4F818');
INSERT INTO "chain" VALUES(4,'descriptions',1,X'0B036C3F6715A8BC8FB1A1A13A84BC981760265ED7CA7188AD7916EF85D83F67');
INSERT INTO "chain" VALUES(5,'predictions',1,X'601DF531F179F053211CD5D154C4AFF1FCC06BAF8EDDCB5B6D0D7964BAF7173B');
INSERT INTO "chain" VALUES(6,'labels',1,X'8378E39CCB086006A5D9ADD3784D70FC2AE093C3C936F300400BB2AAFA1496EA');
INSERT INTO "chain" VALUES(7,'disputes',1,X'8DA20BD1F47324583ED2782BE7E4BBF8C0F196CAB525D234932FFC341699691D');
INSERT INTO "chain" VALUES(8,'assignments',1,X'1B1B972D0CBFCDABED931F5D9BC8B422D54631D49EA0BEA6111D3374E41B929B');
INSERT INTO "chain" VALUES(9,'assignments',2,X'BC646110B8D7DA9A2BD584A068F402FCB2378A98A58486077AE6BC57DC404CC1');
INSERT INTO "chain" VALUES(10,'reviews',1,X'6DC70E1B01AC3248C8BA15335F8584DAB6474AC9B09DDC393AA32A193FF06FC3');
INSERT INTO "chain" VALUES(11,'reviews',2,X'E980B1236FE603D21E0508A89B9A0EA28B45BBF44BA8024F9CDA83B0AA012287');
INSERT INTO "chain" VALUES(12,'assignments',3,X'ADD694BFD5777F31E959391FAC3A7CDEE77C83016E7A021DEECE999B00019A91');
INSERT INTO "chain" VALUES(13,'decisions',1,X'2606912B9D2E4DE30B556089D20AAD9AC019E8D1612875AB6CC40F4930F0AC9D');
INSERT INTO "chain" VALUES(14,'labels',2,X'E5BA127AF2D0AC75FBF545E759A203FF9FFE393A6E017C298C934CF67B3CDD2A');
INSERT INTO "chain" VALUES(15,'disputes',2,X'B03EC706717AE4BFE24E02D4610727CF802C03E814061536EC7E8FE5860C55C8');
INSERT INTO "chain" VALUES(16,'assignments',4,X'AD2D09309ED3C25962ABDB79165601B9FDF93B07E7E81ADFDB7270F4D7D11F10');
CREATE TABLE codes (
  code_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  kind TEXT NOT NULL CHECK (kind IN ('credit', 'stock')), code TEXT NOT NULL, fault TEXT NOT NULL,
  source TEXT NOT NULL, at TEXT NOT NULL);
INSERT INTO "codes" VALUES(1,'688002','stock','688002','','listed.csv','2026-07-01T00:03:00+00:00');
CREATE TABLE companies (
  number INTEGER PRIMARY KEY, company_id TEXT NOT NULL UNIQUE, generated INTEGER NOT NULL, at TEXT NOT NULL);
INSERT INTO "companies" VALUES(1,'688002',0,'2026-07-01T00:02:00+00:00');
CREATE TABLE decisions (
  decision_id INTEGER PRIMARY KEY, dispute_id INTEGER UNIQUE REFERENCES disputes,
  company_id TEXT NOT NULL REFERENCES companies (company_id), code TEXT NOT NULL CHECK (code <> ''),
  person TEXT NOT NULL CHECK (person <> ''), reason TEXT NOT NULL CHECK (reason <> ''),
  description_id INTEGER REFERENCES descriptions, model TEXT NOT NULL,
  prediction_id INTEGER REFERENCES predictions, at TEXT NOT NULL);
INSERT INTO "decisions" VALUES(1,1,'688002','automation_edge','王老师','定义明列传感器',1,'AII-2020/planted',1,'2026-07-01T00:15:00+00:00');
CREATE TABLE descriptions (
  description_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  text TEXT NOT NULL, source TEXT NOT NULL, dated TEXT NOT NULL, at TEXT NOT NULL);
INSERT INTO "descriptions" VALUES(1,'688002','红外探测器芯片的研发和销售','listed.csv','2026-07-01','2026-07-01T00:06:00+00:00');
CREATE TABLE disputes (
  dispute_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  claimed TEXT NOT NULL CHECK (claimed <> ''), reason TEXT NOT NULL CHECK (reason <> ''),
  person TEXT NOT NULL CHECK (person <> ''), at TEXT NOT NULL);
INSERT INTO "disputes" VALUES(1,'688002','automation_edge','探测器是传感器','张三','2026-07-01T00:09:00+00:00');
INSERT INTO "disputes" VALUES(2,'688002','out_of_scope','年报改了主营','赵六','2026-07-01T00:17:00+00:00');
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id), date TEXT NOT NULL,
  precision TEXT NOT NULL, round TEXT NOT NULL, "group" TEXT NOT NULL, amount_low_wan REAL, amount_wan REAL,
  amount_high_wan REAL, published INTEGER NOT NULL, currency TEXT NOT NULL, rule TEXT NOT NULL,
  investors TEXT NOT NULL, source TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE labels (
  label_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  description_id INTEGER REFERENCES descriptions, decision_id INTEGER REFERENCES decisions,
  code TEXT NOT NULL CHECK (code <> ''), person TEXT NOT NULL CHECK (person <> ''), reason TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('decision', 'import', 'review')), at TEXT NOT NULL);
INSERT INTO "labels" VALUES(1,'688002',NULL,NULL,'network_identifier','AII','printed in 表2-3','import','2026-07-01T00:08:00+00:00');
INSERT INTO "labels" VALUES(2,'688002',1,1,'automation_edge','王老师','定义明列传感器','decision','2026-07-01T00:16:00+00:00');
CREATE TABLE listings (
  listing_id INTEGER PRIMARY KEY, company_id TEXT REFERENCES companies (company_id), name TEXT NOT NULL,
  date TEXT NOT NULL, channel TEXT NOT NULL, market TEXT NOT NULL, board TEXT NOT NULL, amount_wan REAL,
  source TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE migrations (name TEXT PRIMARY KEY, at TEXT NOT NULL);
INSERT INTO "migrations" VALUES('2026-07-ledger','2026-07-01T00:01:00+00:00');
CREATE TABLE names (
  name_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  name TEXT NOT NULL CHECK (name <> ''), kind TEXT NOT NULL CHECK (kind IN ('short', 'full')),
  source TEXT NOT NULL, at TEXT NOT NULL);
INSERT INTO "names" VALUES(1,'688002','睿创微纳','short','listed.csv','2026-07-01T00:04:00+00:00');
CREATE TABLE predictions (
  prediction_id INTEGER PRIMARY KEY, description_id INTEGER NOT NULL REFERENCES descriptions,
  model TEXT NOT NULL, scheme TEXT NOT NULL, probabilities TEXT NOT NULL, domain TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('accepted', 'review')), at TEXT NOT NULL);
INSERT INTO "predictions" VALUES(1,1,'AII-2020/planted','AII-2020','{"services":0.61,"automation_edge":0.3,"network_identifier":0.09}','services','review','2026-07-01T00:07:00+00:00');
CREATE TABLE regions (
  region_id INTEGER PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies (company_id),
  province TEXT NOT NULL, city TEXT NOT NULL, source TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE reviews (
  review_id INTEGER PRIMARY KEY, dispute_id INTEGER NOT NULL, reviewer TEXT NOT NULL,
  code TEXT NOT NULL CHECK (code <> ''), reason TEXT NOT NULL, at TEXT NOT NULL,
  FOREIGN KEY (dispute_id, reviewer) REFERENCES assignments (dispute_id, reviewer));
INSERT INTO "reviews" VALUES(1,1,'李雷','automation_edge','传感器','2026-07-01T00:12:00+00:00');
INSERT INTO "reviews" VALUES(2,1,'韩梅梅','network_identifier','芯片','2026-07-01T00:13:00+00:00');
CREATE INDEX codes_by_company ON codes (company_id);
CREATE INDEX codes_by_code ON codes (code);
CREATE INDEX names_by_company ON names (company_id);
CREATE INDEX names_by_name ON names (name);
CREATE INDEX regions_by_company ON regions (company_id);
CREATE INDEX descriptions_by_company ON descriptions (company_id, dated);
CREATE INDEX predictions_by_description ON predictions (description_id);
CREATE INDEX disputes_by_company ON disputes (company_id);
CREATE INDEX reviews_by_dispute ON reviews (dispute_id);
CREATE INDEX decisions_by_company ON decisions (company_id);
CREATE INDEX labels_by_company ON labels (company_id);
CREATE INDEX events_by_company ON events (company_id, date);
CREATE INDEX listings_by_company ON listings (company_id, date);
CREATE TRIGGER migrations_refuse_update BEFORE UPDATE ON migrations BEGIN SELECT RAISE(ABORT, 'migrations are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER migrations_refuse_delete BEFORE DELETE ON migrations BEGIN SELECT RAISE(ABORT, 'migrations are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER chain_refuse_update BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'chain are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER chain_refuse_delete BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'chain are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER companies_refuse_update BEFORE UPDATE ON companies BEGIN SELECT RAISE(ABORT, 'companies are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER companies_refuse_delete BEFORE DELETE ON companies BEGIN SELECT RAISE(ABORT, 'companies are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER codes_refuse_update BEFORE UPDATE ON codes BEGIN SELECT RAISE(ABORT, 'codes are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER codes_refuse_delete BEFORE DELETE ON codes BEGIN SELECT RAISE(ABORT, 'codes are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER names_refuse_update BEFORE UPDATE ON names BEGIN SELECT RAISE(ABORT, 'names are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER names_refuse_delete BEFORE DELETE ON names BEGIN SELECT RAISE(ABORT, 'names are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER regions_refuse_update BEFORE UPDATE ON regions BEGIN SELECT RAISE(ABORT, 'regions are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER regions_refuse_delete BEFORE DELETE ON regions BEGIN SELECT RAISE(ABORT, 'regions are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER descriptions_refuse_update BEFORE UPDATE ON descriptions BEGIN SELECT RAISE(ABORT, 'descriptions are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER descriptions_refuse_delete BEFORE DELETE ON descriptions BEGIN SELECT RAISE(ABORT, 'descriptions are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER predictions_refuse_update BEFORE UPDATE ON predictions BEGIN SELECT RAISE(ABORT, 'predictions are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER predictions_refuse_delete BEFORE DELETE ON predictions BEGIN SELECT RAISE(ABORT, 'predictions are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER disputes_refuse_update BEFORE UPDATE ON disputes BEGIN SELECT RAISE(ABORT, 'disputes are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER disputes_refuse_delete BEFORE DELETE ON disputes BEGIN SELECT RAISE(ABORT, 'disputes are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER assignments_refuse_update BEFORE UPDATE ON assignments BEGIN SELECT RAISE(ABORT, 'assignments are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER assignments_refuse_delete BEFORE DELETE ON assignments BEGIN SELECT RAISE(ABORT, 'assignments are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER reviews_refuse_update BEFORE UPDATE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER reviews_refuse_delete BEFORE DELETE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER decisions_refuse_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER decisions_refuse_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER labels_refuse_update BEFORE UPDATE ON labels BEGIN SELECT RAISE(ABORT, 'labels are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER labels_refuse_delete BEFORE DELETE ON labels BEGIN SELECT RAISE(ABORT, 'labels are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only: DELETE refused, append a new row'); END;
CREATE TRIGGER listings_refuse_update BEFORE UPDATE ON listings BEGIN SELECT RAISE(ABORT, 'listings are append-only: UPDATE refused, append a new row'); END;
CREATE TRIGGER listings_refuse_delete BEFORE DELETE ON listings BEGIN SELECT RAISE(ABORT, 'listings are append-only: DELETE refused, append a new row'); END;
COMMIT;
