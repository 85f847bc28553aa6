"""The mail server was away for a week: what is still so goes out once, in order; what no longer is says why it did not.

Event End is October 31, 2016. The mail server goes on October 24 before eight and is back on October 31 at noon.
"""

import datetime
import smtplib
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from certification_lib.certification import service
from certification_lib.certification.daily_mails import NOTHING_OWED, write_daily_mails
from certification_lib.certification.reminding import pause_reminders
from certification_lib.database import transaction
from certification_lib.notifications.composing import SENDER, Letterhead, Mail
from certification_lib.notifications.deliveries import Delivery, Standing, deliveries
from certification_lib.notifications.delivery import deliver_waiting
from tests.certification.conftest import Office, make_office
from tests.certification.test_daily_mails import BASE, morning, remind

HOUR = datetime.timedelta(hours=1)
EVERY = 8 * HOUR  # every minute in truth, and each mail at least every hour
LETTERHEAD = Letterhead(SENDER, BASE, "State of Kentucky", "data@state.example")


class MailServer:
    """Away until it is told to be back."""

    def __init__(self) -> None:
        self.is_back = False
        self.attempts = 0
        self.got: list[tuple[str, str, str]] = []

    def __call__(self, mail: Mail, before_content: Callable[[], None], meanwhile: Callable[[], None]) -> None:
        self.attempts += 1
        if not self.is_back:
            raise smtplib.SMTPConnectError(421, "away")
        before_content()
        read = message_from_bytes(mail.content, policy=policy.default)
        self.got.append((str(read["To"]), str(read["Subject"]), str(read["Message-ID"])))
        meanwhile()


class Week:
    """An event of which every act is committed, and the mail that is tried again and again."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.server = engine, MailServer()
        with transaction(engine) as session:
            self.office = make_office(session)

    def act(self, act: Callable[[Office], object]) -> None:
        with transaction(self.engine) as session:
            self.office.session = self.office.world.session = session
            session.add_all([self.office.event, self.office.adair, self.office.barren])
            act(self.office)

    def mail_is_tried(self, now: datetime.datetime) -> None:
        with transaction(self.engine) as session:
            write_daily_mails(base_url=BASE, session=session, now=now)
        deliver_waiting(engine=self.engine, hand_over=self.server, now=now, letterhead=LETTERHEAD)

    def mail_is_tried_for_days(self, first: datetime.datetime, last: datetime.datetime) -> None:
        while first < last:
            self.mail_is_tried(first)
            first += EVERY

    def of(self, *standings: Standing) -> list[Delivery]:
        with transaction(self.engine) as session:
            return deliveries(session=session, event_key=self.office.key, standings=standings)


@pytest.fixture
def week(engine: sa.Engine) -> Week:
    return Week(engine)


def test_after_a_week_everything_that_is_still_so_goes_out_once_and_the_rest_says_why_not(week: Week) -> None:
    week.act(lambda office: remind(office, morning(10, 24)))
    week.mail_is_tried_for_days(morning(10, 24, 10), morning(10, 26))
    week.act(lambda office: office.submit(office.smith, now=morning(10, 26)))
    week.act(lambda office: office.submit(office.jones, now=morning(10, 26, 30)))
    week.mail_is_tried_for_days(morning(10, 26, 40), morning(10, 28))
    week.act(lambda office: remind(office, morning(10, 28)))
    week.act(
        lambda office: service.approve(office.key, ["001"], **office.act(office.approver, now=morning(10, 28, 30)))
    )
    week.mail_is_tried_for_days(morning(10, 28, 40), morning(10, 31))
    week.act(lambda office: remind(office, morning(10, 31)))
    assert week.server.got == []

    week.server.is_back = True
    week.mail_is_tried_for_days(morning(10, 31, 30), morning(10, 31, 30) + 2 * EVERY)

    got = Counter((to.partition("@")[0], subject) for to, subject, _ in week.server.got)
    assert max(got.values()) == 1
    reminders = [(to, subject) for to, subject in got if "your certification is" in subject]
    assert reminders == [("green", "Fall Enrollment Count: your certification is due today")], "one, and not three"
    assert {to for to, subject in got if "approved" in subject} >= {"smith", "jones"}
    assert len({message_id for _, _, message_id in week.server.got}) == len(week.server.got)
    owed_no_more = [(one.username, one.problem) for one in week.of(Standing.NOT_NEEDED)]
    assert sorted(owed_no_more) == [("jones", NOTHING_OWED), ("smith", NOTHING_OWED)]
    assert week.of(Standing.WAITING, Standing.DELAYED, Standing.UNCLEAR) == []


def test_facts_go_out_in_the_order_in_which_they_happened(week: Week) -> None:
    week.act(lambda office: office.submit(office.smith, now=morning(10, 24)))
    week.act(lambda office: office.submit(office.jones, now=morning(10, 25)))
    week.act(lambda office: service.approve(office.key, ["001"], **office.act(office.approver, now=morning(10, 26))))
    week.mail_is_tried(morning(10, 26, 5))
    week.server.is_back = True
    week.mail_is_tried(morning(10, 31))

    to_smith = [subject for to, subject, _ in week.server.got if to.startswith("smith@")]

    assert to_smith == [
        subject
        for _, subject in sorted((one.id, one.subject) for one in week.of(Standing.SENT) if one.username == "smith")
    ]
    assert len(to_smith) >= 2


def test_a_server_that_is_away_is_asked_with_one_mail_at_a_time(week: Week) -> None:
    week.act(lambda office: remind(office, morning(10, 24)))
    week.mail_is_tried_for_days(morning(10, 24, 10), morning(10, 31))
    assert week.server.attempts <= 7 * 24 * HOUR / EVERY + 1
    assert {one.standing for one in week.of()} == {Standing.DELAYED, Standing.WAITING}
    assert all(one.next_attempt_at <= morning(10, 31) + HOUR for one in week.of() if one.next_attempt_at)


def test_reminders_of_an_event_that_was_paused_meanwhile_are_left_out_with_that_reason(week: Week) -> None:
    week.act(lambda office: remind(office, morning(10, 24)))
    week.mail_is_tried(morning(10, 24, 10))
    week.act(lambda office: pause_reminders(office.key, "A storm", **office.act(office.approver)))
    week.server.is_back = True
    week.mail_is_tried(morning(10, 31))
    assert week.server.got == []
    assert {one.problem for one in week.of(Standing.NOT_NEEDED)} == {"reminders of this event were paused"}
