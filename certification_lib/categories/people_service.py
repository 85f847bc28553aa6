"""Changing one person and his rights by hand; many at once come by file (people_import).

It lives here and not in `people`, because the last active Approver of a category must stay able to approve.
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.administering import administered, is_among_theirs, is_theirs_alone
from certification_lib.categories.approvers import approvers_remain
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.people.models import (
    DISTRICT_TOOLS,
    Organization,
    OrganizationKind,
    Person,
    Right,
    Tool,
    ToolRight,
)
from certification_lib.people.queries import (
    granted,
    organization_by_number,
    person_by_username,
    rights_held,
)
from certification_lib.people.rules import is_username, rights_in_words, rights_of_letters
from certification_lib.people.service import require

_FIELDS = ("name", "title", "email", "state_staff_id", "active")
# What a District Administrator may correct about somebody who is his organization's alone.
_FIELDS_OF_DISTRICT = frozenset({"name", "title", "email"})


def add_person(
    username: str,
    name: str,
    *,
    title: str | None = None,
    email: str | None = None,
    state_staff_id: str | None = None,
    organization_number: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Person:
    """A new active person without any right; the account to sign in with comes from Airflow's auth manager.

    `organization_number` is the employer. Needs Add on People and Rights; a District Administrator adds people whom
    his own LEA employs.
    """
    own = {held.organization_number for held in administered(actor, session=session)}
    if organization_number is None or organization_number not in own:
        require(Tool.PEOPLE_AND_RIGHTS, "A", session=session, actor=actor)
    username, name = username.strip(), name.strip()
    if not username or not name:
        raise BadInput("A person needs a username without blanks, and a name.")
    if not is_username(username):
        raise BadInput("A username has no blanks and none of ; , / or :.")
    if session.scalar(sa.select(Person.id).where(Person.username == username)) is not None:
        raise Conflict(f"There is already a person with the username {username}.")
    employer = organization_by_number(organization_number, session=session) if organization_number else None
    person = Person(
        username=username,
        name=name,
        title=title,
        email=email,
        state_staff_id=state_staff_id,
        employing_organization_id=employer.id if employer else None,
        active=True,
    )
    session.add(person)
    session.flush()  # gives the id, and the unique username speaks here
    record(
        "person:add",
        name,
        session=session,
        actor=actor,
        now=now,
        organization_number=organization_number,
        details={"username": username},
    )
    return person


def change_person(username: str, *, session: Session, actor: Actor, now: datetime.datetime, **changes: Any) -> Person:
    """Change name, title, email, state_staff_id, organization_number (the employer) or active.

    Deactivating needs the right Delete on People and Rights, all else Write; a District Administrator corrects name,
    title and e-mail of people who are his LEA's alone. Deactivating never touches a certification, and is refused for
    the last active Approver of a live event's category.
    """
    unknown = sorted(set(changes) - {*_FIELDS, "organization_number"})
    if unknown:
        raise BadInput(f"{', '.join(unknown)} cannot be changed.")
    leas = {held.organization_id for held in administered(actor, session=session)}
    if not leas:
        _require_some_right(session=session, actor=actor)
    if "name" in changes and not (changes["name"] or "").strip():
        raise BadInput("A person needs a name.")
    person = _locked(username, session)
    if "organization_number" in changes:
        number = changes.pop("organization_number")
        employer = organization_by_number(number, session=session) if number else None
        changes["employing_organization_id"] = employer.id if employer else None
    different = {name: value for name, value in changes.items() if getattr(person, name) != value}
    _authorize_change(person, different, leas, session=session, actor=actor)
    with approvers_remain(session):
        for name, value in different.items():
            setattr(person, name, value)
        session.flush()  # an empty name is refused by the table before anybody is told
    if different:
        details = {"username": username, "changed": sorted(different)}
        if "active" in different:
            details["active"] = different["active"]
        record("person:change", person.name, session=session, actor=actor, now=now, details=details)
    return person


def _authorize_change(
    person: Person, different: dict[str, Any], leas: set[int], *, session: Session, actor: Actor
) -> None:
    if leas and set(different) <= _FIELDS_OF_DISTRICT and is_theirs_alone(person, leas, session=session):
        return
    at_state = rights_held(Tool.PEOPLE_AND_RIGHTS, session=session, person_id=actor.person_id or 0)
    if leas and not at_state and not is_among_theirs(person, leas, session=session):
        raise NotFound(f"There is no person with the username {person.username}.")
    deactivates = different.get("active") is False
    letters = ("D" if deactivates else "") + ("W" if set(different) - ({"active"} if deactivates else set()) else "")
    require(Tool.PEOPLE_AND_RIGHTS, letters or "W", session=session, actor=actor)
    if "active" in different and person.id == actor.person_id:
        raise NotAllowed("Nobody deactivates himself.")


def set_rights(
    username: str,
    tool: Tool,
    letters: str,
    *,
    organization_number: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Let a person hold exactly these letters on a tool, district-side tools for one LEA; none takes all away.

    Granting needs Add and revoking Delete on People and Rights. A District Administrator sets the district-side rights
    of others for his own LEA. Nobody changes his own.
    """
    try:
        rights = rights_of_letters(letters.upper())
    except ValueError:
        raise BadInput(f"{letters!r} has other letters than R, W, A and D.") from None
    lea = _lea(tool, organization_number, session)
    person = _locked(username, session)
    standing = session.scalar(
        sa.select(ToolRight).where(
            ToolRight.person_id == person.id,
            ToolRight.tool == tool,
            ToolRight.organization_id.is_not_distinct_from(lea.id if lea else None),
        )
    )
    held = granted(standing) if standing is not None else frozenset()
    _authorize(person, lea, granting=rights - held, revoking=held - rights, session=session, actor=actor)
    if rights == held:
        return
    with approvers_remain(session):
        _write(person, tool, lea, rights, standing, session=session)
    record(
        "right:set",
        f"{tool.value} of {person.name}",
        session=session,
        actor=actor,
        now=now,
        organization_number=lea.number if lea else None,
        details={"username": username, "before": rights_or_none(held), "after": rights_or_none(rights)},
    )


