"""Making and changing categories. Their members: `membership`; a category from YAML: `import_categories`."""

import datetime
from typing import Any

import pydantic
import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.live_events import live_events_of
from certification_lib.categories.membership import add_member, change_member, remove_member
from certification_lib.categories.models import Category, Level, Member
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.csv_files import ImportResult
from certification_lib.people.directory import OrganizationLine, open_organizations
from certification_lib.people.models import OrganizationKind, Tool
from certification_lib.people.queries import district_administrators, state_day
from certification_lib.people.service import lock_imports, require

__all__ = [
    "add_member",
    "change_category",
    "change_member",
    "create_category",
    "delete_category",
    "import_categories",
    "publish_category",
    "remove_member",
]


def create_category(name: str, level: Level, *, session: Session, actor: Actor, now: datetime.datetime) -> Category:
    """A new active category that districts do not see yet."""
    require(Tool.CERTIFICATION_CATEGORY, "A", session=session, actor=actor)
    category = Category(name=_usable_name(name, None, session), level=level, active=True, published=False)
    session.add(category)
    session.flush()  # gives the id
    record("category:create", category.name, session=session, actor=actor, now=now, details={"level": level})
    return category


def change_category(
    category_id: int,
    *,
    name: str | None = None,
    level: Level | None = None,
    active: bool | None = None,
    published: bool | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Category:
    """Change what is given. Deactivating needs the right Delete, everything else Write.

    A category of a live event cannot be deactivated, unpublished or change its level; the message names the events.
    """
    category = _locked(category_id, session)
    wanted = {"name": name, "level": level, "active": active, "published": published}
    changes = {
        field: value for field, value in wanted.items() if value is not None and getattr(category, field) != value
    }
    require(Tool.CERTIFICATION_CATEGORY, _needed(changes), session=session, actor=actor)
    if "name" in changes:
        changes["name"] = _usable_name(str(changes["name"]), category, session)
    _refuse_while_live(category, changes, session)
    if "level" in changes and _has_members(category, session):
        raise Conflict(f"{category.name} has members already; its level stays {category.level}.")
    for field, value in changes.items():
        setattr(category, field, value)
    session.flush()  # a name taken at the same moment shows here
    if changes.get("published"):
        _tell_to_name_people(category, session=session, now=now)
    if changes:
        record("category:change", category.name, session=session, actor=actor, now=now, details=changes)
    return category


def publish_category(category_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> Category:
    """Publish a category down: District Administrators and contacts are told to name their people."""
    category = _locked(category_id, session)
    if category.published:
        raise Conflict(f"{category.name} is already published.")
    if not category.active:
        raise Conflict(f"{category.name} is not active.")
    return change_category(category_id, published=True, session=session, actor=actor, now=now)


def delete_category(category_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Delete a category that was made by mistake. One that has ever had members or events is deactivated instead."""
    require(Tool.CERTIFICATION_CATEGORY, "D", session=session, actor=actor)
    category = _locked(category_id, session)
    _refuse_while_live(category, {"active": False}, session)
    try:
        with session.begin_nested():
            session.delete(category)
            session.flush()  # foreign keys of members and events speak here
    except sa.exc.IntegrityError:
        raise Conflict(f"{category.name} has members or events; deactivate it instead.") from None
    record("category:delete", category.name, session=session, actor=actor, now=now)


class CategoryContent(pydantic.BaseModel):
    """A category as it is written in YAML."""

    model_config = pydantic.ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str
    level: Level
    active: bool = True
    published: bool = False


def import_categories(yaml_text: str, *, session: Session, actor: Actor, now: datetime.datetime) -> ImportResult:
    """Add and change categories from YAML (`categories:` with name, level, active, published), all or nothing."""
    require(Tool.CERTIFICATION_CATEGORY, "WA", session=session, actor=actor)
    lock_imports(session)
    added, changed = 0, 0
    contents = _parse(yaml_text)
    existing = {category.name: category for category in session.scalars(sa.select(Category).with_for_update())}
    published = []
    for content in contents:
        category = existing.get(content.name)
        if category is None:
            category = Category(**content.model_dump())
            session.add(category)
            added += 1
            published += [category] if content.published else []
            continue
        changes = {field: value for field, value in content.model_dump().items() if getattr(category, field) != value}
        _refuse_while_live(category, changes, session)
        if "level" in changes and _has_members(category, session):
            raise Conflict(f"{category.name} has members already; its level stays {category.level}.")
        for field, value in changes.items():
            setattr(category, field, value)
        changed += bool(changes)
        published += [category] if changes.get("published") else []
    session.flush()  # the messages below name the categories by id
    for category in published:
        _tell_to_name_people(category, session=session, now=now)
    result = ImportResult(added, changed, len(contents) - added - changed)
    details = {"added": added, "changed": changed, "unchanged": result.unchanged}
    record("category:import", "Certification categories", session=session, actor=actor, now=now, details=details)
    return result


def _parse(yaml_text: str) -> list[CategoryContent]:
    try:
        document = yaml.safe_load(yaml_text)
    except yaml.YAMLError:
        raise BadInput("The file of categories is not YAML.") from None
    items = document.get("categories") if isinstance(document, dict) else None
    if not isinstance(items, list) or not items:
        raise BadInput("The file of categories has no list under `categories:`.")
    contents, problems = [], []
    for number, item in enumerate(items, start=1):
        try:
            contents.append(CategoryContent.model_validate(item))
        except pydantic.ValidationError as error:
            problems += [
                f"category {number}: {'.'.join(str(part) for part in found['loc']) or 'it'}: {found['msg']}"
                for found in error.errors()
            ]
    names = [content.name for content in contents]
    problems += [f"category {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += ["a category has no name" for name in names if not name]
    if problems:
        raise BadInput("The file of categories has problems; nothing was imported.", problems=problems)
    return contents


def _locked(category_id: int, session: Session) -> Category:
    category = session.get(Category, category_id, with_for_update=True, populate_existing=True)
    if category is None:
        raise NotFound("There is no such certification category.")
    return category


def _needed(changes: dict[str, Any]) -> str:
    letters = "D" if changes.get("active") is False else ""
    return letters if letters and len(changes) == 1 else f"W{letters}"


def _usable_name(name: str, category: Category | None, session: Session) -> str:
    name = name.strip()
    if not name:
        raise BadInput("Name is empty.")
    other = session.scalar(sa.select(Category).where(Category.name == name))
    if other is not None and other is not category:
        raise Conflict(f"There is already a category called {name}.")
    return name


def _refuse_while_live(category: Category, changes: dict[str, Any], session: Session) -> None:
    refused = {
        "active": ("be deactivated", changes.get("active") is False),
        "published": ("be unpublished", changes.get("published") is False),
        "level": ("change its level", "level" in changes),
    }
    verbs = [verb for verb, asked in refused.values() if asked]
    if not verbs:
        return
    events = live_events_of([category.id], session=session).get(category.id)
    if events:
        raise Conflict(f"{category.name} cannot {' or '.join(verbs)} while it is used by: {', '.join(events)}.")


def _has_members(category: Category, session: Session) -> bool:
    query = sa.select(Member.id).where(Member.category_id == category.id, Member.removed_at.is_(None)).limit(1)
    return session.scalar(query) is not None


def _tell_to_name_people(category: Category, *, session: Session, now: datetime.datetime) -> None:
    leas = open_organizations(OrganizationKind.LEA, state_day(now, session=session), session=session)
    administrators = district_administrators([lea.id for lea in leas], session=session)
    notify_all(
        [_notice(category, lea, [p.id for p in administrators.get(lea.id, [])], now) for lea in leas],
        session=session,
        now=now,
    )


def _notice(category: Category, lea: OrganizationLine, people: list[int], now: datetime.datetime) -> Notice:
    contact = [lea.contact_email] if lea.contact_email else []
    return Notice(
        fact=f"category-published:{category.id}:{lea.id}:{now.isoformat()}",
        kind="category_published",
        receivers=[*people, *contact],
        subject=f"Name your people: {category.name}",
        text=(
            f"The state has published the certification category {category.name}.\n\n"
            f"Please name the people of {lea.name} who certify (Certifier) and who may review (Reviewer). "
            "Every listed Certifier must submit on every event of the category."
        ),
        path="/certification/",
        organization_number=lea.number,
    )
