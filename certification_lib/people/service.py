"""Rights asked for before an act, and the import of organizations.

People are imported by `categories.people_import.import_people`, because their memberships belong to categories.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.errors import NotAllowed
from certification_lib.people import organization_import
from certification_lib.people.csv_files import ImportResult
from certification_lib.people.models import DISTRICT_TOOLS, Organization, Right, Tool
from certification_lib.people.queries import rights_held, state_day
from certification_lib.people.rules import lacking_in_words, rights_of_letters

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
