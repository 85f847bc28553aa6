"""Organizations, persons, their roles and tool rights. Airflow only says who somebody is; rights are decided here.

models: tables. rules: what roles bring with them. queries: who acts, what he holds, where organizations belong.
service: rights asked for before an act, import of organizations (organization_import).
csv_files, people_csv: reading the files.
"""
