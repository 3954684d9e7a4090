"""The search index as SQLite FTS5, a file for each account."""
