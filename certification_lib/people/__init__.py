"""Organizations, persons, their roles and tool rights. Airflow only says who somebody is; rights are decided here.

models: tables. rules: what rights a role needs. service: imports and grants. queries: `Person` of a sign-in, rights.
"""
