"""One person of every role, two districts, and something of each kind that one of them must not see."""

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.categories.models import Category, Level
from certification_lib.certification.models import Round, RuleWork, Submission, Timeliness
from certification_lib.database import transaction
from certification_lib.events.models import Event, EventStatus, Participant
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization, OrganizationKind, PersonRole, Role
from certification_lib.rulebook.models import Rule
from certification_lib.snapshots.models import Revision
from tests.certification_ui.site import fill, open_window, shared_site
from tests.certification_ui.trying import give_rows
from tests.factories import World
from tests.factories.world import LONG_AGO

# Domain section 2: what each role brings or must hold. None of it is read from the product.
_STATE_TOOLS = (
    "Event Management", "Certification Category", "Validation Rules", "Event Report", "People and Rights",
    "Organizations", "Audit",
)  # fmt: skip
_OF_DISTRICT = {"Certification Event": "RWAD", "Certification Category (district)": "RWAD"}
HELD: dict[str, dict[str, str]] = {
    "approver": {"Event Management": "RWAD", "Event Report": "RWAD"},
    "statereviewer": {"Event Management": "RW", "Event Report": "RW"},
    "administrator": {
        "People and Rights": "RWAD", "Organizations": "RWAD", "Certification Category": "RWAD",
        "Validation Rules": "RWAD", "Audit": "R",
    },
    "auditor": dict.fromkeys(_STATE_TOOLS, "R"),
    "smith": _OF_DISTRICT,
    "brown": _OF_DISTRICT,
    "head": {"Certification Event": "R", "Certification Category (district)": "RWAD"},
    "clerk": {},
}  # fmt: skip
SHARED, THEIRS, HIDDEN, OVER = "fall-enrollment-count-2016-17", "barren-alone", "not-published", "closed-for-good"
SCHOOLS = "fall-count-of-schools"
SECRETS = ("700400999", "Barren", "Green", "a secret note")


def arrange(_: object, engine: sa.Engine) -> None:
    """Adair County (001) has smith, jones, brown and head; Barren County (005) has green, and everything secret."""
    fill(engine)
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session, world.level = session, Level.DISTRICT
        adair, barren = (_organization(session, number) for number in ("001", "005"))
        state = session.scalars(sa.select(Organization).where(Organization.kind == OrganizationKind.STATE)).one()
        world.category = session.scalars(sa.select(Category)).one()
        for username, role, place in (
            ("administrator", Role.ADMINISTRATOR, state),
            ("auditor", Role.AUDITOR, state),
            ("head", Role.DISTRICT_ADMINISTRATOR, adair),
        ):
            session.add(PersonRole(person_id=world.person(username).id, role=role, organization_id=place.id))
        world.person("clerk")
        world.school("005010", barren, "Barren High School")
        window: dict[str, Any] = open_window()
        named = {"name": "Barren alone"}
        world.event([barren], key=THEIRS, **window, **named)
        world.event([adair, barren], key=HIDDEN, status=EventStatus.UNPUBLISHED, **window, **named)
        world.event([adair, barren], key=OVER, status=EventStatus.CLOSED, **window, name="Closed for good")
        session.add(Category(name="Barren only, not published", level=Level.DISTRICT, active=True, published=False))
        for username, district in (("smith", adair), ("green", barren)):
            _signed(world, username, district)
        rule = session.scalars(sa.select(Rule).order_by(Rule.id)).first()
        shared = session.scalars(sa.select(Event).where(Event.key == SHARED)).one()
        assert rule is not None
        for district, note in ((adair, "ours"), (barren, "a secret note")):
            participant = world.participant(shared, district)
            work = RuleWork(participant_id=participant.id, rule_id=rule.id, note=note, changed_at=LONG_AGO)
            work.changed_by = "system"
            session.add(work)
    give_rows(engine)


def add_schools(engine: sa.Engine) -> None:
    """smith certifies the schools of Adair County too, in an event of their own."""
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session, world.level = session, Level.SCHOOL
        adair = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
        world.category = Category(name="Schools", level=Level.SCHOOL, active=True, published=True)
        session.add(world.category)
        session.flush()
        schools = [world.school(f"0019{place:02}", adair, f"Adair School {place}") for place in range(3)]
        world.certifier("smith", adair)
        event = world.event(schools, key=SCHOOLS, name="Fall count of schools", **open_window())
        for school in schools[:2]:
            world.revision(world.participant(event, school), school.number)


def _organization(session: Session, number: str) -> Organization:
    return session.scalars(sa.select(Organization).where(Organization.number == number)).one()


