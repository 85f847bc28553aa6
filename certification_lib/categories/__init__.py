"""Certification categories: whose data is certified, at which level, and by which people.

models: Category, Member. rules: who may be a member. queries: read models. service: categories; membership: one member;
approvers: the last Approver stays; live_events: what holds a category fast.
people_import: the file of people, which names memberships; people_checks and people_changes are its two halves.
people_service: one person and his rights, by hand.
"""
