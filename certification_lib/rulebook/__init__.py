"""Validation rules, their versions, and the groups events link.

models: tables. rules: what makes a rule usable in a group. definitions: the forms a rule may have; sql_text: what SQL
may say; parameters: `:school_year`, `:count_date`. delivered: YAML in expectations/. service, queries: as everywhere.
"""
