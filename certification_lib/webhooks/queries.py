"""What Administrators are shown of webhooks: never a secret."""

import datetime
import enum
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.webhooks.models import Webhook, WebhookDelivery


class Fate(enum.StrEnum):
    """Where a delivery stands, in the words of the page."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    DELAYED = "delayed"
    FAILED = "failed"


_FATE = sa.case(
    (WebhookDelivery.delivered_at.is_not(None), Fate.DELIVERED.value),
    (WebhookDelivery.gave_up_at.is_not(None), Fate.FAILED.value),
    (WebhookDelivery.attempts > 0, Fate.DELAYED.value),
    else_=Fate.WAITING.value,
)


@dataclass(frozen=True)
class WebhookView:
    """A webhook and how it fares."""

    id: int
    name: str
    url: str
    added_at: datetime.datetime
    added_by: str
    paused_at: datetime.datetime | None
    last_delivered_at: datetime.datetime | None
    waiting: int
    failed: int


@dataclass(frozen=True)
class DeliveryView:
    """One change and whether the webhook was told."""

    delivery_id: str
    kind: str
    event_key: str | None
    organization_number: str | None
    status: str | None
    status_before: str | None
    happened_at: datetime.datetime
    fate: Fate
    attempts: int
    delivered_at: datetime.datetime | None
    next_attempt_at: datetime.datetime | None
    problem: str | None


def webhooks(*, session: Session, webhook_id: int | None = None) -> list[WebhookView]:
    """Those that were not removed, by name. The caller has checked the right Read on People and Rights."""
    not_yet = sa.and_(WebhookDelivery.delivered_at.is_(None), WebhookDelivery.gave_up_at.is_(None))
    counts = (
        sa.select(
            WebhookDelivery.webhook_id,
            sa.func.max(WebhookDelivery.delivered_at).label("last_delivered_at"),
            sa.func.count().filter(not_yet).label("waiting"),
            sa.func.count().filter(WebhookDelivery.gave_up_at.is_not(None)).label("failed"),
        )
        .group_by(WebhookDelivery.webhook_id)
        .subquery()
    )
    query = (
        sa.select(Webhook, counts.c.last_delivered_at, counts.c.waiting, counts.c.failed)
        .outerjoin(counts, counts.c.webhook_id == Webhook.id)
        .where(Webhook.removed_at.is_(None))
        .order_by(Webhook.name, Webhook.id)
    )
    if webhook_id is not None:
        query = query.where(Webhook.id == webhook_id)
    return [
        WebhookView(
            one.id, one.name, one.url, one.added_at, one.added_by, one.paused_at, last, waiting or 0, failed or 0
        )
        for one, last, waiting, failed in session.execute(query)
    ]


def webhook(webhook_id: int, *, session: Session) -> WebhookView:
    """NotFound when there is none or it was removed."""
    found = webhooks(session=session, webhook_id=webhook_id)
    if not found:
        raise NotFound("There is no such webhook.")
    return found[0]


def deliveries(
    webhook_id: int, *, session: Session, fates: Sequence[Fate] = (), limit: int = 50, offset: int = 0
) -> list[DeliveryView]:
    """The newest first."""
    query = (
        sa.select(WebhookDelivery, _FATE)
        .where(*_conditions(webhook_id, fates))
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        DeliveryView(
            delivery_id=str(one.delivery_id),
            kind=one.kind,
            event_key=one.event_key,
            organization_number=one.organization_number,
            status=one.status,
            status_before=one.status_before,
            happened_at=one.happened_at,
            fate=Fate(fate),
            attempts=one.attempts,
            delivered_at=one.delivered_at,
            next_attempt_at=one.next_attempt_at,
            problem=one.last_problem,
        )
        for one, fate in session.execute(query)
    ]


def delivery_count(webhook_id: int, *, session: Session, fates: Sequence[Fate] = ()) -> int:
    """How many there are of these fates."""
    query = sa.select(sa.func.count()).select_from(WebhookDelivery).where(*_conditions(webhook_id, fates))
    return session.scalar(query) or 0


def _conditions(webhook_id: int, fates: Sequence[Fate]) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [WebhookDelivery.webhook_id == webhook_id]
    if fates:
        conditions.append(_FATE.in_([fate.value for fate in fates]))
    return conditions
