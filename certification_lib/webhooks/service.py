"""What an Administrator does with webhooks, by the rights of People and Rights: there it is decided who is told."""

import datetime
import secrets
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.people.models import Tool
from certification_lib.people.service import require
from certification_lib.webhooks.models import Webhook, WebhookDelivery, WebhookSecret
from certification_lib.webhooks.rules import address_problem, secret_problem

TEST = "test"
_LONGEST_NAME = 100


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def add_webhook(
    name: str,
    url: str,
    secret: str,
    *,
    private_hosts: Collection[str],
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Webhook:
    """Tell this address from now on. Needs Add on People and Rights. The secret can be read by nobody afterwards."""
    require(Tool.PEOPLE_AND_RIGHTS, "A", session=session, actor=actor)
    name, url = " ".join(name.split()), url.strip()
    problems = [
        None if 0 < len(name) <= _LONGEST_NAME else f"The name has 1 to {_LONGEST_NAME} characters",
        address_problem(url, private_hosts),
        secret_problem(secret),
    ]
    found = [problem for problem in problems if problem]
    if found:
        raise BadInput(f"{'; '.join(found)}.", problems=found)
    same = sa.select(Webhook.id).where(Webhook.url == url, Webhook.removed_at.is_(None))
    if session.scalar(same) is not None:
        raise Conflict("There is already a webhook with this address.")
    webhook = Webhook(name=name, url=url, added_at=now, added_by=actor.username)
    session.add(webhook)
    session.flush()
    session.execute(sa.insert(WebhookSecret).values(webhook_id=webhook.id, secret=secret))
    _record("add", webhook, session=session, actor=actor, now=now)
    return webhook


def pause_webhook(webhook_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> Webhook:
    """Send nothing until it is resumed; what happens meanwhile is kept. Needs Write on People and Rights."""
    webhook = _locked(webhook_id, "W", session=session, actor=actor)
    if webhook.paused_at is not None:
        raise Conflict(f"{webhook.name} is already paused.")
    webhook.paused_at = now
    _record("pause", webhook, session=session, actor=actor, now=now)
    return webhook


def resume_webhook(webhook_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> Webhook:
    """Send again, first what was kept and what had been given up. Needs Write on People and Rights."""
    webhook = _locked(webhook_id, "W", session=session, actor=actor)
    given_up = sa.update(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.gave_up_at.is_not(None)
    )
    again = session.execute(
        given_up.values(gave_up_at=None, next_attempt_at=None, attempts=0).returning(WebhookDelivery.id)
    ).all()
    if webhook.paused_at is None and not again:
        raise Conflict(f"{webhook.name} is not paused, and nothing to it was given up.")
    webhook.paused_at = None
    _record("resume", webhook, session=session, actor=actor, now=now)
    return webhook


def send_test(webhook_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> WebhookDelivery:
    """Send a delivery of the kind `test` like any other. Needs Write on People and Rights."""
    webhook = _locked(webhook_id, "W", session=session, actor=actor)
    if webhook.paused_at is not None:
        raise Conflict(f"{webhook.name} is paused: nothing is sent to it.")
    delivery = WebhookDelivery(webhook_id=webhook_id, kind=TEST, happened_at=now)
    session.add(delivery)
    session.flush()
    _record("test", webhook, session=session, actor=actor, now=now)
    return delivery


def remove_webhook(webhook_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Tell this address nothing any more. What was told stays on record. Needs Delete on People and Rights."""
    webhook = _locked(webhook_id, "D", session=session, actor=actor)
    webhook.removed_at = now
    _record("remove", webhook, session=session, actor=actor, now=now)


def _locked(webhook_id: int, letter: str, *, session: Session, actor: Actor) -> Webhook:
    require(Tool.PEOPLE_AND_RIGHTS, letter, session=session, actor=actor)
    webhook = session.get(Webhook, webhook_id, with_for_update=True, populate_existing=True)
    if webhook is None or webhook.removed_at is not None:
        raise NotFound("There is no such webhook.")
    return webhook


def _record(verb: str, webhook: Webhook, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    details = {"webhook": webhook.id, "url": webhook.url}
    record(f"webhook:{verb}", webhook.name, session=session, actor=actor, now=now, details=details)
