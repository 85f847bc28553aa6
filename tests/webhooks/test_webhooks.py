"""Webhooks: what changes is told in its own transaction, signed, in order, at least once, and only where it may go."""

import datetime
import hashlib
import hmac
import json
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.database import make_engine, transaction
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventStatus, Participant, ParticipantStatus
from certification_lib.people.models import Tool
from certification_lib.webhooks import queries, service
from certification_lib.webhooks.delivery import Told, deliver_to_webhooks
from certification_lib.webhooks.models import WebhookDelivery, WebhookSecret
from certification_lib.webhooks.posting import NotTold, post
from certification_lib.webhooks.queries import Fate
from certification_lib.webhooks.rules import MOST_ATTEMPTS, address_problem, may_connect, signature
from tests.conftest import CertificationDatabase
from tests.factories import World
from tests.webhooks.conftest import Receiver

NOW = datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)
LOOPBACK = ("127.0.0.1",)
SECRET = "a secret of the state, long enough"
HOUR = datetime.timedelta(hours=1)


def add(session: Session, url: str, name: str = "Student information system") -> int:
    made = service.add_webhook(name, url, SECRET, private_hosts=LOOPBACK, session=session, actor=SYSTEM, now=NOW)
    return made.id


def approve(engine: sa.Engine, event: Event, status: ParticipantStatus = ParticipantStatus.APPROVED) -> None:
    with transaction(engine) as session:
        session.execute(sa.update(Participant).where(Participant.event_id == event.id).values(status=status))


def deliver(engine: sa.Engine, now: datetime.datetime = NOW) -> Told:
    return deliver_to_webhooks(engine=engine, post=partial(post, private_hosts=LOOPBACK), now=now)


@pytest.fixture
def world(engine: sa.Engine) -> World:
    with transaction(engine) as session:
        return World(session)


@pytest.fixture
def event(engine: sa.Engine, world: World) -> Event:
    with transaction(engine) as session:
        world.session = session
        return world.event([world.lea("001", "Adair County"), world.lea("005", "Barren County")])


@pytest.fixture
def webhook_id(engine: sa.Engine, event: Event, receiver: Receiver) -> int:
    with transaction(engine) as session:
        return add(session, receiver.url)


def verify(secret: str, headers: dict[str, str], body: bytes, now: float, tolerance: int = 300) -> bool:
    """As `docs/webhooks.md` tells the other system to do it."""
    parts = dict(part.split("=", 1) for part in headers["X-Certification-Signature"].split(","))
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(now - int(parts["t"])) <= tolerance


