"""What the stored results of a rule that compares organizations rest on: everybody's revisions at its last evaluation.

From it a later run knows which organizations have changed since, and therefore what it has to look at again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.validation.models import StatewideBasis
from certification_lib.validation.run_schema import pinned_table

# The views of the year before name the official revisions whose rows they show.
_PRIOR_DIGEST = sa.text("""
    select md5(coalesce(string_agg(pg_get_viewdef(oid), '' order by relname), ''))
    from pg_class
    where relnamespace = to_regnamespace(:schema) and relkind = 'v' and starts_with(relname, 'prior_')
""")
_NOTE = """
    insert into certification.statewide_basis as known
      (event_id, rule_version_id, validation_run_id, participant_ids, revision_ids, prior_digest)
    select :event_id, rule.id, :run_id, pinned.participant_ids, pinned.revision_ids, :prior_digest
    from unnest(cast(:rules as bigint[])) as rule(id)
    cross join (
      select coalesce(array_agg(participant_id order by participant_id), '{{}}') as participant_ids,
             coalesce(array_agg(revision_id order by participant_id), '{{}}') as revision_ids
      from {pinned}
    ) as pinned
    on conflict (event_id, rule_version_id) do update
      set validation_run_id = excluded.validation_run_id,
          participant_ids = excluded.participant_ids,
          revision_ids = excluded.revision_ids,
          prior_digest = excluded.prior_digest
"""


@dataclass(frozen=True)
class Basis:
    """By which run the rule was last evaluated, and on which revision of each participant, by their ids."""

    run_id: int
    revisions: Mapping[int, int]
    prior_digest: str


def bases(event_id: int, rule_version_ids: Sequence[int], *, session: Session) -> dict[int, Basis]:
    """What is known of these rules in the event, by rule version."""
    query = sa.select(StatewideBasis).where(
        StatewideBasis.event_id == event_id, StatewideBasis.rule_version_id.in_(rule_version_ids)
    )
    return {
        known.rule_version_id: Basis(
            known.validation_run_id,
            dict(zip(known.participant_ids, known.revision_ids, strict=True)),
            known.prior_digest,
        )
        for known in session.scalars(query)
    }


def prior_digest(schema: str, *, connection: sa.Connection) -> str:
    """Equal digests: the views of the year before in both schemas show the same rows."""
    return str(connection.execute(_PRIOR_DIGEST, {"schema": schema}).scalar_one())


def overtaken_rules(
    event_id: int, run_id: int, rule_version_ids: Collection[int], *, connection: sa.Connection
) -> list[int]:
    """Those of the rules that a later run has already evaluated, on newer data."""
    query = sa.select(StatewideBasis.rule_version_id).where(
        StatewideBasis.event_id == event_id,
        StatewideBasis.rule_version_id.in_(list(rule_version_ids)),
        StatewideBasis.validation_run_id > run_id,
    )
    return list(connection.execute(query).scalars())


def note_basis(
    event_id: int, run_id: int, rule_version_ids: Sequence[int], *, schema: str, connection: sa.Connection
) -> None:
    """The results of these rules now rest on the revisions pinned in `schema`."""
    if not rule_version_ids:
        return
    pinned = connection.dialect.identifier_preparer.format_table(pinned_table(schema))
    given = {
        "event_id": event_id,
        "run_id": run_id,
        "rules": list(rule_version_ids),
        "prior_digest": prior_digest(schema, connection=connection),
    }
    connection.execute(sa.text(_NOTE.format(pinned=pinned)), given)


def forget_basis(event_id: int, rule_version_ids: Sequence[int], *, connection: sa.Connection) -> None:
    """These rules could not run: the next run evaluates them for everybody."""
    if rule_version_ids:
        connection.execute(
            sa.delete(StatewideBasis).where(
                StatewideBasis.event_id == event_id, StatewideBasis.rule_version_id.in_(rule_version_ids)
            )
        )