def _signed(world: World, username: str, district: Organization) -> None:
    """A submission, with its receipt, in the event that is closed, and a message."""
    session = world.session
    person = world.person(username)
    participant = session.scalars(
        sa.select(Participant)
        .join(Event, Event.id == Participant.event_id)
        .where(Event.key == OVER, Participant.organization_id == district.id)
    ).one()
    started = session.scalars(sa.select(Round).where(Round.participant_id == participant.id)).one()
    session.add(
        Submission(
            round_id=started.id, person_id=person.id, username=username, person_name=person.name,
            person_title="Superintendent", organization_number=district.number, organization_name=district.name,
            statement="I certify.", statement_version=1, submitted_at=LONG_AGO, timeliness=Timeliness.ON_TIME,
            channel=Channel.PAGE, row_counts={}, findings={}, rules_set_aside=[], digest=f"{person.id}" * 64,
        )
    )  # fmt: skip
    session.add(
        Message(
            fact=f"told:{username}", kind="message_from_state", person_id=person.id,
            event_key=THEIRS if username == "green" else OVER,
            subject=f"To {person.name}", text="a secret note" if username == "green" else "a note",
            path="/certification/", created_at=LONG_AGO,
            mail_message_id=f"<{username}@example.org>",
        )
    )  # fmt: skip


def routes() -> list[APIRoute]:
    return [route for route in shared_site().state.pages.routes if isinstance(route, APIRoute)]


def calls(dependant: Dependant) -> Iterator[object]:
    """Everything a route depends on."""
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def address(route: APIRoute, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values[found.group(1)], route.path)


def sent_to(route: APIRoute, number: str = "001") -> dict[str, Any]:
    """Something to send: JSON by the schema of the route's body, or every field that a form of ours might hold."""
    if min(route.methods) == "GET":
        return {}
    if "/api/" not in route.path:
        return {"data": {**_FIELDS, "number": number, "participant": number}}
    if route.body_field is None:
        return {}
    annotation: Any = route.body_field.field_info.annotation
    fields = getattr(annotation, "model_fields", {})
    json = {name: _value(name, str(one.annotation), number) for name, one in fields.items() if one.is_required()}
    return {"json": json}


_DAY = (datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=5)).isoformat()
_FIELDS = {
    "reason": "Because", "comment": "Because", "text": "Because", "name": "Pat Smith", "title": "Superintendent",
    "revision": "1", "digest": "0" * 64, "statement_version": "1", "due_date": _DAY, "accept": "yes", "note": "x",
    "confirmed": "", "rule": "ENR-001", "search": "7004", "outcome": "No issues", "assigned_to": "", "role": "Reviewer",
    "username": "jones",
}  # fmt: skip
_BY_NAME: dict[str, Callable[[str], Any]] = {
    "participants": lambda number: [number],
    "due_date": lambda _: _DAY,
    "digest": lambda _: "0" * 64,
    "accept": lambda _: True,
    "outcome": lambda _: "No issues",
    "role": lambda _: "Reviewer",
    "kind": lambda _: "state",
}


def _value(name: str, annotation: str, number: str) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name](number)
    if "int" in annotation:
        return 1
    if "bool" in annotation:
        return True
    return ["x"] if "list" in annotation else "x"


def ids(engine: sa.Engine, username: str, number: str) -> dict[str, str]:
    """What the parameters of routes may name that belongs to this district, by the name of the parameter."""
    with Session(engine) as session:
        one = {
            "receipt_id": sa.select(Submission.id).where(Submission.username == username),
            "message_id": sa.text("select m.id from certification.message m join certification.person p"
                                  " on p.id = m.person_id where p.username = :who order by m.id limit 1"),
            "member_id": sa.text("select m.id from certification.category_member m join certification.person p"
                                 " on p.id = m.person_id where p.username = :who"),
            "snapshot_id": sa.text("select r.snapshot_id from certification.revision r join certification.participant p"
                                   " on p.id = r.participant_id where p.organization_number = :number limit 1"),
            "run_id": sa.text("select v.validation_run_id from certification.validation_result v"
                              " join certification.revision r on r.id = v.revision_id join certification.participant p"
                              " on p.id = r.participant_id where p.organization_number = :number limit 1"),
            "digest": sa.text("select r.digest from certification.revision r join certification.participant p"
                              " on p.id = r.participant_id where p.organization_number = :number limit 1"),
            "revision": sa.select(Revision.id).join(Participant, Participant.id == Revision.participant_id).where(
                Participant.organization_number == number).limit(1),
        }  # fmt: skip
        found: dict[str, str] = {}
        for name, statement in one.items():
            parameters = {"who": username, "number": number} if isinstance(statement, sa.TextClause) else {}
            wanted = {key: value for key, value in parameters.items() if f":{key}" in str(statement)}
            found[name] = str(session.scalars(statement, wanted).first())
    return found
