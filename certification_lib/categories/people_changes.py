"""The difference between a file of people and what is there, and writing it in bulk."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole, Member
from certification_lib.categories.people_checks import Known, Place, Wanted
from certification_lib.people.models import Person, PersonRole, Right, ToolRight
from certification_lib.people.queries import Holding, granted


@dataclass
class PersonChange:
    """What one line changes. `known.person` is None for somebody new."""

    wanted: Wanted
    known: Known
    fields: dict[str, Any] = field(default_factory=dict)
    new_roles: list[tuple[Any, int]] = field(default_factory=list)
    old_roles: list[PersonRole] = field(default_factory=list)
    new_rights: dict[Holding, frozenset[Right]] = field(default_factory=dict)
    old_rights: list[ToolRight] = field(default_factory=list)
    new_members: dict[Place, CategoryRole] = field(default_factory=dict)
    old_members: list[Member] = field(default_factory=list)

    @property
    def username(self) -> str:
        return self.wanted.row.username

    @property
    def is_new(self) -> bool:
        return self.known.person is None

    @property
    def changes_grants(self) -> bool:
        """Whether roles, rights or memberships change."""
        return bool(self.new_roles or self.new_rights or self.new_members or self.takes_away)

    @property
    def takes_away(self) -> bool:
        """Whether a role, a right or a membership is lost."""
        return bool(self.old_roles or self.old_rights or self.old_members)

    @property
    def deactivates(self) -> bool:
        return not self.is_new and self.fields.get("active") is False

    @property
    def is_empty(self) -> bool:
        return not (self.is_new or self.fields or self.changes_grants)


def change_of(wanted: Wanted, known: Known) -> PersonChange:
    """Compare a line with the person."""
    change = PersonChange(wanted, known)
    values = {**wanted.row.fields, "active": wanted.row.active}
    if wanted.employer_id is not None:
        values["employing_organization_id"] = wanted.employer_id
    change.fields = {
        name: value for name, value in values.items() if known.person is None or getattr(known.person, name) != value
    }
    if wanted.roles is not None:
        change.new_roles = [held for held in wanted.roles if held not in known.roles]
        change.old_roles = [role for held, role in known.roles.items() if held not in wanted.roles]
    if wanted.rights is not None:
        _compare_rights(change, wanted.rights)
    if wanted.memberships is not None:
        standing = {place: member.role for place, member in known.members.items()}
        change.new_members = {
            place: role for place, role in wanted.memberships.items() if standing.get(place) is not role
        }
        change.old_members = [
            member for place, member in known.members.items() if wanted.memberships.get(place) is not member.role
        ]
    return change


def _compare_rights(change: PersonChange, wanted: Mapping[Holding, frozenset[Right]]) -> None:
    for holding, rights in wanted.items():
        standing = change.known.rights.get(holding)
        if standing is None or granted(standing) != rights:
            change.new_rights[holding] = rights
            change.old_rights += [standing] if standing is not None else []
    change.old_rights += [right for holding, right in change.known.rights.items() if holding not in wanted]


def write(changes: Sequence[PersonChange], *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Write all changes: a handful of statements, however many people."""
    for change in changes:
        if change.known.person is None:
            change.known.person = Person(username=change.username, **change.fields)
            session.add(change.known.person)
        for name, value in change.fields.items():
            setattr(change.known.person, name, value)
        for member in change.old_members:
            member.removed_at, member.removed_by = now, actor.username
    session.flush()  # new people need ids, and places must be free before they are taken again
    _delete(PersonRole, [role.id for change in changes for role in change.old_roles], session)
    _delete(ToolRight, [right.id for change in changes for right in change.old_rights], session)
    _insert(PersonRole, [row for change in changes for row in _role_rows(change)], session)
    _insert(ToolRight, [row for change in changes for row in _right_rows(change)], session)
    _insert(Member, [row for change in changes for row in _member_rows(change, actor, now)], session)


def person_id(change: PersonChange) -> int:
    """The id of the person, known at the latest once written."""
    if change.known.person is None:
        raise LookupError(change.username)
    return change.known.person.id


def _role_rows(change: PersonChange) -> list[dict[str, Any]]:
    return [
        {"person_id": person_id(change), "role": role, "organization_id": organization_id}
        for role, organization_id in change.new_roles
    ]


def _right_rows(change: PersonChange) -> list[dict[str, Any]]:
    return [
        {
            "person_id": person_id(change),
            "tool": tool,
            "organization_id": organization_id,
            "read": Right.READ in rights,
            "write": Right.WRITE in rights,
            "add": Right.ADD in rights,
            "delete": Right.DELETE in rights,
        }
        for (tool, organization_id), rights in change.new_rights.items()
    ]


def _member_rows(change: PersonChange, actor: Actor, now: datetime.datetime) -> list[dict[str, Any]]:
    return [
        {
            "category_id": category_id,
            "person_id": person_id(change),
            "organization_id": organization_id,
            "school_id": school_id,
            "role": role,
            "added_at": now,
            "added_by": actor.username,
        }
        for (category_id, organization_id, school_id), role in change.new_members.items()
    ]


def _insert(table: type[PersonRole | ToolRight | Member], rows: list[dict[str, Any]], session: Session) -> None:
    if rows:
        session.execute(sa.insert(table), rows)


def _delete(table: type[PersonRole | ToolRight], ids: list[int], session: Session) -> None:
    if ids:
        session.execute(sa.delete(table).where(table.id.in_(ids)).execution_options(synchronize_session=False))
