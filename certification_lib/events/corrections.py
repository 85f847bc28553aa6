"""Events that correct a closed one: what is approved in them replaces its official rows, never beside them.

Of one organization there is one line of corrections: two that correct the same event never share an organization while
either may still become official, and a correction is corrected itself only where it has official rows. So every event
but the last of a line with official rows has exactly one that replaces it (`snapshots.downstream` relies on it).
"""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventStatus, EventVersion, EventVersionParticipant, Participant
from certification_lib.events.rules import names_in_words
from certification_lib.people.models import Organization


def correction_problems(
    corrected_id: int,
    organization_ids: Collection[int],
    *,
    category_id: int,
    reporting_year: int,
    event_id: int | None = None,
    session: Session,
) -> list[str]:
    """Why an event (`event_id`, None for one to be made) may not correct the closed one for these organizations."""
    corrected = session.get_one(Event, corrected_id)
    closed = session.get_one(EventVersion, corrected.live_version_id)
    chosen = set(organization_ids)
    problems = []
    if category_id != closed.category_id:
        problems.append(f"It corrects {closed.name} and keeps its Certification Category.")
    if reporting_year != closed.reporting_year:
        problems.append(f"It corrects {closed.name} and keeps its Reporting Year {closed.reporting_year}.")
    took_part = set(session.scalars(_chosen_in([closed.id])))
    if strangers := chosen - took_part:
        problems.append(f"It corrects {closed.name}, in which {_named(strangers, session)} did not take part.")
    if corrected.corrects_event_id is not None:
        official = set(session.scalars(_with_official_rows(corrected.id)))
        if without := (chosen & took_part) - official:
            problems.append(
                f"{closed.name} is a correction itself and nothing of {_named(without, session)} became official in "
                "it: correct the event that it corrects."
            )
    for other in session.scalars(_other_corrections(corrected.id, event_id)):
        if shared := chosen & _may_become_official(other, session):
            what = "corrected" if other.status is EventStatus.CLOSED else "being corrected"
            problems.append(f"{_named(shared, session)} {_is(shared)} already {what} by the event {other.key}.")
    return problems


def _other_corrections(corrected_id: int, event_id: int | None) -> sa.Select[Event]:
    query = sa.select(Event).where(Event.corrects_event_id == corrected_id).order_by(Event.id)
    return query if event_id is None else query.where(Event.id != event_id)


def _may_become_official(event: Event, session: Session) -> set[int]:
    """Organizations with official rows in it and, until it is closed, all that are chosen in it."""
    found = set(session.scalars(_with_official_rows(event.id)))
    if event.status is EventStatus.CLOSED:
        return found
    versions = [id_ for id_ in (event.live_version_id, event.draft_version_id) if id_ is not None]
    return found | set(session.scalars(_chosen_in(versions)))


def _chosen_in(version_ids: Collection[int]) -> sa.Select[int]:
    return sa.select(EventVersionParticipant.organization_id).where(
        EventVersionParticipant.event_version_id.in_(version_ids)
    )


def _with_official_rows(event_id: int) -> sa.Select[int]:
    return sa.select(Participant.organization_id).where(
        Participant.event_id == event_id, Participant.official_revision_id.is_not(None)
    )


def _named(organization_ids: Iterable[int], session: Session) -> str:
    query = (
        sa.select(Organization.name).where(Organization.id.in_(list(organization_ids))).order_by(Organization.number)
    )
    return names_in_words(list(session.scalars(query)))


def _is(organizations: Collection[int]) -> str:
    return "is" if len(organizations) == 1 else "are"
