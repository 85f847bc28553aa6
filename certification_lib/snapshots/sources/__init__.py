"""Where the rows of a snapshot come from. Whatever the source, what follows is the same: a sorted SELECT on a
PostgreSQL connection, piped as COPY text and digested.

postgres: the source itself is that connection. databases (any SQLAlchemy address) and files: their rows are first
staged as text in a temporary table of the target (`staging`), checked there against the declared types, and read back
typed and sorted. The target sorts because only its `COLLATE "C"` and its text of a value are those of the digest; a
foreign database's order and number formats cannot be trusted. A temporary table is gone with its connection, so a
killed task leaves nothing. `opening` chooses.
"""
