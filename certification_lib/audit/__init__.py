"""Who did what, when, on whose behalf: one entry for every act, chained by hash so that a removal shows.

models: the entry. service: `record`, called last in each use case's transaction. queries: reading and chain check.
"""
