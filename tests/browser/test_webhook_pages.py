"""Webhooks and the mails of an event as people see them: axe finds nothing, at both widths."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from playwright.sync_api import Browser

from certification_lib.audit.service import SYSTEM
from certification_lib.database import make_engine, transaction
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.notifications.models import Message
from certification_lib.notifications.service import notify
from certification_lib.people.models import Tool
from certification_lib.webhooks.models import WebhookDelivery
from certification_lib.webhooks.service import add_webhook
from tests.browser.test_pages import WIDE, check, check_at_both_widths, chromium, open_as, pages, save
from tests.certification_ui.listening import listening
from tests.certification_ui.site import KEY, ROOT, fill
from tests.conftest import CertificationDatabase
from tests.factories import World

__all__ = ["chromium", "pages"]

pytestmark = pytest.mark.browser
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def base_url(
    pages: FastAPI, certification_database: CertificationDatabase, engine: sa.Engine, monkeypatch, tmp_path: Path
) -> Iterator[str]:
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path / "state"))
    fill(engine)
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session = session
        world.give(world.person("approver"), Tool.PEOPLE_AND_RIGHTS, "RWAD")
        address = "https://student-information-system.department-of-education.state.example/certification/changes"
        add_webhook("Student information system", address, "x" * 40, private_hosts=(), session=session, actor=SYSTEM,
                    now=NOW)  # fmt: skip
        session.execute(sa.update(Participant).values(status=ParticipantStatus.SENT))
        problem = {"attempts": 3, "last_problem": "it answered with 503", "next_attempt_at": NOW}
        session.execute(sa.update(WebhookDelivery).where(WebhookDelivery.id == 1).values(**problem))
        receivers = ["office@district.example", "old@district.example"]
        notify("fact", "reminder", receivers, "Due", "Text", event_key=KEY, session=session, now=NOW)
        came_back = {"delivered_at": NOW, "bounced_at": NOW, "last_problem": "the mail came back: the mailbox is full"}
        session.execute(sa.update(Message).where(Message.email == receivers[1]).values(**came_back))
    pages.state.pages.state.engine = make_engine(certification_database.url("certification_app"))
    with listening(pages) as url:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)
        yield url
    pages.state.pages.state.engine.dispose()
    pages.state.pages.state.engine = None


def test_webhooks_and_mails_are_accessible_and_fit(chromium: Browser, base_url: str) -> None:
    page = open_as(chromium, base_url, "approver", WIDE)
    for name, address in {"webhooks": "/webhooks/", "webhook": "/webhooks/1/", "new-webhook": "/new-webhook",
                          "mails": f"/events/{KEY}/deliveries"}.items():  # fmt: skip
        page.goto(f"{base_url}{ROOT}{address}")
        check_at_both_widths(page, name)
    page.goto(f"{base_url}{ROOT}/new-webhook")
    page.get_by_label("Name").fill("Warehouse")
    page.get_by_label("Address").fill("https://warehouse.state.example/")
    page.get_by_role("button", name="Add webhook").click()
    page.get_by_text("It cannot be shown again").wait_for()
    save(page, "webhook-added-phone")
    check(page)
