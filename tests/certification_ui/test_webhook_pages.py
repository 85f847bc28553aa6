"""Webhooks on their pages and by REST: added, seen, tested, paused, removed; and the secret shown once."""

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.people.models import Tool
from certification_lib.webhooks.models import Webhook, WebhookSecret
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import ROOT, fill, text_of
from tests.factories import World

ADDRESS = "https://sis.state.example/certification"
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def filled(browser: Browser, engine: sa.Engine) -> Browser:
    fill(engine)
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session = session
        world.give(world.person("admin", name="An Administrator"), Tool.PEOPLE_AND_RIGHTS, "RWAD")
    return browser


def test_a_webhook_is_added_and_its_secret_shown_once(filled: Browser, engine: sa.Engine) -> None:
    admin = filled("admin")
    wrong = admin.post(f"{ROOT}/new-webhook", data={"name": "SIS", "url": "http://sis.state.example/"})
    assert wrong.status_code == 422
    assert "The address begins with https://" in text_of(wrong.text)
    assert 'value="SIS"' in wrong.text

    added = admin.post(f"{ROOT}/new-webhook", data={"name": "SIS", "url": ADDRESS})

    assert added.status_code == 200
    assert "no-store" in added.headers["cache-control"]
    with Session(engine) as session:
        webhook_id, secret = session.execute(sa.select(WebhookSecret.webhook_id, WebhookSecret.secret)).one()
    assert secret in added.text
    seen = admin.get(f"{ROOT}/webhooks/{webhook_id}/")
    assert secret not in seen.text + admin.get(f"{ROOT}/webhooks/").text
    assert ADDRESS in seen.text


def test_what_became_of_each_delivery_is_seen_and_acts_are_done_once(filled: Browser, engine: sa.Engine) -> None:
    admin = filled("admin")
    admin.post(f"{ROOT}/new-webhook", data={"name": "SIS", "url": ADDRESS})
    with transaction(engine) as session:
        webhook_id = session.scalar(sa.select(Webhook.id))
        session.execute(sa.update(Participant).values(status=ParticipantStatus.SENT))
    page = f"{ROOT}/webhooks/{webhook_id}/"
    assert admin.post(f"{page}test").status_code == 303
    assert admin.post(f"{page}pause").status_code == 303
    assert admin.post(f"{page}pause").status_code == 409

    shown = text_of(admin.get(page).text)

    assert "paused" in shown
    assert re.search(r"001 [0-9a-f-]{36} Certification Sent to State before: In Progress waiting", shown)
    assert "Test" in shown
    assert "3 deliveries" in shown
    assert "No delivery" in text_of(admin.get(f"{page}?fate=failed").text)
    assert admin.post(f"{page}resume").status_code == 303
    assert admin.post(f"{page}remove").status_code == 303
    assert admin.get(page).status_code == 404


def test_the_same_by_rest(filled: Browser) -> None:
    admin, api = filled("admin"), f"{ROOT}/api/v1/webhooks"
    body = {"name": "SIS", "url": ADDRESS, "secret": SECRET}
    assert admin.post(api, json={**body, "secret": "short"}).status_code == 422
    added = admin.post(api, json=body, headers={"Idempotency-Key": "1"})
    again = admin.post(api, json=body, headers={"Idempotency-Key": "1"})
    assert added.status_code == again.status_code == 201
    assert added.json() == again.json()
    assert SECRET not in added.text
    one = f"{api}/{added.json()['id']}"
    sent = admin.post(f"{one}/test")
    assert sent.status_code == 202
    [delivery] = admin.get(f"{one}/deliveries").json()["items"]
    assert (delivery["delivery_id"], delivery["fate"]) == (sent.json()["id"], "waiting")
    assert admin.post(f"{one}/pause").json()["paused_at"] is not None
    assert admin.post(f"{one}/resume").json() == {"paused_at": None}
    assert admin.delete(one).status_code == 204
    assert admin.get(f"{one}/deliveries").status_code == 404
    assert admin.get(api).json()["items"] == []
