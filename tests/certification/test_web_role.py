"""The acts work with the grants of the API server's role, under row-level security."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification import queries, service
from certification_lib.database import database_now, make_engine, transaction
from certification_lib.events.models import Participant, ParticipantStatus
from tests.certification.conftest import make_office


def test_a_round_from_submission_to_recertification_runs_as_the_web_role(
    engine: sa.Engine, certification_database
) -> None:
    with Session(engine, expire_on_commit=False) as session:
        office = make_office(session)
        office.world._pin(office.version, [office.world.rule("STU-005")])
        session.commit()
        shown = office.shown()
    web = make_engine(certification_database.url("certification_app"))
    now = office.now

    def act(do, actor, *arguments, **options):
        with transaction(web) as session:
            assert database_now(session)
            return do(office.key, *arguments, session=session, actor=actor, now=now, **options)

    try:
        act(service.set_aside, office.approver, "STU-005", "Wrong rule")
        act(service.extend_due_date, office.approver, ["001"], now.date() + datetime.timedelta(days=60), "Storm")
        for actor in (office.smith, office.jones):
            assert act(queries.my_event, actor, "001").readiness.may_submit
            act(service.submit, actor, "001", shown)
        act(service.approve, office.approver, ["001"])
        act(service.request_recertification_by_district, office.smith, "001", "Error")
        act(service.decide_request, office.approver, "001", True)
        act(service.take_back_recertification, office.approver, ["001"], "By mistake")
        act(service.decide_request, office.approver, "001", False, "No")
        act(service.withdraw_approval, office.approver, ["001"], "Too early")
        act(service.withdraw_participant, office.approver, "005", "Merged")
        act(service.send_message, office.state_reviewer, "Thank you", numbers=["001"])
        with transaction(web) as session:
            assert len(queries.participants_page(office.key, session=session, now=now).rows) == 2
            assert len(queries.my_receipts(office.smith.person_id or 0, session=session)) == 2
            status = session.scalar(sa.select(Participant.status).where(Participant.organization_number == "001"))
            assert status == ParticipantStatus.SENT
    finally:
        web.dispose()
