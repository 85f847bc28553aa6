"""Certification events: what is certified by whom and when; publishing, milestones and manifests.

models: tables. rules: what may be published, edited, closed. milestones: the plan. manifest: what Airflow parses.
"""
