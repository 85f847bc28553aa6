"""The schema of the certification database and how it changes: Alembic revisions, run by `certify db upgrade`.

Every revision runs in one transaction with a lock timeout, under an advisory lock, logged in as certification_owner.
`tables` is the whole schema as the models say it; `certify db check` compares the two.
"""
