"""State staff send a mail again that may not have arrived; nobody and nothing else does."""

import datetime

import pytest
import sqlalchemy as sa

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.sentences import sentence
from certification_lib.certification.daily_mails import GATHERING, write_daily_mails
from certification_lib.certification.mails_again import send_again
from certification_lib.errors import BadInput, Conflict, NotAllowed
from certification_lib.notifications.deliveries import Standing, deliveries
from certification_lib.notifications.kinds import DAILY_MAIL
from certification_lib.notifications.models import Message
from certification_lib.notifications.service import Notice, notify_all
from tests.certification.conftest import NOON, Office

UNCLEAR = {"handed_over_at": NOON, "attempts": 1, "last_problem": "the answer was lost"}
REFUSED = {"gave_up_at": NOON, "attempts": 3, "last_problem": "the mail server refused the address (550)"}
CAME_BACK = {"delivered_at": NOON, "handed_over_at": NOON, "bounced_at": NOON}


def tell(office: Office, *usernames: str, gathered: bool = False, **fate: object) -> list[int]:
    """Messages of the event, whose mails met this fate."""
    people = [office.world.person(one).id for one in usernames]
    kind = "reminder" if gathered else "message_from_state"
    notice = Notice(
        f"fact {sorted(fate)}", kind, people, subject="S", text="T", event_key=office.key, gathered=gathered
    )
    notify_all([notice], session=office.session, now=NOON)
    told = sa.select(Message.id).where(Message.fact == notice.fact).order_by(Message.id)
    ids = list(office.session.scalars(told))
    if fate:
        office.session.execute(sa.update(Message).where(Message.id.in_(ids)).values(**fate))
    return ids


def standings(office: Office) -> dict[int, Standing]:
    office.session.flush()
    return {one.id: one.standing for one in deliveries(session=office.session, event_key=office.key)}


@pytest.mark.parametrize("fate", [UNCLEAR, REFUSED, CAME_BACK], ids=["unclear", "refused", "came back"])
def test_a_mail_that_may_not_have_arrived_goes_out_again_once_to_todays_address(
    office: Office, fate: dict[str, object]
) -> None:
    [mail] = tell(office, "smith", **fate)
    office.world.person("smith").email = "new@example.org"

    outcome = send_again(office.key, [mail], **office.act(office.approver))

    assert [one.receiver for one in outcome.sent] == [office.world.person("smith").name]
    office.session.expire_all()
    message = office.session.get_one(Message, mail)
    assert (message.email, message.attempts, standings(office)[mail]) == ("new@example.org", 0, Standing.WAITING)
    with pytest.raises(Conflict) as again:
        send_again(office.key, [mail], **office.act(office.approver))
    assert "it is waiting" in again.value.problems[0]


def test_all_unclear_mails_go_out_again_at_once_and_the_trail_says_who_wanted_it(office: Office) -> None:
    unclear = tell(office, "smith", "jones", **UNCLEAR)
    [refused] = tell(office, "green", **REFUSED)

    outcome = send_again(office.key, None, **office.act(office.approver))

    assert [one.id for one in outcome.sent] == unclear
    assert standings(office)[refused] is Standing.REFUSED
    entry = office.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert "sent again mails of" in sentence(entry)
    assert entry.details["mails"] == 2
    with pytest.raises(Conflict, match="No mail of this event is unclear"):
        send_again(office.key, None, **office.act(office.approver))


def test_what_is_sent_under_way_or_without_an_address_stays_as_it_is(office: Office) -> None:
    [sent] = tell(office, "smith", delivered_at=NOON, handed_over_at=NOON)
    [under_way] = tell(office, "jones", **UNCLEAR, claimed_by="00000000-0000-0000-0000-000000000001")
    [nowhere] = tell(office, "green", **REFUSED)
    office.world.person("green").email = "no address"
    before = standings(office)

    with pytest.raises(Conflict) as refused:
        send_again(office.key, [sent, under_way, nowhere], **office.act(office.approver))

    assert [problem.partition(": ")[2] for problem in refused.value.problems] == [
        "it is sent, neither unclear nor refused.",
        "its delivery is under way.",
        "there is still no valid address.",
    ]
    assert standings(office) == before


def test_a_reminder_stands_in_the_next_mail_of_the_day(office: Office) -> None:
    [message] = tell(office, "smith", gathered=True)
    later = NOON + GATHERING
    write_daily_mails(base_url="http://here", session=office.session, now=later)
    lost = {"handed_over_at": later, "attempts": 1}
    office.session.execute(sa.update(Message).where(Message.kind == DAILY_MAIL).values(**lost))
    office.session.expire_all()
    assert standings(office)[message] is Standing.UNCLEAR

    send_again(office.key, None, **office.act(office.approver))

    assert write_daily_mails(base_url="http://here", session=office.session, now=later) == 0
    assert (
        write_daily_mails(base_url="http://here", session=office.session, now=later + datetime.timedelta(days=1)) == 1
    )
    assert standings(office)[message] is Standing.WAITING


def test_only_state_members_of_the_category_may_and_they_must_say_which(office: Office) -> None:
    mails = tell(office, "smith", **UNCLEAR)
    with pytest.raises(NotAllowed):
        send_again(office.key, mails, **office.act(office.smith))
    with pytest.raises(BadInput, match="at least one mail"):
        send_again(office.key, [], **office.act(office.approver))
