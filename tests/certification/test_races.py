"""Two people acting at once: rows are locked, the second gets a clear "already …" answer, nothing is done twice."""

import datetime
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import CategoryRole
from certification_lib.categories.service import add_member
from certification_lib.certification import service
from certification_lib.certification.models import Approval, Round, Submission
from certification_lib.database import transaction
from certification_lib.errors import CertificationError
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.people.models import DISTRICT_TOOLS
from certification_lib.snapshots.models import Revision
from tests.certification.conftest import Office, make_office

Act = Callable[[Session], object]


@pytest.fixture
def committed(engine: sa.Engine) -> Office:
    """An office whose rows other connections see."""
    with Session(engine, expire_on_commit=False) as session:
        office = make_office(session)
        session.commit()
        return office


def race(engine: sa.Engine, *acts: Act) -> list[str]:
    """Run each in a thread and transaction of its own, released together; what refused ones were told."""
    barrier = threading.Barrier(len(acts))
    refused: list[str] = []

    def run(act: Act) -> None:
        barrier.wait(timeout=30)
        try:
            with transaction(engine) as session:
                act(session)
        except CertificationError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return refused


def in_session(session: Session, act: Callable[..., object], office: Office, *arguments: object, actor: str) -> object:
    return act(office.key, *arguments, session=session, actor=getattr(office, actor), now=office.now)


def reread(engine: sa.Engine) -> tuple[Participant, int, int]:
    with Session(engine) as session:
        participant = session.scalars(sa.select(Participant).where(Participant.organization_number == "001")).one()
        counted = [
            session.scalar(sa.select(sa.func.count()).select_from(model)) or 0 for model in (Submission, Approval)
        ]
        session.expunge_all()
    return participant, counted[0], counted[1]


def test_two_certifiers_at_once_send_it_once(engine: sa.Engine, committed: Office) -> None:
    shown = committed.shown()
    refused = race(
        engine,
        lambda session: in_session(session, service.submit, committed, "001", shown, actor="smith"),
        lambda session: in_session(session, service.submit, committed, "001", shown, actor="jones"),
    )
    participant, submissions, _ = reread(engine)
    assert refused == []
    assert submissions == 2
    assert participant.status == ParticipantStatus.SENT
    assert participant.certified_revision_id == participant.current_revision_id


def test_a_certifier_named_while_the_last_one_submits_is_waited_for(engine: sa.Engine, committed: Office) -> None:
    with Session(engine, expire_on_commit=False) as session:
        committed.world.session = session
        for tool in DISTRICT_TOOLS:
            committed.world.give(committed.world.person("wood"), tool, "RWAD", committed.adair)
        session.commit()
    shown = committed.shown()

    def submit(actor: str) -> None:
        with transaction(engine) as session:
            in_session(session, service.submit, committed, "001", shown, actor=actor)

    submit("smith")
    last = threading.Thread(target=submit, args=("jones",))
    with transaction(engine) as session:
        add_member(
            committed.world.category.id,
            "wood",
            CategoryRole.CERTIFIER,
            organization_number="001",
            session=session,
            actor=SYSTEM,
            now=committed.now,
        )
        last.start()
        last.join(timeout=2)
    last.join(timeout=30)
    assert not last.is_alive()
    assert reread(engine)[0].status == ParticipantStatus.IN_PROGRESS


def test_the_same_certifier_twice_at_once_is_recorded_once(engine: sa.Engine, committed: Office) -> None:
    shown = committed.shown()

    def submit(session: Session) -> object:
        return in_session(session, service.submit, committed, "001", shown, actor="smith")

    refused = race(engine, submit, submit)
    assert len(refused) == 1
    assert "already certified" in refused[0]
    assert reread(engine)[1] == 1


def test_two_approvers_at_once_approve_once(engine: sa.Engine, committed: Office) -> None:
    def approve(session: Session) -> object:
        return in_session(session, service.approve, committed, ["001", "005"], "Court", True, actor="approver")

    refused = race(engine, approve, approve)
    assert len(refused) == 1
    assert "already been approved" in refused[0]
    assert reread(engine)[2] == 2


def test_approve_against_sending_back_leaves_one_of_the_two(engine: sa.Engine, committed: Office) -> None:
    shown = committed.shown()
    for actor in ("smith", "jones"):
        with transaction(engine) as session:
            in_session(session, service.submit, committed, "001", shown, actor=actor)
    race(
        engine,
        lambda session: in_session(session, service.approve, committed, ["001"], actor="approver"),
        lambda session: in_session(
            session, service.request_recertification, committed, ["001"], "Wrong", actor="approver"
        ),
    )
    participant, _, approvals = reread(engine)
    # Approved first: sent back from Approved. Sent back first: approving an open one needs a tick, so it is refused.
    assert participant.status == ParticipantStatus.RECERTIFYING
    assert approvals in {0, 1}
    with Session(engine) as session:
        assert session.scalar(sa.select(sa.func.max(Round.number))) == 2


def test_snapshot_during_submit_never_certifies_what_was_not_shown(engine: sa.Engine, committed: Office) -> None:
    """The snapshot's last transaction against both signatures: whoever comes second sees the other's work."""
    shown = committed.shown()
    now = committed.now + datetime.timedelta(minutes=1)

    def snapshot(session: Session) -> None:
        participant = session.scalars(
            sa.select(Participant).where(Participant.organization_number == "001").with_for_update()
        ).one()
        office = Office(**{**committed.__dict__, "session": session})
        office.world.session = session
        revision = office.world.revision(participant, "newer")
        service.note_new_revisions([revision.id], session=session, now=now)

    race(
        engine,
        lambda session: in_session(session, service.submit, committed, "001", shown, actor="smith"),
        lambda session: in_session(session, service.submit, committed, "001", shown, actor="jones"),
        snapshot,
    )
    participant, _, _ = reread(engine)
    with Session(engine) as session:
        signed = session.scalars(sa.select(Submission.revision_number)).all()
        certified = session.get(Revision, participant.certified_revision_id or 0)
    assert set(signed) <= {1}
    if participant.status == ParticipantStatus.SENT:
        assert certified is not None
        assert (certified.number, len(signed)) == (1, 2)
    else:
        assert participant.status == ParticipantStatus.IN_PROGRESS
        assert certified is None


def test_approve_against_a_snapshot_makes_one_of_the_two_revisions_official(
    engine: sa.Engine, committed: Office
) -> None:
    def snapshot(session: Session) -> None:
        participant = session.scalars(
            sa.select(Participant).where(Participant.organization_number == "001").with_for_update()
        ).one()
        committed.world.session = session
        committed.world.revision(participant, "newer")

    refused = race(
        engine,
        lambda session: in_session(session, service.approve, committed, ["001"], "Court", True, actor="approver"),
        snapshot,
    )
    assert refused == []
    participant, _, _ = reread(engine)
    with Session(engine) as session:
        approval = session.scalars(sa.select(Approval)).one()
    assert participant.official_revision_id == approval.revision_id
    assert participant.status == ParticipantStatus.APPROVED


def test_two_withdrawals_at_once_leave_the_last_participant(engine: sa.Engine, committed: Office) -> None:
    refused = race(
        engine,
        lambda session: in_session(session, service.withdraw_participant, committed, "001", "r", actor="approver"),
        lambda session: in_session(session, service.withdraw_participant, committed, "005", "r", actor="approver"),
    )
    assert len(refused) == 1
    assert "last participant" in refused[0]
