"""`certify roles sync`: Airflow accounts for our people. What somebody may do stays in our own tables.

District people get a role that can see nothing of Airflow; state staff may look at it. Accounts carry an address that
cannot receive mail: Airflow wants addresses to be unique, district offices share theirs.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.database import make_engine, transaction
from certification_lib.errors import Conflict, NotAllowed
from certification_lib.people.models import Person
from certification_lib.people.queries import rights_of_people
from certification_lib.people.rules import STATE_TOOLS
from certification_lib.settings import Settings, load_settings

if TYPE_CHECKING:
    from airflow.providers.fab.auth_manager.models import Role

DISTRICT_ROLE = "Certification District"
STATE_ROLE = "Certification State"
VIEWER_ROLE = "Viewer"
# A role without any permission is legal, but nobody could tell what it is for.
DISTRICT_PERMISSION = ("can_enter", "Certification")
STATE_PERMISSIONS = (DISTRICT_PERMISSION, ("can_read", "Plugins"))
_NO_MAILBOX = "accounts.invalid"
_BATCH = 1000


@dataclass(frozen=True)
class Account:
    """What Airflow needs to know of a person."""

    username: str
    name: str
    state_staff: bool


@dataclass(frozen=True)
class SyncedAccounts:
    """What `sync_accounts` did."""

    people: int
    created: int

    def __str__(self) -> str:
        return f"{self.people} people, {self.created} new accounts"


def sync_accounts(*, demo_password: str | None = None, settings: Settings | None = None) -> SyncedAccounts:
    """Make the roles and accounts that are missing; accounts that exist keep their password and further roles.

    Without a password nobody can sign in with one: a site's single sign-on or an administrator gives access. One
    password for all is for the demo's state folder only.
    """
    settings = settings or load_settings()
    if demo_password is not None and not settings.demo:
        raise NotAllowed("One password for all accounts is allowed in the state folder of `certify demo` only.")
    certification = make_engine(settings.url("certification_task"))
    try:
        with transaction(certification) as session:
            accounts = accounts_wanted(session)
    finally:
        certification.dispose()
    _use_airflow_of(settings)
    metadata = make_engine(settings.url("airflow"))
    try:
        with transaction(metadata) as session:
            return SyncedAccounts(people=len(accounts), created=_make_missing(accounts, demo_password, session))
    finally:
        metadata.dispose()


def accounts_wanted(session: Session) -> list[Account]:
    """Every active person; state staff are those with a right on a tool of the state's side."""
    people = session.scalars(sa.select(Person).where(Person.active).order_by(Person.username)).all()
    held = rights_of_people([person.id for person in people], session=session)
    return [
        Account(
            person.username,
            person.name,
            state_staff=any(tool in STATE_TOOLS and rights for (tool, _), rights in held[person.id].items()),
        )
        for person in people
    ]


def _use_airflow_of(settings: Settings) -> None:
    """On a command line nobody has told Airflow where it lives; importing it would make a home in the user's folder."""
    os.environ.setdefault("AIRFLOW_HOME", str(settings.state_folder / "airflow"))
    os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", settings.url("airflow"))


def _make_missing(accounts: Sequence[Account], demo_password: str | None, session: Session) -> int:
    viewer, state, district = _roles(session)
    created = _insert_accounts(accounts, _hashed(demo_password), session)
    _give([account.username for account in accounts if account.state_staff], [viewer, state], session)
    _give([account.username for account in accounts if not account.state_staff], [district], session)
    return created


def _roles(session: Session) -> tuple["Role", "Role", "Role"]:
    from airflow.providers.fab.auth_manager.models import Role

    found = {role.name: role for role in session.scalars(sa.select(Role)).unique()}
    if VIEWER_ROLE not in found:
        raise Conflict("Airflow has no role Viewer yet: start it once, then call `certify roles sync` again.")
    for name in (STATE_ROLE, DISTRICT_ROLE):
        if name not in found:
            found[name] = Role(name=name)
            session.add(found[name])
    _allow(found[STATE_ROLE], STATE_PERMISSIONS, session)
    _allow(found[DISTRICT_ROLE], [DISTRICT_PERMISSION], session)
    session.flush()  # the accounts below are inserted in bulk and need the ids of the roles
    return found[VIEWER_ROLE], found[STATE_ROLE], found[DISTRICT_ROLE]


def _allow(role: "Role", permissions: Collection[tuple[str, str]], session: Session) -> None:
    from airflow.providers.fab.auth_manager.models import Action, Permission, Resource

    for action_name, resource_name in permissions:
        action = session.scalar(sa.select(Action).where(Action.name == action_name)) or Action(name=action_name)
        resource = session.scalar(sa.select(Resource).where(Resource.name == resource_name)) or Resource(
            name=resource_name
        )
        session.add_all([action, resource])
        session.flush()  # gives both their ids
        same = sa.select(Permission).where(Permission.action_id == action.id, Permission.resource_id == resource.id)
        permission = session.scalar(same) or Permission(action=action, resource=resource)
        if permission not in role.permissions:
            role.permissions.append(permission)


def _hashed(password: str | None) -> str | None:
    """One hash for all: hashing takes a fifth of a second on purpose, ten minutes for a state's people."""
    if password is None:
        return None
    from werkzeug.security import generate_password_hash

    return generate_password_hash(password, method="scrypt")


def _insert_accounts(accounts: Sequence[Account], password: str | None, session: Session) -> int:
    from airflow.providers.fab.auth_manager.models import User

    rows = [
        {
            "username": account.username,
            "first_name": account.name.rpartition(" ")[0] or account.name,
            "last_name": account.name.rpartition(" ")[2],
            "email": f"{account.username}@{_NO_MAILBOX}",
            "password": password,
            "active": True,
        }
        for account in accounts
    ]
    created = 0
    table = User.__table__
    for start in range(0, len(rows), _BATCH):
        statement = insert(table).on_conflict_do_nothing().returning(table.c.id)
        created += len(session.execute(statement, rows[start : start + _BATCH]).all())
    return created


def _give(usernames: Sequence[str], roles: Sequence["Role"], session: Session) -> None:
    from airflow.providers.fab.auth_manager.models import User, assoc_user_role

    accounts = sa.select(User.id).where(User.username == sa.any_(sa.literal(list(usernames), sa.ARRAY(sa.Text))))
    for role in roles:
        pairs = accounts.add_columns(sa.literal(role.id, sa.Integer))
        statement = insert(assoc_user_role).from_select(["user_id", "role_id"], pairs)
        session.execute(statement.on_conflict_do_nothing())
