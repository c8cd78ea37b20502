"""The SQLite index: records, full text and vectors. Rows need the standard library alone, the schema sqlite-utils."""
