"""Sending changes of status to webhooks.

The guarantee: a change is written down in its own transaction, and is sent at least once, in the order of the changes,
one webhook not waiting for another. The delivery's id is the same at each attempt, so that the other system knows a
second copy, which comes when the process dies between the answer and our note of it.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.notifications.rules import pause_after
from certification_lib.webhooks.models import Webhook, WebhookDelivery, WebhookSecret
from certification_lib.webhooks.posting import NotTold, Post
from certification_lib.webhooks.rules import MOST_ATTEMPTS, body_of, signature

_LOCK = 0x686F6F6B << 32  # one deliverer to webhooks
_UNSIGNED = "there is nothing to sign with"


@dataclass(frozen=True)
class Told:
    """What one call did."""

    delivered: int = 0
    failed: int = 0


def deliver_to_webhooks(*, engine: sa.Engine, post: Post, now: datetime.datetime, limit: int = 1000) -> Told:
    """Send what waits, at most `limit` to each webhook. After a failure a webhook's other deliveries wait, so that they
    keep their order. While somebody else sends, this does nothing."""
    delivered = failed = 0
    with _only_deliverer(engine) as mine:
        for webhook_id in _webhooks(engine) if mine else []:
            for _ in range(limit):
                done = _deliver_next(webhook_id, engine=engine, post=post, now=now)
                if done is None:
                    break
                delivered, failed = delivered + done, failed + (not done)
                if not done:
                    break
    return Told(delivered, failed)


def _deliver_next(webhook_id: int, *, engine: sa.Engine, post: Post, now: datetime.datetime) -> bool | None:
    """Whether the webhook's oldest waiting delivery was accepted; None when nothing is to be sent to it now."""
    with Session(engine, expire_on_commit=False) as session:
        webhook = session.get_one(Webhook, webhook_id)
        waiting = (
            sa.select(WebhookDelivery)
            .where(
                WebhookDelivery.webhook_id == webhook_id,
                WebhookDelivery.delivered_at.is_(None),
                WebhookDelivery.gave_up_at.is_(None),
            )
            .order_by(WebhookDelivery.id)
            .limit(1)
        )
        delivery = session.scalar(waiting)
        secret = session.scalar(sa.select(WebhookSecret.secret).where(WebhookSecret.webhook_id == webhook_id))
        if delivery is None or (delivery.next_attempt_at is not None and delivery.next_attempt_at > now):
            return None
    try:
        if secret is None:
            raise NotTold(_UNSIGNED)
        body = content_of(delivery)
        post(webhook.url, body, _headers(delivery, body, secret, now))
    except NotTold as error:
        _note(delivery, str(error), engine=engine, now=now)
        return False
    _note(delivery, None, engine=engine, now=now)
    return True


def content_of(delivery: WebhookDelivery) -> bytes:
    """What a request says: keys, numbers and statuses. No name and nothing of a student."""
    return body_of(
        {
            "id": str(delivery.delivery_id),
            "type": delivery.kind,
            "event": delivery.event_key,
            "organization": delivery.organization_number,
            "status": delivery.status,
            "status_before": delivery.status_before,
            "happened_at": delivery.happened_at.astimezone(datetime.UTC).isoformat(),
        }
    )


def _headers(delivery: WebhookDelivery, body: bytes, secret: str, now: datetime.datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "data-certification",
        "X-Certification-Delivery": str(delivery.delivery_id),
        "X-Certification-Signature": signature(secret, int(now.timestamp()), body),
    }


def _note(delivery: WebhookDelivery, problem: str | None, *, engine: sa.Engine, now: datetime.datetime) -> None:
    attempts = delivery.attempts + 1
    over = problem is not None and attempts >= MOST_ATTEMPTS
    values = {
        "attempts": attempts,
        "last_problem": problem,
        "delivered_at": now if problem is None else None,
        "gave_up_at": now if over else None,
        "next_attempt_at": now + pause_after(attempts) if problem is not None and not over else None,
    }
    with transaction(engine) as session:
        session.execute(sa.update(WebhookDelivery).where(WebhookDelivery.id == delivery.id).values(**values))


def _webhooks(engine: sa.Engine) -> list[int]:
    """Those that are to be told. The secrets of removed ones go."""
    with transaction(engine) as session:
        removed = sa.select(Webhook.id).where(Webhook.removed_at.is_not(None))
        session.execute(sa.delete(WebhookSecret).where(WebhookSecret.webhook_id.in_(removed)))
        told = sa.select(Webhook.id).where(Webhook.removed_at.is_(None), Webhook.paused_at.is_(None))
        return list(session.scalars(told.order_by(Webhook.id)))


@contextmanager
def _only_deliverer(engine: sa.Engine) -> Iterator[bool]:
    """Whether this process is the only one; the lock ends with its connection, however that ends."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK)))
        try:
            yield bool(mine)
        finally:
            if mine:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
