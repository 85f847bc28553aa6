"""What stands beside the data to certify."""

from certification_lib.certification import service
from certification_lib.certification.beside import revisions_beside
from tests.certification.conftest import Office


def _beside(office: Office) -> dict[str, str]:
    shown = office.participant.certified_revision_id or office.participant.current_revision_id
    found = revisions_beside(office.participant.id, shown, session=office.session)
    return {one.label: one.revision.digest[:6] for one in found}


def _digest(revision: object) -> str:
    return str(revision.digest)[:6]  # type: ignore[attr-defined]


def test_at_first_nothing_stands_beside(office: Office) -> None:
    assert _beside(office) == {}


def test_last_year_is_what_was_official_then_of_the_same_organization(office: Office) -> None:
    world = office.world
    for year, name in ((2016, "before"), (2015, "long before")):
        past = world.event([office.adair, office.barren], key=f"fall-{year}", reporting_year=year)
        for organization in (office.adair, office.barren):
            participant = world.participant(past, organization)
            participant.official_revision_id = world.revision(participant, f"{name} {organization.name}").id
    world.session.flush()
    wanted = world.participant(world.session.get_one(type(past), past.id - 1), office.adair)
    official = world.session.get_one(type(world.revision(wanted, "x")), wanted.official_revision_id)

    assert _beside(office) == {"Last year": _digest(official)}


def test_last_certified_is_what_an_earlier_round_certified(office: Office) -> None:
    certified = office.shown().digest or ""
    office.send()
    assert _beside(office) == {}, "what is shown is what was certified"
    service.request_recertification(office.key, ["001"], "Look again", **office.act(office.approver))
    office.world.revision(office.participant, "corrected")

    assert _beside(office) == {"Last certified": certified[:6]}
