"""The tables of the index, grown by numbered steps; a step that has shipped is never edited."""

from sqlite_utils import Database, Migrations

migrations = Migrations("paper-kb")

FULL_TEXT_COLUMNS = ("title", "short_name", "keywords", "organizations", "body", "section")  # of step 2


@migrations(name="0001_files_papers_passages")
def _files_papers_passages(db: Database) -> None:
    db.table("files").create(
        {
            "path": str,  # below the notes folder, with forward slashes
            "mtime_ns": int,
            "size": int,
            "sha256": str,
            "state": str,  # "indexed" or "failed"
            "reason": str,  # why it failed; None when indexed
            "grammar": str,
            "unclaimed": str,  # JSON [[line, end_line], …]: text that belongs to no paper
        },
        pk="path",
    )
    db.table("papers").create(
        {
            "key": int,
            "id": str,
            "file": str,
            "line": int,
            "end_line": int,
            "title": str,
            "short_name": str,
            "kind": str,
            "month": str,
            "section": str,  # the path, joined by " / "
            "organizations": str,  # joined by 、
            "keywords": str,  # joined by 、
            "arxiv_id": str,
            "link_kinds": str,  # " arxiv github "
            "record": str,  # the Paper as JSON
        },
        pk="key",
    )
    db.table("papers").create_index(["id"], unique=True)
    db.table("papers").create_index(["file"])
    db.table("papers").create_index(["month"])
    db.table("passages").create({"key": int, "paper": int, "line": int, "heading": str, "text": str}, pk="key")
    db.table("passages").create_index(["paper"])


@migrations(name="0002_full_text")
def _full_text(db: Database) -> None:
    # Terms arrive cut and folded (kb.terms), so every byte above ASCII belongs to a term; Porter stems what is English.
    columns = ", ".join(FULL_TEXT_COLUMNS)
    db.execute(f"CREATE VIRTUAL TABLE papers_fts USING fts5({columns}, tokenize='porter ascii')")


@migrations(name="0003_vectors")
def _vectors(db: Database) -> None:
    # Vectors are kept by the text they encode: a moved or restored passage finds its vector again.
    db.table("passage_texts").create({"passage": int, "encoder": str, "text_hash": str}, pk=("passage", "encoder"))
    db.table("passage_texts").create_index(["encoder", "text_hash"])
    db.table("vectors").create({"encoder": str, "text_hash": str, "vector": bytes}, pk=("encoder", "text_hash"))
    db.table("meta").create({"name": str, "value": str}, pk="name")


@migrations(name="0004_glosses")
def _glosses(db: Database) -> None:
    # A column for the English that the Chinese of a paper stands for. It is filled by reading every note again, which
    # the next refresh does because no file has the stamp -1.
    db.execute("DROP TABLE papers_fts")
    db.execute(
        "CREATE VIRTUAL TABLE papers_fts"
        " USING fts5(title, short_name, keywords, organizations, body, gloss, section, tokenize='porter ascii')"
    )
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")


@migrations(name="0005_vector_keys")
def _vector_keys(db: Database) -> None:
    # A key is never given twice, not even after its vector is gone: what the FAISS file knows by key stays true. The
    # series tells the keys of this database from those of one that lay here before.
    db.execute("ALTER TABLE vectors RENAME TO vectors_by_text")
    db.execute(
        "CREATE TABLE vectors (key INTEGER PRIMARY KEY AUTOINCREMENT, encoder TEXT NOT NULL, text_hash TEXT NOT NULL,"
        " vector BLOB NOT NULL, UNIQUE (encoder, text_hash))"
    )
    db.execute(
        "INSERT INTO vectors (encoder, text_hash, vector) SELECT encoder, text_hash, vector FROM vectors_by_text"
    )
    db.execute("DROP TABLE vectors_by_text")
    # From now on what is encoded of a passage is recorded together with its vector, minutes after it was read. Only if
    # passages' keys are never given twice either is it sure to be the same passage then.
    db.execute(
        "DELETE FROM passage_texts WHERE text_hash != '' AND NOT EXISTS (SELECT 1 FROM vectors v"
        " WHERE v.encoder = passage_texts.encoder AND v.text_hash = passage_texts.text_hash)"
    )
    db.execute("ALTER TABLE passages RENAME TO passages_before")
    db.execute(
        "CREATE TABLE passages"
        " (key INTEGER PRIMARY KEY AUTOINCREMENT, paper INTEGER, line INTEGER, heading TEXT, text TEXT)"
    )
    db.execute("INSERT INTO passages SELECT key, paper, line, heading, text FROM passages_before")
    db.execute("DROP TABLE passages_before")
    db.table("passages").create_index(["paper"])
    db.execute("INSERT INTO meta (name, value) VALUES ('vector_series', lower(hex(randomblob(4))))")


