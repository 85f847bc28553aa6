"""Validation rules, their versions, and the groups events link.

models: tables. rules: what makes a rule usable. delivered: YAML in expectations/. service, queries: as everywhere.
"""
