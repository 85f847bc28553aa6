"""People from CSV, with their roles, rights and memberships, all or nothing.

It lives here and not in `people`, because memberships belong to categories. Reading and checking come first, over the
whole file; then rows are written in bulk.
"""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.approvers import approvers_remain
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.categories.people_changes import PersonChange, change_of, person_id, write
from certification_lib.categories.people_checks import Directory, Known, check, known_people, look_up
from certification_lib.errors import NotAllowed
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.csv_files import ImportResult, Problems, read_lines, rows_once
from certification_lib.people.models import Organization, OrganizationKind, Tool
from certification_lib.people.people_csv import OPTIONAL, REQUIRED, WHAT, PersonRow, person_row
from certification_lib.people.queries import state_day
from certification_lib.people.rules import is_email
from certification_lib.people.service import lock_imports, require


def import_people(text: str, *, session: Session, actor: Actor, now: datetime.datetime) -> ImportResult:
    """Add and change people from CSV text; BadInput lists every bad line.

    Columns: username, name; title, email, state_staff_id, organization_number, roles, rights, memberships, active (yes
    if empty). What a line says about roles, rights and memberships replaces what the person has; without the column
    they stay. People who are not in the file stay. The same file again changes nothing. Certifications are never
    touched: deactivating or unlisting the last certifier who owes sends nothing.
    """
    require(Tool.PEOPLE_AND_RIGHTS, "R", session=session, actor=actor)
    lock_imports(session)
    problems = Problems()
    rows = _read(text, problems)
    directory = Directory.load(session)
    wanted = look_up(rows, directory, problems)
    known = known_people([line.row.username for line in wanted], session)
    today = state_day(now, session=session)
    for line in wanted:
        check(line, known.get(line.row.username, Known()), directory, today, problems)
    problems.refuse_if_any(WHAT)
    compared = [change_of(line, known.get(line.row.username, Known())) for line in wanted]
    changes = [change for change in compared if not change.is_empty]
    _authorize(changes, session=session, actor=actor)
    added = sum(change.is_new for change in changes)
    with approvers_remain(session):
        write(changes, session=session, actor=actor, now=now)
    _tell(changes, session=session, actor=actor, now=now)
    result = ImportResult(added, len(changes) - added, len(rows) - len(changes), _warnings(rows))
    details = {
        "added": result.added,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "deactivated": sorted(change.username for change in changes if change.deactivates),
    }
    record("person:import", "People", session=session, actor=actor, now=now, details=details)
    return result


def _read(text: str, problems: Problems) -> list[PersonRow]:
    lines, columns = read_lines(text, required=REQUIRED, optional=OPTIONAL, what=WHAT, problems=problems)
    return rows_once(lines, lambda line: person_row(line, columns), key="username", problems=problems)


def _warnings(rows: Sequence[PersonRow]) -> tuple[str, ...]:
    return tuple(
        f"line {row.line}: {row.username} has no valid e-mail address"
        for row in rows
        if row.active and "email" in row.fields and not is_email(row.fields["email"])
    )


def _authorize(changes: Sequence[PersonChange], *, session: Session, actor: Actor) -> None:
    asked = {
        "W": any(not change.is_new for change in changes),
        "A": any(change.is_new for change in changes),
        "D": any(change.deactivates or change.takes_away for change in changes),
    }
    letters = "".join(letter for letter, needed in asked.items() if needed)
    if letters:
        require(Tool.PEOPLE_AND_RIGHTS, letters, session=session, actor=actor)
    if any(change.new_members or change.old_members for change in changes):
        require(Tool.CERTIFICATION_CATEGORY, "W", session=session, actor=actor)
    if actor.person_id is not None and any(c.changes_grants and c.username == actor.username for c in changes):
        raise NotAllowed("Nobody changes his own roles, rights or memberships; leave your own line as it was.")


def _tell(changes: Sequence[PersonChange], *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """One message for each organization and category to those concerned and its certifiers.

    Of a category that is not published yet, districts hear nothing.
    """
    concerned: dict[tuple[int, int], dict[int, str]] = {}
    for change in changes:
        who = change.wanted.row.fields["name"]
        for member in change.old_members:
            place = (member.category_id, member.organization_id)
            concerned.setdefault(place, {})[person_id(change)] = f"{who}: no longer {member.role}"
        for (category_id, organization_id, _), role in change.new_members.items():
            concerned.setdefault((category_id, organization_id), {})[person_id(change)] = f"{who}: {role}"
    if not concerned:
        return
    categories = {category.id: category for category in session.scalars(sa.select(Category))}
    places = sa.select(Organization).where(Organization.id.in_({place for _, place in concerned}))
    organizations = {organization.id: organization for organization in session.scalars(places)}
    certifiers = _certifiers({category_id for category_id, _ in concerned}, session)
    notices = [
        Notice(
            fact=f"members-imported:{category_id}:{organization_id}:{now.isoformat()}",
            kind="members_changed",
            receivers=[*people, *certifiers.get((category_id, organization_id), ())],
            subject=f"{categories[category_id].name}: members of {organizations[organization_id].name}",
            text=(
                f"{actor.name} has changed the members of {categories[category_id].name} for "
                f"{organizations[organization_id].name}:\n\n" + "\n".join(sorted(people.values()))
            ),
            path="/certification/",
            organization_number=organizations[organization_id].number,
        )
        for (category_id, organization_id), people in concerned.items()
        if categories[category_id].published or organizations[organization_id].kind is OrganizationKind.STATE
    ]
    notify_all(notices, session=session, now=now)


def _certifiers(category_ids: set[int], session: Session) -> dict[tuple[int, int], list[int]]:
    query = sa.select(Member.category_id, Member.organization_id, Member.person_id).where(
        Member.category_id.in_(category_ids), Member.role == CategoryRole.CERTIFIER, Member.removed_at.is_(None)
    )
    found: dict[tuple[int, int], list[int]] = {}
    for category_id, organization_id, certifier in session.execute(query):
        found.setdefault((category_id, organization_id), []).append(certifier)
    return found
