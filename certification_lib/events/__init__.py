"""Certification events: what is certified by whom and when; milestones and manifests.

models: tables. content: the wizard's four steps in one shape. rules: statuses, and what keeps an event from being
published. phases: where an event stands today. service: save, edit, discard, delete, copy, import; versions and
participants write what it decides. queries: lists and viewer, visibility first. milestones: the plan; planning: laying
a new plan over the old; due: what is due and done. manifest: what Airflow parses.
Publishing, closing and holding reach into certification and live there.
"""
