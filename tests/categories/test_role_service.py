"""Roles by hand, what a District Administrator may do, and the lists people are found in."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.categories.administering import administered_lea, person_of_lea
from certification_lib.categories.organization_members import (
    Naming,
    OrganizationMembersFilter,
    categories_for_lea,
    memberships_of,
    naming_counts,
    organization_members,
    organization_members_count,
)
from certification_lib.categories.people_service import add_person, change_person, set_rights
from certification_lib.categories.role_service import give_role, set_role_rights, take_role
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.people.listing import (
    OrganizationFilter,
    PeopleFilter,
    organization_count,
    organization_detail,
    organization_list,
    people_count,
    people_list,
    places_in_use,
)
from certification_lib.people.models import Organization, OrganizationKind, PersonRole, Role, Tool
from certification_lib.people.queries import holds, rights_of_people
from certification_lib.people.rules import ROLE_RIGHTS
from certification_lib.people.service import change_organization
from tests.factories import OPENING, World


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    world.adair = world.lea("001", "Adair County", county="Adair")  # type: ignore[attr-defined]
    world.barren = world.lea("005", "Barren County", county="Barren")  # type: ignore[attr-defined]
    return world


def keywords(world: World, actor: Actor) -> dict[str, object]:
    return {"session": world.session, "actor": actor, "now": OPENING}


def clerk(world: World, letters: str = "RWAD") -> Actor:
    person = world.person("clerk")
    world.give(person, Tool.PEOPLE_AND_RIGHTS, letters)
    world.give(person, Tool.ORGANIZATIONS, letters)
    return world.actor(person)


def administrator(world: World, lea: Organization) -> Actor:
    person = world.person("chief", employing_organization_id=lea.id)
    world.session.add(PersonRole(person_id=person.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=lea.id))
    world.session.flush()
    return world.actor(person)


@pytest.mark.parametrize("role", list(Role))
def test_who_is_given_a_role_holds_what_the_role_brings_and_no_more(world: World, role: Role) -> None:
    number = "001" if role is Role.DISTRICT_ADMINISTRATOR else None
    person = world.person("smith")
    act = keywords(world, clerk(world))
    give_role("smith", role, organization_number=number, **act)
    held = rights_of_people([person.id], session=world.session)[person.id]
    assert {tool: rights for (tool, _), rights in held.items()} == dict(ROLE_RIGHTS[role])
    with pytest.raises(Conflict, match="already"):
        give_role("smith", role, organization_number=number, **act)
    take_role("smith", role, organization_number=number, **act)
    assert rights_of_people([person.id], session=world.session)[person.id] == {}
    with pytest.raises(Conflict, match="already no"):
        take_role("smith", role, organization_number=number, **act)
    acts = world.session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["role:give", "role:take"]


@pytest.mark.parametrize(
    ("letters", "username", "role", "number", "error", "words"),
    [
        ("RWD", "smith", Role.AUDITOR, None, NotAllowed, "the right Add on People and Rights"),
        ("RWAD", "clerk", Role.ADMINISTRATOR, None, NotAllowed, "Nobody changes his own role"),
        ("RWAD", "smith", Role.AUDITOR, "001", BadInput, "takes no organization"),
        ("RWAD", "smith", Role.DISTRICT_ADMINISTRATOR, None, BadInput, "Name the LEA"),
        ("RWAD", "smith", Role.DISTRICT_ADMINISTRATOR, "KY", BadInput, "is no LEA"),
        ("RWAD", "gone", Role.AUDITOR, None, Conflict, "not active"),
        ("RWAD", "nobody", Role.AUDITOR, None, NotFound, "no person"),
    ],
)
def test_a_role_is_refused(
    *, world: World, letters: str, username: str, role: Role, number: str | None, error: type[Exception], words: str
) -> None:
    world.person("smith")
    world.person("gone").active = False
    with pytest.raises(error, match=words):
        give_role(username, role, organization_number=number, **keywords(world, clerk(world, letters)))


def test_a_role_can_hold_rights_beyond_its_own(world: World) -> None:
    auditor, act = world.person("auditor"), keywords(world, clerk(world))
    give_role("auditor", Role.AUDITOR, **act)
    set_role_rights(Role.AUDITOR, Tool.EVENT_REPORT, "RW", **act)
    assert holds(Tool.EVENT_REPORT, "RW", session=world.session, person_id=auditor.id)
    set_role_rights(Role.AUDITOR, Tool.EVENT_REPORT, "", **act)
    assert not holds(Tool.EVENT_REPORT, "W", session=world.session, person_id=auditor.id)
    with pytest.raises(BadInput, match="the other side"):
        set_role_rights(Role.AUDITOR, Tool.CERTIFICATION_EVENT, "R", **act)
    world.give(auditor, Tool.PEOPLE_AND_RIGHTS, "RWAD")
    with pytest.raises(NotAllowed, match="his own rights"):
        set_role_rights(Role.AUDITOR, Tool.EVENT_REPORT, "D", **keywords(world, world.actor(auditor)))


def test_the_last_approver_of_a_live_event_keeps_the_role_that_makes_him_one(world: World) -> None:
    approver = world.approver("first")
    world.event([world.barren], name="Fall Count")  # type: ignore[attr-defined]
    person = world.person("first")
    world.give(person, Tool.EVENT_REPORT, "")
    act = keywords(world, clerk(world))
    set_role_rights(Role.AUDITOR, Tool.EVENT_REPORT, "RWAD", **act)
    give_role("first", Role.AUDITOR, **act)
    with pytest.raises(Conflict, match="Fall Count"):
        take_role(approver.username, Role.AUDITOR, **act)
    with pytest.raises(Conflict, match="Fall Count"):
        set_role_rights(Role.AUDITOR, Tool.EVENT_REPORT, "R", **act)


def test_a_district_administrator_adds_and_corrects_the_people_of_his_own_lea_only(world: World) -> None:
    chief = administrator(world, world.adair)  # type: ignore[attr-defined]
    act = keywords(world, chief)
    made = add_person("newcomer", "New Comer", organization_number="001", **act)
    assert change_person("newcomer", title="Clerk", **act).title == "Clerk"
    set_rights("newcomer", Tool.CERTIFICATION_EVENT, "RWAD", organization_number="001", **act)
    for number in ("005", None, "KY"):
        with pytest.raises(NotAllowed, match="the right Add"):
            add_person("other", "Other", organization_number=number, **act)
    with pytest.raises(NotAllowed, match="the right Delete"):
        change_person("newcomer", active=False, **act)
    with pytest.raises(NotAllowed, match="the right Write"):
        change_person("newcomer", organization_number="005", **act)
    with pytest.raises(NotFound):
        set_rights("newcomer", Tool.CERTIFICATION_EVENT, "R", organization_number="005", **act)
    # As soon as he has something elsewhere, he is no longer the one district's to change.
    world.give(made, Tool.CERTIFICATION_EVENT, "R", world.barren)  # type: ignore[attr-defined]
    with pytest.raises(NotAllowed, match="the right Write"):
        change_person("newcomer", email="x@example.org", **act)


def test_a_district_administrator_sees_the_people_of_his_own_lea_only(world: World) -> None:
    chief = administrator(world, world.adair)  # type: ignore[attr-defined]
    world.certifier("smith", world.adair)  # type: ignore[attr-defined]
    world.certifier("green", world.barren)  # type: ignore[attr-defined]
    lea = administered_lea("001", session=world.session, actor=chief)
    assert person_of_lea("smith", lea.organization_id, session=world.session).username == "smith"
    with pytest.raises(NotFound):
        person_of_lea("green", lea.organization_id, session=world.session)
    with pytest.raises(NotFound):
        administered_lea("005", session=world.session, actor=chief)
    found = people_list(PeopleFilter(organization_id=lea.organization_id), session=world.session)
    assert [one.username for one in found] == ["chief", "smith"]
    seen = categories_for_lea(lea.organization_id, chief.person_id or 0, session=world.session, administers=True)
    assert seen == [world.category]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (PeopleFilter(), ["Anna", "Berta", "Carl"]),
        (PeopleFilter(search="ERT"), ["Berta"]),
        (PeopleFilter(search="carl@"), []),
        (PeopleFilter(search="100%"), []),
        (PeopleFilter(without_email=True), ["Carl"]),
        (PeopleFilter(active=False), ["Gone"]),
        (PeopleFilter(role=Role.AUDITOR), ["Anna"]),
    ],
)
def test_people_are_found(world: World, where: PeopleFilter, found: list[str]) -> None:
    auditor = world.person("anna")
    world.session.add(PersonRole(person_id=auditor.id, role=Role.AUDITOR, organization_id=world.state.id))
    world.person("berta")
    world.person("carl", email="carl at example")
    world.person("gone").active = False
    world.session.flush()
    rows = people_list(where, session=world.session)
    assert [one.name for one in rows] == found
    assert people_count(where, session=world.session) == len(found)
    assert [one.has_email for one in rows] == [one.name != "Carl" for one in rows]


def test_organizations_are_found_and_shown_with_what_belongs_to_them(world: World) -> None:
    session, day = world.session, OPENING.date()
    old = world.lea("009", "Old County", closed=day.replace(year=2015), merged_into_id=world.adair.id)  # type: ignore[attr-defined]
    world.school("001010", world.adair)  # type: ignore[attr-defined]

    def numbers(where: OrganizationFilter) -> list[str]:
        rows = organization_list(where, day, session=session)
        assert organization_count(where, day, session=session) == len(rows)
        return [one.number for one in rows]

    leas = OrganizationFilter(kind=OrganizationKind.LEA)
    assert numbers(leas) == ["001", "005"]
    assert numbers(OrganizationFilter(closed=True)) == ["009"]
    assert numbers(OrganizationFilter(search="county", county="Barren")) == ["005"]
    assert numbers(OrganizationFilter(search="0010")) == ["001010"]
    assert places_in_use(session=session)[0] == ["Adair", "Barren"]
    adair = organization_detail("001", session=session)
    assert [one.number for one in adair.schools] == ["001010"]
    assert list(adair.merged_from) == [old]
    gone = organization_detail("009", session=session)
    assert gone.merged_into is not None
    assert gone.merged_into.number == "001"
    assert [one.number for one in organization_detail("001010", session=session).agencies] == ["001"]


def test_contact_and_time_zone_of_an_organization_are_changed_by_hand(world: World) -> None:
    act = keywords(world, clerk(world))
    changed = change_organization("001", contact_name=" Pat ", contact_email="pat@example.org", time_zone="", **act)
    assert (changed.contact_name, changed.contact_email, changed.time_zone) == ("Pat", "pat@example.org", None)
    with pytest.raises(BadInput) as refused:
        change_organization("001", contact_email="pat", time_zone="Mars/Phobos", **act)
    assert len(refused.value.problems) == 2
    with pytest.raises(BadInput, match="the legal one"):
        change_organization("KY", time_zone="", **act)
    with pytest.raises(BadInput, match="by hand"):
        change_organization("001", name="Other", **act)
    with pytest.raises(NotAllowed, match="the right Write on Organizations"):
        change_organization("001", contact_name="X", **keywords(world, clerk(world, "RAD")))


def test_the_members_of_a_category_are_listed_by_organization_also_where_nobody_is_named(world: World) -> None:
    session, day, category = world.session, OPENING.date(), world.category.id
    world.certifier("smith", world.adair)  # type: ignore[attr-defined]
    brown = world.district_reviewer("brown", world.barren)  # type: ignore[attr-defined]
    world.person("brown").email = None
    world.lea("009", "Nobody County")
    world.lea("010", "Closed County", closed=day.replace(year=2015))

    def numbers(**asked: object) -> list[str]:
        where = OrganizationMembersFilter(**asked)  # type: ignore[arg-type]
        rows = organization_members(category, where, day, session=session)
        assert organization_members_count(category, where, day, session=session) == len(rows)
        return [one.number for one in rows]

    assert numbers() == ["001", "005", "009"]
    assert numbers(naming=Naming.NAMED) == ["001"]
    assert numbers(naming=Naming.NO_CERTIFIER) == ["005", "009"]
    assert numbers(naming=Naming.NOBODY) == ["009"]
    assert numbers(naming=Naming.NO_EMAIL) == ["005"]
    assert numbers(search="brow") == ["005"]
    assert numbers(county="Adair") == ["001"]
    assert naming_counts(category, day, session=session)[Naming.NO_CERTIFIER] == 2
    rows = organization_members(category, OrganizationMembersFilter(), day, session=session)
    assert [[member.name for member in one.members] for one in rows] == [["Smith"], ["Brown"], []]
    assert [one.has_certifier for one in rows] == [True, False, False]
    [listed] = memberships_of(brown.person_id or 0, session=session)
    assert (listed.category, listed.role, listed.organization_number) == (world.category.name, "Reviewer", "005")
