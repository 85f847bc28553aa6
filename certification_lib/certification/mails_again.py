"""State staff send mails of an event again that may not have arrived."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.certification.access import published_event_for_state
from certification_lib.certification.participation import STATE_MEMBERS
from certification_lib.errors import BadInput, Conflict
from certification_lib.notifications.sending_again import MailAgain, put_in_line_again


@dataclass(frozen=True)
class SentAgain:
    """Who is written to again, and of whom it was asked in vain, with the reason."""

    sent: tuple[MailAgain, ...]
    left_out: tuple[MailAgain, ...]


def send_again(
    key: str, ids: Collection[int] | None, *, session: Session, actor: Actor, now: datetime.datetime
) -> SentAgain:
    """Send the mails of these messages again, or of all that are unclear (approver or reviewer; also when closed).

    Conflict when none of them is unclear, refused, came back or had no address; so a second click sends nothing.
    """
    live = published_event_for_state(key, STATE_MEMBERS, "send mails again", session=session, actor=actor, lock=False)
    if ids is not None and not ids:
        raise BadInput("Choose at least one mail.")
    outcome = put_in_line_again(key, ids, session=session)
    sent = tuple(one for one in outcome if one.refused is None)
    left_out = tuple(one for one in outcome if one.refused is not None)
    if not sent:
        reasons = [f"{one.receiver}: {one.refused}." for one in left_out]
        nothing = "No mail of this event is unclear." if ids is None else "None of these mails is to be sent again."
        raise Conflict(nothing, problems=reasons)
    record(
        "event:send-again",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={"mails": len(sent), "receivers": sorted({one.receiver for one in sent})},
    )
    return SentAgain(sent, left_out)
