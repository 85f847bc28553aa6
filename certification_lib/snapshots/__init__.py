"""Snapshots: the source copied as of one instant into the datamart, an immutable revision per participant.

views: the SQL files. pipe: COPY with digests. partitions: slots. models, rules, service, queries: as everywhere.
"""
