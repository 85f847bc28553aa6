"""Validation: the pinned rules run on snapshots as Great Expectations suites; counts and findings per participant.

engine: Great Expectations grouped by participant. models, rules, service, queries: as everywhere.
"""
