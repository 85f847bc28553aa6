"""Certification categories: whose data is certified, at which level, and by which people.

models: Category, Member. rules: who may be a member. service: categories and members. queries: read models.
"""
