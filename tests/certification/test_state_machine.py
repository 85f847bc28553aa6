"""Random lives of one participant: the services agree with the pure rules after every act."""

import datetime
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from certification_lib.certification import service
from certification_lib.certification.changes import changes_of
from certification_lib.certification.models import Approval, Round
from certification_lib.certification.progress_filter import PROGRESS_FILTERS, progress_condition
from certification_lib.certification.rules import (
    OPEN,
    Act,
    certified_people,
    due_date,
    has_no_certifiers,
    obstacle,
    owing,
    participant_status,
    progress,
    ready_to_send,
)
from certification_lib.errors import CertificationError
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.events.phases import local_day
from tests.certification.conftest import Office, make_office

NEW_YORK = ZoneInfo("America/New_York")
CERTIFIERS = st.sampled_from(["smith", "jones", "later"])


class Life(RuleBasedStateMachine):
    """What may happen to Adair County between publication and closing; time goes on by an hour with each act."""

    engine: sa.Engine

    @initialize()
    def publish(self) -> None:
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        self.office: Office = make_office(self.session)
        self.people = {"smith": self.office.smith, "jones": self.office.jones}
        self.contents = 0

    def teardown(self) -> None:
        if hasattr(self, "outer"):
            self.session.close()
            self.outer.rollback()
            self.connection.close()

    def attempt(self, act: Act, do: Callable[[], object]) -> bool:
        """Do it; refused exactly when the rules refuse it, and then nothing is changed. Whether it was done."""
        self.office.now += datetime.timedelta(hours=1)
        refused_by_rules = obstacle(act, self.office.state.facts)
        before = self.fingerprint()
        try:
            with self.session.begin_nested():
                do()
        except CertificationError:
            assert self.fingerprint() == before
            return False
        assert refused_by_rules is None
        return True

    def fingerprint(self) -> tuple[object, ...]:
        participant, state = self.office.participant, self.office.state
        return (state.facts, participant.status, participant.official_revision_id, len(self.office.audit()))

    @rule(who=CERTIFIERS)
    def submit(self, who: str) -> None:
        if who not in self.people:
            return
        facts, person_id = self.office.state.facts, self.people[who].person_id
        done = self.attempt(Act.SUBMIT, lambda: self.office.submit(self.people[who]))
        if done:
            left = owing(facts) - {person_id}
            assert (self.office.status == ParticipantStatus.SENT) == (not left)
            assert person_id in certified_people(self.office.state.facts)

    @rule(tick=st.booleans())
    def approve(self, tick: bool) -> None:
        facts = self.office.state.facts
        # Where an approval stands and only a request is answered, that approval's tick and reason stand too.
        ticked = tick or self.office.state.approval is not None
        reason = "Because" if tick else None
        done = self.attempt(Act.APPROVE, lambda: self.office.approve(reason=reason, include_uncertified=tick))
        assert done == (obstacle(Act.APPROVE, facts) is None and (ticked or progress(facts).everyone))
        if done:
            assert progress(self.office.state.facts) == progress(facts)

    @rule()
    def withdraw_approval(self) -> None:
        arguments = (self.office.key, ["001"], "Because")
        before = self.office.state
        if self.attempt(
            Act.WITHDRAW_APPROVAL,
            lambda: service.withdraw_approval(*arguments, **self.office.act(self.office.approver)),
        ):
            sent = before.round.sent_at is not None
            assert self.office.status == (ParticipantStatus.SENT if sent else _open(before.round))

    @rule()
    def send_back(self) -> None:
        done = self.attempt(
            Act.SEND_BACK,
            lambda: service.request_recertification(
                self.office.key, ["001"], "Because", **self.office.act(self.office.approver)
            ),
        )
        if done:
            assert self.office.status == ParticipantStatus.RECERTIFYING
            assert not certified_people(self.office.state.facts)

    @rule()
    def take_back(self) -> None:
        self.attempt(
            Act.TAKE_BACK,
            lambda: service.take_back_recertification(
                self.office.key, ["001"], "Because", **self.office.act(self.office.approver)
            ),
        )

    @rule()
    def ask(self) -> None:
        if "smith" in self.people:
            self.attempt(
                Act.REQUEST,
                lambda: service.request_recertification_by_district(
                    self.office.key, "001", "Because", **self.office.act(self.people["smith"])
                ),
            )

    @rule()
    def withdraw_request(self) -> None:
        if "smith" in self.people:
            self.attempt(
                Act.WITHDRAW_REQUEST,
                lambda: service.withdraw_request(self.office.key, "001", **self.office.act(self.people["smith"])),
            )

    @rule(accept=st.booleans())
    def decide(self, accept: bool) -> None:
        self.attempt(
            Act.DECIDE,
            lambda: service.decide_request(
                self.office.key, "001", accept, "Because", **self.office.act(self.office.approver)
            ),
        )

    @rule(days=st.integers(0, 60), who=st.sampled_from([None, "smith", "jones"]))
    def give_due_date(self, days: int, who: str | None) -> None:
        day = self.office.now.date() + datetime.timedelta(days=days + 1)
        act = self.office.act(self.office.approver)
        if who is None:
            self.attempt(
                Act.GIVE_DUE_DATE, lambda: service.extend_due_date(self.office.key, ["001"], day, "Because", **act)
            )
        elif who in self.people:
            self.attempt(
                Act.GIVE_DUE_DATE,
                lambda: service.override_due_date(self.office.key, "001", who, day, "Because", **act),
            )

    @rule(same=st.booleans())
    def snapshot(self, same: bool) -> None:
        self.contents += not same
        revision = self.office.world.revision(self.office.participant, f"content {self.contents}")
        service.note_new_revisions([revision.id], session=self.session, now=self.office.now)

    @rule(days=st.integers(1, 30))
    def wait(self, days: int) -> None:
        self.office.now += datetime.timedelta(days=days)

    @rule(who=CERTIFIERS)
    def leave(self, who: str) -> None:
        status = self.office.status
        if who in self.people:
            self.office.now += datetime.timedelta(hours=1)
            self.office.world.remove_member(self.people.pop(who), self.office.now)
            assert self.office.status == status

    @rule(who=CERTIFIERS)
    def join(self, who: str) -> None:
        if who not in self.people:
            self.office.now += datetime.timedelta(hours=1)
            self.people[who] = self.office.world.certifier(who, self.office.adair, since=self.office.now)

    @invariant()
    def stored_status_is_the_derived_one(self) -> None:
        assert self.office.participant.status == participant_status(self.office.state.facts)

    @invariant()
    def sent_pins_a_revision_and_nothing_else_does(self) -> None:
        state = self.office.state
        assert (state.round.sent_at is not None) == (state.participant.certified_revision_id is not None)
        assert state.participant.certified_revision_id == state.round.certified_revision_id

    @invariant()
    def official_is_what_the_last_standing_approval_approved(self) -> None:
        standing = self.session.scalars(
            sa.select(Approval.revision_id)
            .join(Round, Round.id == Approval.round_id)
            .where(Round.participant_id == self.office.participant.id, Approval.withdrawn_at.is_(None))
            .order_by(Approval.id.desc())
        ).first()
        assert self.office.participant.official_revision_id == standing

    @invariant()
    def the_filters_of_the_page_agree_with_the_rules(self) -> None:
        facts, now = self.office.state.facts, self.office.now
        end = self.office.version.end_date or datetime.date.max
        today = local_day(now, NEW_YORK)
        expected = {
            "owing": bool(owing(facts)),
            "overdue": any(today > due_date(facts, person_id, end) for person_id in owing(facts)),
            "ready to send": ready_to_send(facts),
            "no certifiers": has_no_certifiers(facts),
            "certified": facts.sent_at is not None,
            "approved without everyone": facts.approval is not None and not progress(facts).everyone,
            "changed since certified": bool(changes_of([self.office.state], session=self.session)),
        }
        conditions = [
            progress_condition(name, self.office.version, now, session=self.session).label(name.replace(" ", "_"))
            for name in PROGRESS_FILTERS
        ]
        row = self.session.execute(
            sa.select(*conditions).select_from(Participant).where(Participant.id == self.office.participant.id)
        ).one()
        assert dict(zip(PROGRESS_FILTERS, row, strict=True)) == expected

    @invariant()
    def nobody_owes_what_is_not_open(self) -> None:
        if self.office.participant.status not in OPEN:
            assert not owing(self.office.state.facts)


def _open(current: Round) -> ParticipantStatus:
    return ParticipantStatus.IN_PROGRESS if current.reason is None else ParticipantStatus.RECERTIFYING


@pytest.fixture
def life(shared_engine: sa.Engine) -> Iterator[type[Life]]:
    Life.engine = shared_engine
    yield Life
    del Life.engine


@pytest.mark.timeout(600)
def test_random_lives_of_a_participant_follow_the_rules(life: type[Life]) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
