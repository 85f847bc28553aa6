"""Rights asked for before an act, and the import of organizations.

People are imported by `categories.people_import.import_people`, because their memberships belong to categories.
"""

import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.errors import BadInput, NotAllowed
from certification_lib.people import organization_import
from certification_lib.people.csv_files import ImportResult
from certification_lib.people.models import DISTRICT_TOOLS, Organization, OrganizationKind, Right, Tool
from certification_lib.people.queries import organization_by_number, rights_held, state_day
from certification_lib.people.rules import is_email, lacking_in_words, rights_of_letters

# One import at a time: two at once would each not see what the other adds.
_IMPORT_LOCK = 7304216002


def require(
    tool: Tool, right: str | Right, *, session: Session, actor: Actor, organization_id: int | None = None
) -> None:
    """NotAllowed, naming what is missing, unless the actor holds all the letters of `right`, such as "W" or "RWAD".

    District-side tools need the LEA. The system itself (no person) may do everything: it acts only where nobody asked.
    """
    if actor.person_id is None:
        return
    held = rights_held(tool, session=session, person_id=actor.person_id, organization_id=organization_id)
    lacking = rights_of_letters(str(right)) - held
    if lacking:
        place = None
        if tool in DISTRICT_TOOLS and organization_id is not None:
            place = session.scalar(sa.select(Organization.name).where(Organization.id == organization_id))
        raise NotAllowed(f"You lack {lacking_in_words(tool, lacking, place)}.")


def require_any(tool: Tool, *, session: Session, actor: Actor) -> frozenset[Right]:
    """The rights held on a state-side tool, for pages that open with any one of the four; NotAllowed with none."""
    if actor.person_id is None:
        return frozenset(Right)
    held = rights_held(tool, session=session, person_id=actor.person_id)
    if not held:
        raise NotAllowed(f"You hold no right on {tool.value}.")
    return held


def lock_imports(session: Session) -> None:
    """Wait until no other import is under way; held to the end of the transaction."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_IMPORT_LOCK)))


def import_organizations(text: str, *, session: Session, actor: Actor, now: datetime.datetime) -> ImportResult:
    """Add and change organizations from CSV text, all or nothing: BadInput lists every bad line.

    Columns: kind, number, name; type, nces_id, county, region, time_zone, contact_name, contact_email, lea_number (of a
    school), opened, closed, merged_into. A column that is not in the file leaves that field as it is; organizations
    that are not in the file stay. The same file again changes nothing.
    """
    require(Tool.ORGANIZATIONS, "WA", session=session, actor=actor)
    lock_imports(session)
    result = organization_import.import_rows(text, session=session, today=state_day(now, session=session))
    record(
        "organization:import",
        "Organizations",
        session=session,
        actor=actor,
        now=now,
        details={"added": result.added, "changed": result.changed, "unchanged": result.unchanged},
    )
    return result


def add_organization(
    *, session: Session, actor: Actor, now: datetime.datetime, **columns: str | datetime.date | None
) -> Organization:
    """Add one organization, given by the columns of `import_organizations`; Conflict when its number is taken.

    Needs Add on Organizations. BadInput lists everything that is wrong.
    """
    require(Tool.ORGANIZATIONS, Right.ADD, session=session, actor=actor)
    lock_imports(session)
    cells = {column: str(value).strip() for column, value in columns.items() if value is not None}
    added = organization_import.add_one(cells, session=session, today=state_day(now, session=session))
    record(
        "organization:add",
        added.name,
        session=session,
        actor=actor,
        now=now,
        organization_number=added.number,
        details=cells,
    )
    return added


def change_organization(
    number: str, *, session: Session, actor: Actor, now: datetime.datetime, **changes: str | None
) -> Organization:
    """Change contact_name, contact_email or time_zone by hand; everything else comes with the file of organizations.

    Needs Write on Organizations. An empty time zone means the state's; the state itself always has one.
    """
    require(Tool.ORGANIZATIONS, Right.WRITE, session=session, actor=actor)
    unknown = sorted(set(changes) - {"contact_name", "contact_email", "time_zone"})
    if unknown:
        raise BadInput(f"{', '.join(unknown)} cannot be changed by hand.")
    found = organization_by_number(number, session=session)
    organization = session.get_one(Organization, found.id, with_for_update=True, populate_existing=True)
    wanted = {name: (value or "").strip() or None for name, value in changes.items()}
    problems = _contact_problems(organization, wanted)
    if problems:
        raise BadInput(f"{'; '.join(problems)}.", problems=problems)
    different = {name: value for name, value in wanted.items() if getattr(organization, name) != value}
    for name, value in different.items():
        setattr(organization, name, value)
    if different:
        record(
            "organization:change",
            organization.name,
            session=session,
            actor=actor,
            now=now,
            organization_number=number,
            details=different,
        )
    return organization


def _contact_problems(organization: Organization, wanted: dict[str, str | None]) -> list[str]:
    problems = []
    email, zone = wanted.get("contact_email"), wanted.get("time_zone")
    if email and not is_email(email):
        problems.append("Contact e-mail is no e-mail address")
    if zone:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError):
            problems.append("Time zone is not known (example: America/New_York)")
    elif "time_zone" in wanted and organization.kind is OrganizationKind.STATE:
        problems.append("Time zone is needed: the state's is the legal one of every event")
    return problems
