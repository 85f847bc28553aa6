"""Two people acting at once: rows are locked, the second gets a clear "already …" answer, nothing is done twice."""

import datetime
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.membership import add_member, remove_member
from certification_lib.categories.models import CategoryRole
from certification_lib.certification import service
from certification_lib.certification.closing import close_event
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


def submit_as(office: Office, actor: str, number: str = "001") -> Act:
    shown = office.shown(number)
    return lambda session: in_session(session, service.submit, office, number, shown, actor=actor)


def counted(engine: sa.Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_approve_during_submit_never_approves_what_was_sent_without_counting_it(
    engine: sa.Engine, committed: Office
) -> None:
    with transaction(engine) as session:
        submit_as(committed, "smith")(session)
    refused = race(
        engine,
        submit_as(committed, "jones"),
        lambda session: in_session(session, service.approve, committed, ["001"], "Court", True, actor="approver"),
    )
    participant, submissions, approvals = reread(engine)
    [(certified, asked)] = counted(engine, "select certified_count, certifier_count from certification.approval")
    assert (participant.status, approvals) == (ParticipantStatus.APPROVED, 1)
    # Submitted first: two of two are approved. Approved first: one of two, and the submission is refused.
    if submissions == 2:
        assert (refused, certified, asked) == ([], 2, 2)
    else:
        assert (submissions, certified, asked) == (1, 1, 2)
        [reason] = refused
        assert "already been approved" in reason


def test_close_during_submit_takes_the_submission_in_or_refuses_it(engine: sa.Engine, committed: Office) -> None:
    with transaction(engine) as session:
        submit_as(committed, "smith")(session)
    refused = race(
        engine,
        submit_as(committed, "jones"),
        lambda session: in_session(
            session,
            lambda key, **act: close_event(key, "Done", confirmed_name="Fall Enrollment Count", **act),
            committed,
            actor="approver",
        ),
    )
    participant, submissions, _ = reread(engine)
    assert counted(engine, "select status from certification.event") == [("Closed",)]
    if submissions == 2:
        assert (refused, participant.status) == ([], ParticipantStatus.SENT)
    else:
        # A closed event is hidden from districts: it is not told from one that never was.
        assert participant.status == ParticipantStatus.IN_PROGRESS
        [reason] = refused
        assert "001" in reason


def test_a_member_removed_during_his_submission_signs_before_or_not_at_all(
    engine: sa.Engine, committed: Office
) -> None:
    [(member_id,)] = counted(
        engine,
        "select m.id from certification.category_member m join certification.person p on p.id = m.person_id"
        " where p.username = 'jones'",
    )
    refused = race(
        engine,
        submit_as(committed, "jones"),
        lambda session: remove_member(member_id, session=session, actor=SYSTEM, now=committed.now),
    )
    participant, submissions, _ = reread(engine)
    assert participant.status == ParticipantStatus.IN_PROGRESS, "smith still owes, and a removal sends nothing"
    removed = counted(engine, "select count(*) from certification.category_member where removed_at is not null")
    assert removed == [(1,)]
    assert (submissions, len(refused)) in {(1, 0), (0, 1)}


def test_removing_who_still_owes_while_the_other_submits_sends_only_by_the_submission(
    engine: sa.Engine, committed: Office
) -> None:
    [(member_id,)] = counted(
        engine,
        "select m.id from certification.category_member m join certification.person p on p.id = m.person_id"
        " where p.username = 'jones'",
    )
    refused = race(
        engine,
        submit_as(committed, "smith"),
        lambda session: remove_member(member_id, session=session, actor=SYSTEM, now=committed.now),
    )
    participant, submissions, _ = reread(engine)
    assert (refused, submissions) == ([], 1)
    if participant.status != ParticipantStatus.SENT:
        assert participant.status == ParticipantStatus.IN_PROGRESS
        with transaction(engine) as session:  # ready to send: pressed once more
            submit_as(committed, "smith")(session)
        assert reread(engine)[0].status == ParticipantStatus.SENT


def test_two_approvers_answer_a_request_once(engine: sa.Engine, committed: Office) -> None:
    for actor in ("smith", "jones"):
        with transaction(engine) as session:
            submit_as(committed, actor)(session)
    with transaction(engine) as session:
        in_session(session, service.request_recertification_by_district, committed, "001", "Wrong", actor="smith")

    def decide(accept: bool) -> Act:
        return lambda session: in_session(
            session, service.decide_request, committed, "001", accept, "Looked at", actor="approver"
        )

    refused = race(engine, decide(True), decide(False))
    [reason] = refused
    assert "already" in reason
    [(outcome,)] = counted(engine, "select outcome from certification.recertification_request")
    rounds = counted(engine, "select number from certification.certification_round r join certification.participant p"
                             " on p.id = r.participant_id where p.organization_number = '001'")  # fmt: skip
    assert len(rounds) == (2 if outcome == "accepted" else 1)


@pytest.mark.parametrize(
    "act",
    [service.withdraw_approval, service.request_recertification],
    ids=["withdraw the approval", "request recertification"],
)
def test_two_approvers_who_act_on_the_same_rows_do_it_once(
    engine: sa.Engine, committed: Office, act: Callable[..., object]
) -> None:
    with transaction(engine) as session:
        in_session(session, service.approve, committed, ["001", "005"], "Court", True, actor="approver")

    def do(*numbers: str) -> Act:
        return lambda session: in_session(session, act, committed, list(numbers), "Mistake", actor="approver")

    # In two orders: rows are locked in one fixed order, so that neither waits for the other for ever.
    [reason] = race(engine, do("001", "005"), do("005", "001"))
    assert "already" in reason
    [(times,)] = counted(
        engine, "select count(*) from certification.audit_entry where act in"
                " ('participant:withdraw-approval', 'participant:request-recertification')"
    )  # fmt: skip
    assert times == 1
