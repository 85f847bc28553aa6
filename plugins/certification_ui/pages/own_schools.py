"""A School-level event for who certifies schools: every school with its totals, signed one by one or together."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.certification import service
from certification_lib.certification.outcomes import LeftOut
from certification_lib.certification.schools import OwnSchools, SchoolLine, own_schools
from certification_lib.certification.service import Attestation
from certification_lib.errors import CertificationError, NotFound
from certification_lib.people.models import Right, Tool
from certification_ui import totals, urls, words
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, as_number, fields_of, many
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.CERTIFICATION_EVENT, Right.READ)
act = right(Tool.CERTIFICATION_EVENT, Right.WRITE)


@dataclass(frozen=True)
class ShownSchool:
    """A school with its totals as they stand in the list: label and number of each view."""

    school: SchoolLine
    totals: tuple[tuple[str, str], ...]


@router.get(urls.OWN_SCHOOLS, dependencies=[look])
def schools(visit: VisitOfRequest, key: str, lea: str = "") -> Response:
    own = own_schools(key, lea or None, **visit.act)
    return _page(visit, own, Form({"name": visit.actor.name, "title": visit.visitor.title}))


@router.post(urls.OWN_SCHOOLS, dependencies=[act])
def submit(visit: VisitOfRequest, sent: FormOfRequest, key: str, lea: str = "") -> Response:
    own = own_schools(key, lea or None, **visit.act)
    form = fields_of(sent, ("name", "title", "statement_version", "reason_without_change"))
    mine = {school.number for school in own.schools}
    chosen = [number for number in dict.fromkeys(many(sent, "school")) if number in mine]
    form.values |= {"chosen": chosen, "nil": many(sent, "nil")}
    if not chosen:
        form.problems.append(("schools", "Tick at least one school."))
        form.status = 422
    form.require("name", "Enter your name as you sign.")
    form.require("title", "Enter your title.")
    if form.problems:
        return _page(visit, own, form)
    try:
        outcome = service.submit_for_all(key, _attestations(sent, form, chosen), **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return _page(visit, own_schools(key, own.lea_number, **visit.act), form)
    notice = f"{words.count(len(outcome.done), 'school')} certified. Each has a receipt of its own."
    if not outcome.left_out:
        return visit.go(urls.OWN_SCHOOLS, notice, key=key)
    names = {school.number: school.name for school in own.schools}
    left_out = [LeftOut(one.number, names.get(one.number, one.name), one.reason) for one in outcome.left_out]
    now_own = own_schools(key, own.lea_number, **visit.act)
    signing = Form({"name": form.text("name"), "title": form.text("title")})
    return _page(visit, now_own, signing, certified=notice, left_out=left_out)


def _attestations(sent: FormData, form: Form, chosen: list[str]) -> list[tuple[str, Attestation]]:
    """What the person was shown of each school stands beside its tick, as `revision:digest`."""
    made = []
    for number in chosen:
        revision, _, digest = str(sent.get(f"shown-{number}", "")).partition(":")
        attestation = Attestation(
            revision=as_number(revision),
            digest=digest or None,
            statement_version=as_number(form.text("statement_version")) or 0,
            name=form.text("name"),
            title=form.text("title"),
            nil_return=number in form.values["nil"],
            reason_without_change=form.text("reason_without_change") or None,
        )
        made.append((number, attestation))
    return made


def _page(visit: Visit, own: OwnSchools, form: Form, **more: Any) -> Response:
    shown = [ShownSchool(school, _totals(own, school)) for school in own.schools]
    context = {"own": own, "shown": shown, "certified": None, "left_out": (), **form.shown(), **more}
    return visit.page("own/schools.html", status=form.status, **context)


def _totals(own: OwnSchools, school: SchoolLine) -> tuple[tuple[str, str], ...]:
    """The first number of each view, which is the one people know."""
    if school.revision is None:
        return ()
    views = totals.shown_totals(school.revision.row_counts, school.revision.totals, {}, own.count_date)
    first = [(view.title, *view.tiles[0]) for view in views]
    return tuple((f"{title}, {label[:1].lower()}{label[1:]}", number) for title, label, number in first)
