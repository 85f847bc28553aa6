"""Whatever happens in whatever order, what is certified, official, current or signed is there and proves itself."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from certification_lib.certification import retention, service
from certification_lib.certification.legal_hold import end_legal_hold, place_legal_hold
from certification_lib.database import make_engine
from certification_lib.errors import CertificationError
from certification_lib.snapshots import removal, rules
from certification_lib.snapshots.verification import verify
from tests.certification.data_office import DataOffice, fill_source, make_data_office
from tests.conftest import CertificationDatabase

NUMBERS = st.sampled_from(["001", "005"])
# What records name, apart from the pointers.
SIGNED = """
    select p.organization_number, r.number, r.row_count from certification.revision r
    join certification.participant p on p.id = r.participant_id
    where r.id in (p.current_revision_id, p.certified_revision_id, p.official_revision_id)
    or exists (select from certification.certification_round where certified_revision_id = r.id)
    or exists (select from certification.submission where revision_id = r.id)
    or exists (select from certification.approval where r.id in (revision_id, previous_official_revision_id))
"""
STORED = """
    select number, count(*) from (
        select r.number as number from certification.revision r
        join certification.participant p on p.id = r.participant_id
        join datamart.{view} d on d.snapshot_id = r.snapshot_id and d.district_id = p.organization_number
        where p.organization_number = :number
    ) as rows group by 1
"""


class Killed(BaseException):
    """Stands for kill -9 between two transactions."""


class Lives(RuleBasedStateMachine):
    """Two districts whose data change, are taken, signed, approved, sent back and purged; some purges are killed."""

    make_database: Callable[[], CertificationDatabase]
    source_url: Callable[..., str]
    data: DataOffice

    @initialize()
    def publish(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.engine = make_engine(self.make_database().url())
        self.data = make_data_office(self.engine, self.source_url, self.folder)
        self.held = False
        self.data.take()

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.data.toy.writer.close()
            self.engine.dispose()
            shutil.rmtree(self.folder)

    def attempt(self, do: Callable[[], object]) -> None:
        """What the rules refuse is refused; the others are tested by `test_state_machine`."""
        with suppress(CertificationError):
            do()

    @rule(number=NUMBERS)
    def take_one(self, number: str) -> None:
        self.data.take(number)

    @rule()
    def take_all(self) -> None:
        self.data.take()

    @rule()
    def take_what_did_not_change(self) -> None:
        self.data.take_unchanged()

    @rule(number=NUMBERS)
    def take_data_that_come_back(self, number: str) -> None:
        fill_source(self.data.toy.writer)
        self.data.take_unchanged(number)

    @rule(number=NUMBERS)
    def submit(self, number: str) -> None:
        self.attempt(lambda: self.data.submit(number))

    @rule()
    def one_of_two_submits(self) -> None:
        self.attempt(lambda: self.data.act(lambda office: office.submit(office.smith)))

    @rule(number=NUMBERS)
    def approve(self, number: str) -> None:
        self.attempt(lambda: self.data.approve(number))

    @rule(number=NUMBERS)
    def withdraw_approval(self, number: str) -> None:
        self.attempt(
            lambda: self.data.act(
                lambda office: service.withdraw_approval(office.key, [number], "No", **office.act(office.approver))
            )
        )

    @rule(number=NUMBERS)
    def send_back(self, number: str) -> None:
        self.attempt(
            lambda: self.data.act(
                lambda office: service.request_recertification(
                    office.key, [number], "Again", None, **office.act(office.approver)
                )
            )
        )

    @rule(number=NUMBERS)
    def take_back(self, number: str) -> None:
        self.attempt(
            lambda: self.data.act(
                lambda office: service.take_back_recertification(
                    office.key, [number], "A mistake", **office.act(office.approver)
                )
            )
        )

    @rule()
    def hold_or_end_the_hold(self) -> None:
        turn = end_legal_hold if self.held else place_legal_hold
        self.data.act(lambda office: turn(office.key, "Doe", **office.act(office.approver)))
        self.held = not self.held

    @rule()
    def purge(self) -> None:
        before = self.data.purged()
        self.data.purge()
        if self.held:
            assert self.data.purged() == before

    @precondition(lambda self: not self.held)
    @rule(steps=st.integers(0, 3))
    def purge_and_be_killed(self, steps: int) -> None:
        left = iter(range(steps))

        def go_on(*arguments: object, **named: object) -> object:
            if next(left, None) is None:
                raise Killed
            return removal.patiently(*arguments, **named)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            patch.setattr(retention, "patiently", go_on)
            self.data.purge()

    @invariant()
    def what_counts_is_there(self) -> None:
        if not hasattr(self, "data"):
            return
        there: dict[str, dict[int, int]] = {}
        for number in ("001", "005"):
            there[number] = {}
            for view in ("pupil", "lesson"):
                for revision, count in self.data.toy.rows(STORED.format(view=view), number=number):
                    there[number][revision] = there[number].get(revision, 0) + count
        for number, revision, rows in self.data.toy.rows(SIGNED):
            assert there[number].get(revision, 0) == rows
        assert verify(self.engine) == []


@pytest.fixture
def small_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 33)  # 001 alone has a slot of its own, 005 alone goes to the shared one
    monkeypatch.setattr(rules, "SMALL_SHARE", 0.0)


@pytest.mark.usefixtures("small_slots")
def test_certified_official_and_current_rows_outlive_every_interleaving(
    make_database: Callable[[], CertificationDatabase], source_url: Callable[..., str]
) -> None:
    Lives.make_database, Lives.source_url = staticmethod(make_database), staticmethod(source_url)
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=6,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
