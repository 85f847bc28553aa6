"""From what step 3 of the wizard says to organizations."""

import datetime
from collections.abc import Sequence
from operator import attrgetter

from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.events.content import EventContent, ParticipantFilter
from certification_lib.events.rules import names_in_words
from certification_lib.people.directory import OrganizationLine, open_organizations, organizations_by_number
from certification_lib.people.models import OrganizationKind

KIND_OF_LEVEL = {Level.DISTRICT: OrganizationKind.LEA, Level.SCHOOL: OrganizationKind.SCHOOL}
_PLURAL = {Level.DISTRICT: "districts", Level.SCHOOL: "schools"}


def resolve(
    content: EventContent, today: datetime.date, *, session: Session
) -> tuple[list[OrganizationLine], list[str]]:
    """The organizations chosen, each once and by number, and what is wrong with the choice."""
    if isinstance(content.participants, list):
        return _by_number(content.participants, content.level, session)
    candidates = open_organizations(KIND_OF_LEVEL[content.level], today, session=session)
    chosen = [one for one in candidates if content.participants == "all" or _matches(one, content.participants)]
    if chosen:
        return chosen, []
    return [], [f"Choose at least one participant: no {_PLURAL[content.level]} match"]


def _by_number(numbers: Sequence[str], level: Level, session: Session) -> tuple[list[OrganizationLine], list[str]]:
    found = organizations_by_number(numbers, session=session)
    unknown = sorted({number for number in numbers if number not in found})
    kind = KIND_OF_LEVEL[level]
    known = sorted(found.values(), key=attrgetter("number"))
    problems = []
    if unknown:
        one_or_more = ("Participant", "is") if len(unknown) == 1 else ("Participants", "are")
        problems.append(f"{one_or_more[0]} {names_in_words(unknown)} {one_or_more[1]} not known")
    problems += [
        f"Participant {one.number} {one.name} is of kind {one.kind}, but the event is for {_PLURAL[level]}"
        for one in known
        if one.kind is not kind
    ]
    return [one for one in known if one.kind is kind], problems


def _matches(organization: OrganizationLine, wanted: ParticipantFilter | str) -> bool:
    if isinstance(wanted, str):
        return False
    return all(
        value in _as_list(choice)
        for value, choice in (
            (organization.region, wanted.region),
            (organization.county, wanted.county),
            (organization.type, wanted.type),
        )
        if choice
    )


def _as_list(choice: str | list[str] | None) -> list[str]:
    return [choice] if isinstance(choice, str) else choice or []


def participation_problems(organizations: Sequence[OrganizationLine], level: Level, today: datetime.date) -> list[str]:
    """Why some of a draft's participants cannot be published: the directory may have changed since it was saved."""
    kind = KIND_OF_LEVEL[level]
    problems = []
    for one in organizations:
        who = f"{one.number} {one.name}"
        if one.kind is not kind:
            problems.append(f"{who} is of kind {one.kind}, but the event is for {_PLURAL[level]}")
        elif one.merged_into_id is not None:
            problems.append(f"{who} was merged into another organization")
        elif one.closed is not None and one.closed < today:
            problems.append(f"{who} is closed since {one.closed}")
    return problems