def rights_or_none(rights: frozenset[Right]) -> str:
    """The rights in words, or `none`."""
    return rights_in_words(rights) if rights else "none"


def _locked(username: str, session: Session) -> Person:
    person = person_by_username(username, session=session)
    return session.get_one(Person, person.id, with_for_update=True, populate_existing=True)


def _require_some_right(*, session: Session, actor: Actor) -> None:
    """Before anybody is looked up: who may neither change nor deactivate people must not learn who there is."""
    held = rights_held(Tool.PEOPLE_AND_RIGHTS, session=session, person_id=actor.person_id) if actor.person_id else Right
    if not {Right.WRITE, Right.DELETE}.intersection(held):
        require(Tool.PEOPLE_AND_RIGHTS, Right.WRITE, session=session, actor=actor)


def _lea(tool: Tool, number: str | None, session: Session) -> Organization | None:
    if tool not in DISTRICT_TOOLS:
        if number is not None:
            raise BadInput(f"Rights on {tool.value} belong to the state and take no organization.")
        return None
    if number is None:
        raise BadInput(f"Rights on {tool.value} are held for an organization; name it.")
    organization = organization_by_number(number, session=session)
    if organization.kind is not OrganizationKind.LEA:
        raise BadInput(f"Rights on {tool.value} are held for an LEA.")
    return organization


def _authorize(
    person: Person,
    lea: Organization | None,
    *,
    granting: frozenset[Right],
    revoking: frozenset[Right],
    session: Session,
    actor: Actor,
) -> None:
    if actor.person_id is None:
        return
    administers = {held.organization_id for held in administered(actor, session=session)}
    if lea is None or lea.id not in administers:
        at_state = rights_held(Tool.PEOPLE_AND_RIGHTS, session=session, person_id=actor.person_id)
        if administers and lea is not None and not at_state:
            raise NotFound(f"There is no organization with the number {lea.number}.")
        letters = ("A" if granting else "") + ("D" if revoking else "")
        require(Tool.PEOPLE_AND_RIGHTS, letters or "R", session=session, actor=actor)
    if person.id == actor.person_id:
        raise NotAllowed("Nobody changes his own rights.")


def _write(
    person: Person,
    tool: Tool,
    lea: Organization | None,
    rights: frozenset[Right],
    standing: ToolRight | None,
    *,
    session: Session,
) -> None:
    if standing is None:
        standing = ToolRight(person_id=person.id, tool=tool, organization_id=lea.id if lea else None)
        session.add(standing)
    standing.read, standing.write = Right.READ in rights, Right.WRITE in rights
    standing.add, standing.delete = Right.ADD in rights, Right.DELETE in rights
    session.flush()  # whoever asks next must see what is held now
