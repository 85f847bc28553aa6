"""A published event of two districts on the day its window is open."""

import datetime
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.certification import service
from certification_lib.certification.attestation import Attestation
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.models import Submission
from certification_lib.certification.rules import participant_status
from certification_lib.events.models import Event, EventVersion, Participant, ParticipantStatus
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization
from certification_lib.snapshots.models import Revision
from tests.factories import World

NOON = datetime.datetime(2016, 10, 5, 16, 0, tzinfo=datetime.UTC)


@dataclass
class Office:
    """Adair County (superintendent smith, second certifier jones, reviewer brown) and Barren County (green)."""

    session: Session
    world: World
    adair: Organization
    barren: Organization
    smith: Actor
    jones: Actor
    brown: Actor
    green: Actor
    approver: Actor
    state_reviewer: Actor
    event: Event
    now: datetime.datetime = field(default=NOON)

    @property
    def key(self) -> str:
        return self.event.key

    @property
    def version(self) -> EventVersion:
        return self.world.version(self.event)

    @property
    def participant(self) -> Participant:
        return self.world.participant(self.event, self.adair)

    @property
    def status(self) -> ParticipantStatus:
        """The stored status, which must always be the derived one."""
        status = self.participant.status
        assert status == participant_status(self.state.facts)
        return status

    @property
    def state(self) -> State:
        self.session.flush()
        return load_states([self.participant.id], session=self.session)[0]

    def act(self, actor: Actor, **changes: Any) -> dict[str, Any]:
        return {"session": self.session, "actor": actor, "now": changes.get("now", self.now)}

    def shown(self, number: str = "001", **changes: Any) -> Attestation:
        """An attestation of what is current."""
        revision = self.session.scalar(
            sa.select(Revision)
            .join(Participant, Participant.current_revision_id == Revision.id)
            .where(Participant.event_id == self.event.id, Participant.organization_number == number)
        )
        values: dict[str, Any] = {
            "revision": revision.number if revision else None,
            "digest": revision.digest if revision else None,
            "statement_version": self.version.statement_version,
            "name": "Pat Smith",
            "title": "Superintendent",
            "reason_without_change": "We checked: it was right",
            **changes,
        }
        return Attestation(**values)

    def submit(self, actor: Actor, number: str = "001", **changes: Any) -> Submission:
        act = self.act(actor, **{name: changes.pop(name) for name in ("now",) if name in changes})
        return service.submit(self.key, number, self.shown(number, **changes), **act)

    def send(self) -> None:
        """Everybody of Adair County certifies."""
        self.submit(self.smith)
        self.submit(self.jones)

    def approve(self, **arguments: Any) -> service.BulkOutcome:
        return service.approve(self.key, ["001"], **arguments, **self.act(self.approver))

    def messages(self, kind: str | None = None) -> list[Message]:
        self.session.flush()
        query = sa.select(Message).where(Message.event_key == self.key).order_by(Message.id)
        return list(self.session.scalars(query.where(Message.kind == kind) if kind else query))

    def told(self, kind: str) -> set[str]:
        """Usernames of those who were told."""
        people = {actor.person_id: actor.username for actor in self.people()}
        return {people.get(message.person_id, f"person {message.person_id}") for message in self.messages(kind)}

    def people(self) -> tuple[Actor, ...]:
        return self.smith, self.jones, self.brown, self.green, self.approver, self.state_reviewer

    def audit(self) -> list[str]:
        return list(self.session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)))


def make_office(session: Session, *, with_data: bool = True, **event: Any) -> Office:
    world = World(session)
    adair, barren = world.lea("001", "Adair County"), world.lea("005", "Barren County")
    office = Office(
        session=session,
        world=world,
        adair=adair,
        barren=barren,
        smith=world.certifier("smith", adair),
        jones=world.certifier("jones", adair),
        brown=world.district_reviewer("brown", adair),
        green=world.certifier("green", barren),
        approver=world.approver(),
        state_reviewer=world.state_reviewer(),
        event=world.event([adair, barren], **event),
    )
    if with_data and event.get("requires_snapshot", True) and office.event.live_version_id is not None:
        world.revision(office.participant, "adair")
        world.revision(world.participant(office.event, barren), "barren")
    return office


@pytest.fixture
def office(session: Session) -> Office:
    return make_office(session)
