"""Every page that district people can open is fetched, whatever routes there are, and its words looked at."""

import logging
import re

import pytest
import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.events.models import Participant
from certification_lib.people.models import Organization, Person, PersonRole, Role
from certification_lib.snapshots.models import Revision
from certification_ui import urls
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.everybody import SCHOOLS, add_schools, routes
from tests.certification_ui.reading import grade, sentences_of
from tests.certification_ui.site import KEY, ROOT, RULE, text_of
from tests.certification_ui.test_changes import correct, sent_back

log = logging.getLogger(__name__)
INTERNAL = re.compile(
    r"(?i:airflow|\bdags?\b|scheduler|manifest|\buuid\b|revision id|snapshot id|\brow_key\b|datamart|expectation"
    r"|\bSQL\b|traceback|plugin|\b[0-9a-f]{8}-[0-9a-f]{4}-|\bjson\b|endpoint|postgres)|\bNone\b|\bnull\b"
)
# What the pages say themselves; a state's rules and statements are its own.
HARDEST_GRADE = 8.0
OWN_PAGES = "/my-events/", "/my-schools/", "/my-categories/", "/my-people/"
DISTRICT_SIDE = (*OWN_PAGES, "/receipts/", "/verify/", "/messages/", "/calendar/")
FILES = re.compile(r"file$|\.(pdf|ics)$")


def _in_round_two(_: Browser, engine: sa.Engine) -> None:
    """Adair County certified, was sent back, and has corrected data: every kind of page has something to show."""
    sent_back(engine)
    correct(engine)
    add_schools(engine)
    with transaction(engine) as session:
        adair = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
        head = Person(username="head", name="Head", active=True)
        session.add(head)
        session.flush()
        role = Role.DISTRICT_ADMINISTRATOR
        session.add(PersonRole(person_id=head.id, role=role, organization_id=adair.id))
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into certification.validation_result (revision_id, rule_version_id, validation_run_id,"
                " finding_count) select p.current_revision_id, r.rule_version_id, r.validation_run_id, r.finding_count"
                " from certification.validation_result r join certification.revision v on v.id = r.revision_id"
                " join certification.participant p on p.id = v.participant_id where p.organization_number = '001'"
            )
        )


def pages() -> list[str]:
    """The addresses of all pages of the district's side that are opened by a link."""
    found = [one.path for one in routes() if "GET" in one.methods]
    return [urls.HOME, *sorted(one for one in found if one.startswith(DISTRICT_SIDE) and is_known(one))]


def is_known(path: str) -> bool:
    """Whether it is a page rather than a file."""
    return not FILES.search(path)


def reader(pattern: str) -> str:
    """Members are changed by the District Administrator, everything else is smith's to see."""
    return "head" if pattern.startswith("/my-people/") or "{member_id}" in pattern else "smith"


def address(pattern: str, engine: sa.Engine) -> str:
    with transaction(engine) as session:
        current = sa.select(Revision.digest).join(Participant, Participant.current_revision_id == Revision.id)
        digest = session.scalar(current.where(Participant.organization_number == "001"))
        receipt = session.scalar(sa.text("select min(id) from certification.submission"))
        category = session.scalar(sa.text("select min(id) from certification.category"))
        member = session.scalar(
            sa.text(
                "select m.id from certification.category_member m join certification.person p on p.id = m.person_id"
                " where p.username = 'jones'"
            )
        )
    known = {
        "category_id": category,
        "member_id": member,
        "username": "jones",
        "key": SCHOOLS if pattern.startswith("/my-schools/") else KEY,
        "number": "001",
        "code": RULE,
        "view": "enrollment",
        "receipt_id": receipt,
        "digest": digest,
    }
    return ROOT + pattern.format(**known)


@pytest.mark.parametrize("pattern", pages())
def test_no_page_of_a_district_uses_an_internal_word(scene: Scene, pattern: str) -> None:
    browser, engine = scene(_in_round_two)
    answer = browser(reader(pattern)).get(address(pattern, engine))

    assert answer.status_code == 200, pattern
    found = INTERNAL.findall(text_of(answer.text))
    assert not found, f"{pattern}: {found}"


@pytest.mark.parametrize("username", ["smith", "stranger", None])
def test_a_refusal_uses_none_either(scene: Scene, username: str | None) -> None:
    browser, _ = scene(_in_round_two)
    for path in ("/my-events/none/001/", "/events/", "/sign-in/", "/"):
        answer = browser(username).get(ROOT + path)
        assert not INTERNAL.findall(text_of(answer.text)), path


def test_the_pages_are_easy_to_read(scene: Scene) -> None:
    """The school grade that reads them with ease, page by page in the log (`pytest -o log_cli_level=INFO`)."""
    browser, engine = scene(_in_round_two)
    everything: list[str] = []
    for pattern in pages():
        answer = browser(reader(pattern)).get(address(pattern, engine))
        assert answer.status_code == 200, pattern
        sentences = sentences_of(answer.text)
        everything += sentences
        log.info("reading grade %s of %s", grade(sentences), pattern)
        assert grade(sentences) <= HARDEST_GRADE + 3, f"{pattern}: {grade(sentences)}"
    all_of_them = grade(list(dict.fromkeys(everything)))
    log.info("reading grade %s of all pages", all_of_them)

    assert all_of_them <= HARDEST_GRADE


def test_a_hard_sentence_is_told_from_an_easy_one() -> None:
    easy = sentences_of("<main><p>You look at the data. Then you sign the form.</p></main>")
    hard = sentences_of("<main><p>Institutional certification necessitates comprehensive verification.</p></main>")

    assert grade(easy) < 3
    assert grade(hard) > 15