def test_a_change_of_status_is_told_signed_and_without_any_name(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    approve(engine, event)
    assert deliver(engine) == Told(delivered=2)
    assert deliver(engine) == Told()
    headers, body = receiver.got[0]
    with Session(engine) as session:
        [second, first] = queries.deliveries(webhook_id, session=session)
    assert json.loads(body) == {
        "id": first.delivery_id,
        "type": "participant.status",
        "event": event.key,
        "organization": "001",
        "status": "Certification Approved by State",
        "status_before": "In Progress",
        "happened_at": first.happened_at.astimezone(datetime.UTC).isoformat(),
    }
    assert (first.fate, second.fate) == (Fate.DELIVERED, Fate.DELIVERED)
    assert verify(SECRET, headers, body, NOW.timestamp())
    assert not verify(SECRET, headers, body + b" ", NOW.timestamp())
    assert not verify(SECRET, headers, body, NOW.timestamp() + 301)
    assert headers["X-Certification-Delivery"] == first.delivery_id


def test_what_is_rolled_back_or_changes_nothing_is_not_told(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    with Session(engine) as session:
        session.execute(sa.update(Participant).values(status=ParticipantStatus.APPROVED))
        session.rollback()
    approve(engine, event, ParticipantStatus.IN_PROGRESS)
    assert deliver(engine) == Told()
    assert receiver.got == []


def test_an_event_and_new_participants_are_told_too(
    engine: sa.Engine, world: World, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    with transaction(engine) as session:
        session.get_one(Event, event.id).status = EventStatus.CLOSED
        world.session = session
        world.event([world.lea("009", "Bath County")], key="spring")
    deliver(engine)
    told = [json.loads(body) for _, body in receiver.got]
    assert ("event.status", event.key, None, "Closed", "Published") in [
        (one["type"], one["event"], one["organization"], one["status"], one["status_before"]) for one in told
    ]
    assert ("participant.status", "spring", "009", "In Progress", None) in [
        (one["type"], one["event"], one["organization"], one["status"], one["status_before"]) for one in told
    ]


def test_a_failure_is_repeated_with_the_same_id_and_the_others_wait_in_order(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    approve(engine, event)
    receiver.answers = [500, 302]
    assert deliver(engine) == Told(failed=1)
    assert deliver(engine) == Told(), "it is not tried again at once"
    assert deliver(engine, NOW + HOUR) == Told(failed=1)
    with Session(engine) as session:
        [waiting, delayed] = queries.deliveries(webhook_id, session=session)
        assert (waiting.fate, delayed.fate, delayed.attempts) == (Fate.WAITING, Fate.DELAYED, 2)
        assert delayed.problem == "it answered with a redirect, which is not followed (302)"
    assert deliver(engine, NOW + 3 * HOUR) == Told(delivered=2)
    ids = [headers["X-Certification-Delivery"] for headers, _ in receiver.got]
    assert ids[0] == ids[1] == ids[2] != ids[3]


def test_after_many_failures_a_delivery_is_given_up_shown_and_can_be_sent_again(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    approve(engine, event)
    with transaction(engine) as session:
        session.execute(sa.update(WebhookDelivery).values(attempts=MOST_ATTEMPTS - 1))
    receiver.answers = [503]
    deliver(engine)
    with transaction(engine) as session:
        assert [one.failed for one in queries.webhooks(session=session)] == [1]
        service.resume_webhook(webhook_id, session=session, actor=SYSTEM, now=NOW)
        with pytest.raises(Conflict, match="not paused"):
            service.resume_webhook(webhook_id, session=session, actor=SYSTEM, now=NOW)
    assert deliver(engine) == Told(delivered=2)


def test_while_paused_changes_are_kept_and_a_removed_one_is_told_nothing_and_forgets_its_secret(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    def act(do: Callable[..., object]) -> None:
        with transaction(engine) as session:
            do(webhook_id, session=session, actor=SYSTEM, now=NOW)

    act(service.pause_webhook)
    approve(engine, event)
    assert deliver(engine) == Told()
    act(service.resume_webhook)
    act(service.send_test)
    assert deliver(engine) == Told(delivered=3)
    assert json.loads(receiver.got[-1][1])["type"] == "test"
    act(service.remove_webhook)
    approve(engine, event, ParticipantStatus.IN_PROGRESS)
    assert deliver(engine) == Told()
    with Session(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(WebhookSecret)) == 0
    with pytest.raises(NotFound):
        act(service.pause_webhook)


def test_a_request_whose_sender_dies_before_noting_the_answer_comes_again_with_the_same_id(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver, certification_database: CertificationDatabase
) -> None:
    approve(engine, event)
    process = multiprocessing.get_context("spawn").Process(target=_deliver_to, args=(certification_database.url(),))
    receiver.on_request = lambda: os.kill(process.pid or 0, signal.SIGKILL) if len(receiver.got) == 1 else None
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    certification_database.wait_until_unlocked()
    assert deliver(engine) == Told(delivered=2)
    ids = [headers["X-Certification-Delivery"] for headers, _ in receiver.got]
    assert ids[0] == ids[1] != ids[2]


def _deliver_to(url: str) -> None:
    deliver(make_engine(url))


def test_one_that_cannot_be_reached_does_not_keep_another_waiting(
    engine: sa.Engine, event: Event, webhook_id: int, receiver: Receiver
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with transaction(engine) as session:
        add(session, f"http://127.0.0.1:{port}/", "Away")
    approve(engine, event)
    assert deliver(engine) == Told(delivered=2, failed=1)


def test_the_pages_role_can_write_a_secret_and_never_read_one(
    certification_database: CertificationDatabase, engine: sa.Engine, webhook_id: int
) -> None:
    pages = make_engine(certification_database.url("certification_app"))
    with pages.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        connection.execute(sa.select(WebhookSecret.secret))
    with transaction(pages) as session:
        assert add(session, "https://data.state.example/hook", "Second") > webhook_id
    pages.dispose()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://sis.example/hook?x=1", None),
        ("http://127.0.0.1:8000/", None),
        ("http://sis.example/", "begins with https://"),
        ("https://localhost/", "private network"),
        ("http://localhost/", "begins with https://"),
        ("https://10.0.0.8/", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::ffff:10.0.0.8]/", "private network"),
        ("https://user:word@sis.example/", "no user name"),
        ("https://sis.example/#x", "fragment"),
        ("ftp://sis.example/", "begins with https://"),
        ("https://sis.example:port/", "begins with https://"),
        ("https://sis.example/a b", "no blanks"),
        ("https:///x", "begins with https://"),
        ("https://sis.example/\r\nX-Evil: 1", "no blanks"),
    ],
)
def test_only_https_to_the_public_internet_or_where_operators_allow_it(url: str, problem: str | None) -> None:
    found = address_problem(url, LOOPBACK)
    assert (found is None) if problem is None else (found is not None and problem in found)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("10.1.2.3", False), ("127.0.0.1", False), ("169.254.169.254", False),
        ("::ffff:192.168.0.1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("2606:4700::1", True),
        ("224.0.0.1", False), ("100.64.0.1", False), ("0.0.0.1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert may_connect(address) is public


def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def inside(*_arguments: object, **_named: object) -> list[object]:
        return [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.8", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    with pytest.raises(NotTold, match="private network"):
        post("https://sis.example/", b"{}", {})


def test_a_server_without_a_good_certificate_is_told_nothing(receiver: Receiver) -> None:
    with pytest.raises(NotTold, match="certificate or encryption"):
        post(receiver.url.replace("http://", "https://"), b"{}", {}, private_hosts=LOOPBACK)
    assert receiver.got == []


def test_adding_needs_the_right_and_says_everything_that_is_wrong(session: Session) -> None:
    world = World(session)
    actor = world.actor(world.person("nobody"))
    with pytest.raises(NotAllowed):
        service.add_webhook("x", "https://x.example/", SECRET, private_hosts=(), session=session, actor=actor, now=NOW)
    world.give(world.person("nobody"), Tool.PEOPLE_AND_RIGHTS, "A")
    with pytest.raises(BadInput) as refused:
        service.add_webhook(" ", "http://x.example/", "short", private_hosts=(), session=session, actor=actor, now=NOW)
    assert len(refused.value.problems) == 3


def test_the_signature_is_what_the_documentation_says() -> None:
    assert signature("secret", 1, b"{}") == f"t=1,v1={hmac.new(b'secret', b'1.{}', hashlib.sha256).hexdigest()}"
