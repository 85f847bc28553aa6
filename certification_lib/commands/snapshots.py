"""`certify snapshot`, `validate`, `verify`: taking data, checking them, proving them."""

from enum import StrEnum
from typing import Annotated

import typer

from certification_lib.commands.boundary import acting, conclude, show, task_engine

Key = Annotated[str, typer.Argument(help="The event's key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ActingPerson = Annotated[str | None, typer.Option("--as", metavar="USERNAME", help="The person who acts.")]


class Kind(StrEnum):
    """State: all participants; district: those named; cleanup: those not finished."""

    STATE = "state"
    DISTRICT = "district"
    CLEANUP = "cleanup"


def snapshot(
    key: Key,
    kind: Annotated[Kind, typer.Option(help="Whose data to take.")] = Kind.STATE,
    participant: Annotated[list[str] | None, typer.Option(help="Number of a participant; may be repeated.")] = None,
    username: ActingPerson = None,
    as_json: AsJson = False,
) -> None:
    """Take a snapshot of an event's source data now, without Airflow."""
    from certification_lib.certification.taking import request_snapshot, take_snapshot
    from certification_lib.settings import source_url
    from certification_lib.snapshots.models import SnapshotKind

    with acting(username) as boundary:
        requested = request_snapshot(
            key, SnapshotKind(kind.value), numbers=participant, on_demand=True, **boundary.as_keywords()
        )
        snapshot_id = requested.id
    with task_engine() as engine:
        outcome = take_snapshot(snapshot_id, engine=engine, source_url_of=source_url)
    show([outcome.as_row()], as_json=as_json)


def validate(
    key: Key,
    group: Annotated[str | None, typer.Option(help="Only the rules of this validation group.")] = None,
    username: ActingPerson = None,
    as_json: AsJson = False,
) -> None:
    """Run an event's rules on what is in the datamart now, without Airflow."""
    from certification_lib.settings import database_url
    from certification_lib.validation.service import validate_event

    with acting(username) as boundary:
        actor = boundary.actor
    with task_engine() as engine:
        outcome = validate_event(
            key, group=group, engine=engine, rules_url=database_url("certification_rules"), actor=actor
        )
    show([outcome.as_row()], as_json=as_json)


def verify(
    key: Annotated[str | None, typer.Argument(help="One event; all when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the digest of every revision from its rows; exit 1 when one differs."""
    from certification_lib.snapshots.verification import verify as recompute

    with task_engine() as engine:
        differences = recompute(engine, event_key=key)
    conclude(differences, "Every digest is that of its rows.", as_json=as_json)