@migrations(name="0006_names")
def _names(db: Database) -> None:
    # What a paper is called, to find it before all others when it is asked for by name; and the words there are, to
    # tell a mistyped one. The next refresh reads every note again and fills the names.
    db.execute("CREATE TABLE names (name TEXT, paper INTEGER, PRIMARY KEY (name, paper)) WITHOUT ROWID")
    db.table("names").create_index(["paper"])
    db.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(papers_fts, row)")
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")


@migrations(name="0007_works")
def _works(db: Database) -> None:
    # What a record is known by, to join records by, and which are the same paper: a work is named after one of its
    # records, and a record that is alone has none. The next refresh reads every note again and fills both.
    db.execute(
        "CREATE TABLE identities (kind TEXT, value TEXT, paper INTEGER, PRIMARY KEY (kind, value, paper)) WITHOUT ROWID"
    )
    db.table("identities").create_index(["paper"])
    db.execute("CREATE TABLE works (paper INTEGER PRIMARY KEY, work INTEGER)")
    db.table("works").create_index(["work"])
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")


@migrations(name="0008_claims")
def _claims(db: Database) -> None:
    # What the notes claim, read anew with each note, and every run of a claim, which outlives the note that made it.
    # The next refresh reads every note again and fills the claims.
    db.execute(
        "CREATE TABLE claims (file TEXT, line INTEGER, id TEXT, paper TEXT, month TEXT, run TEXT, problem TEXT,"
        " fingerprint TEXT, record TEXT, PRIMARY KEY (file, line)) WITHOUT ROWID"
    )
    db.table("claims").create_index(["id"])
    db.table("claims").create_index(["paper"])
    db.execute(
        "CREATE TABLE claim_runs (key INTEGER PRIMARY KEY, claim TEXT, fingerprint TEXT, code TEXT, state TEXT,"
        " reason TEXT, figures TEXT, date TEXT, version TEXT, device TEXT, seconds REAL)"
    )
    db.table("claim_runs").create_index(["claim"])
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")


@migrations(name="0010_topics")
def _topics(db: Database) -> None:
    # Months and keywords of all papers without their records, which a digest would have to pass over.
    db.table("papers").create_index(["month", "kind", "keywords"], "idx_papers_topics", if_not_exists=True)


@migrations(name="0011_passage_keys")
def _passage_keys(db: Database) -> None:
    # Step 5 first left keys of passages to be given again; an index that made it then still does. See there.
    (made,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'passages'").fetchone()
    if "AUTOINCREMENT" in made:
        return
    db.execute("ALTER TABLE passages RENAME TO passages_before")
    db.execute(
        "CREATE TABLE passages"
        " (key INTEGER PRIMARY KEY AUTOINCREMENT, paper INTEGER, line INTEGER, heading TEXT, text TEXT)"
    )
    db.execute("INSERT INTO passages SELECT key, paper, line, heading, text FROM passages_before")
    db.execute("DROP TABLE passages_before")
    db.table("passages").create_index(["paper"])
    db.execute("DELETE FROM passage_texts WHERE passage NOT IN (SELECT key FROM passages)")


@migrations(name="0012_authors")
def _authors(db: Database) -> None:
    # Who wrote a paper, where and when it appeared: columns of the full text and of its row; and its ids, each in one
    # form. The next refresh reads every note again and fills them.
    db.execute("DROP TABLE vocabulary")
    db.execute("DROP TABLE papers_fts")
    db.execute(
        "CREATE VIRTUAL TABLE papers_fts USING fts5(title, short_name, keywords, organizations, authors, venue, body,"
        " gloss, section, tokenize='porter ascii')"
    )
    db.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(papers_fts, row)")
    for column in ("authors", "venue", "year"):
        db.table("papers").add_column(column, str)
    db.execute("CREATE TABLE ids (value TEXT, paper INTEGER, PRIMARY KEY (value, paper)) WITHOUT ROWID")
    db.table("ids").create_index(["paper"])
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")


@migrations(name="0013_variants")
def _variants(db: Database) -> None:
    # Terms, names and titles have one form of a Chinese character from now on, so the next refresh reads every note
    # again; it also fills which other forms a paper holds, for quoted text, which is to the letter.
    db.execute("CREATE TABLE variants (paper INTEGER PRIMARY KEY, characters TEXT)")
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")


@migrations(name="0014_rest")
def _rest(db: Database) -> None:
    # Whether a record is text beside the papers of a file. Entries are told from such text otherwise than before, so
    # the next refresh reads every note again. Where a record has another id then, its former one is kept.
    db.table("papers").add_column("is_rest", int)
    db.execute("CREATE TABLE former (id TEXT PRIMARY KEY, now TEXT)")
    db.execute("UPDATE files SET mtime_ns = -1, sha256 = ''")
