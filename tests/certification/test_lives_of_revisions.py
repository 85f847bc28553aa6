"""Whatever happens in whatever order, what is certified, official, current or signed is there and proves itself."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from certification_lib.certification import retention, service
from certification_lib.certification.legal_hold import end_legal_hold, place_legal_hold
from certification_lib.database import make_engine
from certification_lib.errors import CertificationError
from certification_lib.snapshots import removal, rules
from certification_lib.snapshots.verification import verify
from tests.certification.conftest import Office
from tests.certification.data_office import DataOffice, fill_source, make_data_office
from tests.conftest import CertificationDatabase

# What records name, apart from the pointers.
SIGNED = """
    select p.organization_number, r.number, r.row_count from certification.revision r
    join certification.participant p on p.id = r.participant_id
    where r.id in (p.current_revision_id, p.certified_revision_id, p.official_revision_id)
    or exists (select from certification.certification_round where certified_revision_id = r.id)
    or exists (select from certification.submission where revision_id = r.id)
    or exists (select from certification.approval where r.id in (revision_id, previous_official_revision_id))
"""
STORED = {
    view: f"""
    select p.organization_number, r.number, count(*) from certification.revision r
    join certification.participant p on p.id = r.participant_id
    join datamart.{view} d on d.snapshot_id = r.snapshot_id and d.district_id = p.organization_number
    group by 1, 2
"""  # noqa: S608
    for view in ("pupil", "lesson")
}


def approve(office: Office, number: str) -> None:
    service.approve(office.key, [number], "For the test", True, **office.act(office.approver))


def withdraw_approval(office: Office, number: str) -> None:
    service.withdraw_approval(office.key, [number], "No", **office.act(office.approver))


def send_back(office: Office, number: str) -> None:
    service.request_recertification(office.key, [number], "Again", None, **office.act(office.approver))


def take_back(office: Office, number: str) -> None:
    service.take_back_recertification(office.key, [number], "A mistake", **office.act(office.approver))


# An approval makes official, a sending back lets the next round be signed: these carry the story on.
STATE_ACTS = [approve, approve, send_back, send_back, withdraw_approval, take_back]


class Killed(BaseException):
    """Stands for kill -9 between two transactions."""


@dataclass
class Life:
    """Two districts whose data change, are taken, signed, approved, sent back and purged; some purges are killed."""

    data: DataOffice

    def take(self, numbers: tuple[str, ...], changed: bool) -> None:
        """New data, or those of the beginning again."""
        if changed:
            self.data.take(*numbers)
        else:
            fill_source(self.data.toy.writer)
            self.data.take_unchanged(*numbers)

    def sign(self, who: str) -> None:
        if who == "one of 001":
            self.data.act(lambda office: office.submit(office.smith))
        else:
            self.data.submit(who[-3:])

    def act_for_the_state(self, number: str, act: Callable[[Office, str], object]) -> None:
        self.data.act(lambda office: act(office, number))

    def purge(self, steps: int) -> None:
        """Killed after so many of the steps that remove rows."""
        left = iter(range(steps))

        def go_on(*arguments: object, **named: object) -> object:
            if next(left, None) is None:
                raise Killed
            return removal.patiently(*arguments, **named)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            patch.setattr(retention, "patiently", go_on)
            self.data.purge()
        self.see_that_what_counts_is_there()

    def purge_under_legal_hold(self) -> None:
        before = self.data.stored()
        self.data.act(lambda office: place_legal_hold(office.key, "Doe v. State", **office.act(office.approver)))
        assert self.data.purge() == []
        assert self.data.stored() == before
        self.data.act(lambda office: end_legal_hold(office.key, "Settled", **office.act(office.approver)))

    def see_that_what_counts_is_there(self) -> None:
        there: Counter[tuple[str, int]] = Counter()
        for view in ("pupil", "lesson"):
            there.update({(number, revision): count for number, revision, count in self.data.toy.rows(STORED[view])})
        for number, revision, rows in self.data.toy.rows(SIGNED):
            assert there[number, revision] == rows
        assert verify(self.data.toy.engine) == []


TAKES = st.tuples(st.just("take"), st.sampled_from([("001",), ("005",), ()]), st.sampled_from([True, True, False]))
SIGNS = st.tuples(st.just("sign"), st.sampled_from(["everybody of 001", "one of 001", "everybody of 005"]))
STATE = st.tuples(st.just("act_for_the_state"), st.sampled_from(["001", "005"]), st.sampled_from(STATE_ACTS))
PURGES = st.tuples(st.just("purge"), st.sampled_from([0, 1, 2, 99, 99]))
HELD = st.tuples(st.just("purge_under_legal_hold"))
LIVES = st.lists(st.one_of(TAKES, TAKES, SIGNS, SIGNS, STATE, PURGES, PURGES, HELD), min_size=16, max_size=24)


def test_certified_official_and_current_rows_outlive_every_interleaving(
    make_database: Callable[[], CertificationDatabase],
    source_url: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 001 alone has a slot of its own, 005 alone goes to the shared one.
    monkeypatch.setattr(rules, "SMALL_ROWS", 33)
    monkeypatch.setattr(rules, "SMALL_SHARE", 0.0)
    purged = 0

    @settings(max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(LIVES)
    def live(acts: list[tuple[Any, ...]]) -> None:
        nonlocal purged
        engine = make_engine(make_database().url())
        life = Life(make_data_office(engine, source_url, tmp_path))
        try:
            life.data.take()
            for name, *arguments in acts:
                # What the rules refuse is refused; which that is `test_state_machine` tests.
                with suppress(CertificationError):
                    getattr(life, name)(*arguments)
            life.purge(99)
            purged += len(life.data.purged())
        finally:
            life.data.toy.writer.close()
            engine.dispose()

    live()
    assert purged > 0
