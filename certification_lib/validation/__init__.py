"""Validation: the pinned rules run on snapshots as Great Expectations suites; counts and findings per participant.

rules: what blocks, and the hash of a rule set. run_schema: the rows a run may see. great_expectations, engine,
evaluation: the rules evaluated (imported only where a validation runs). storing: counts and findings written at once.
models, service, queries: as everywhere.
trial, preview: rules tried without storing anything. suites: groups as Great Expectations' own files, out and in.
"""
