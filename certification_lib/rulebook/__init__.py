"""Validation rules, their versions, and the groups events link.

models: tables. rules: what makes a rule usable in a group. definitions: the forms a rule may have; sql_text: what SQL
may say; parameters: `:school_year`, `:count_date`. delivered, service: YAML in expectations/. content: a rule as people
write it; authoring, grouping: writing rules and groups; live_events: what holds them fast. listing, queries: reading.
"""
