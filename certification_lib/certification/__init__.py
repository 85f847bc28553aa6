"""Certification: rounds, submissions, approvals, recertification, due dates; the legal record.

models: tables. rules: the state machines of domain section 4, pure. service: the acts. queries: read models.
"""
