"""Data certification: districts review a snapshot of their data and certify it, the state approves.

Reading order: settings, errors, database, then the domain packages in the order of the data's way:
audit, people, notifications, categories, rulebook, events, snapshots, validation, certification, reports.
Every domain package has models (tables), rules (pure decisions), service (use cases) and queries (read models).
"""
