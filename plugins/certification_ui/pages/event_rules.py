"""The rules of one event: those changed since it was published, with what taking them would mean, and those set
aside."""

from starlette.responses import Response

from certification_lib.certification import service
from certification_lib.certification.changed_rules import WhatIf, changed_rules, take_changed_rules, what_if
from certification_lib.certification.setting_aside import set_aside_in_event
from certification_lib.errors import CertificationError, NotFound
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.queries import pinned_rules
from certification_lib.validation.rules import distinct
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Placing, fields_of
from certification_ui.pages.events import powers
from certification_ui.routes import page_router
from certification_ui.trials import trial_database
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
read = right(Tool.EVENT_MANAGEMENT, Right.READ)
write = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
_placing = Placing({"rule": "Rule", "reason": "A reason"}, {"Say why": "reason", "Choose a rule": "rule"})


@router.get(urls.CHANGED_RULES, dependencies=[read])
def changed(visit: VisitOfRequest, key: str) -> Response:
    return _changed_page(visit, key, Form(), None)


@router.post(urls.CHANGED_RULES, dependencies=[read])
def ask_what_if(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    """Work out what taking the changes would mean; or take them into the unpublished changes."""
    form = Form()
    answer = None
    try:
        if sent.get("then") == "take":
            take_changed_rules(key, **visit.act)
            if visit.visitor.adds_events:
                return visit.go(urls.PUBLISH_EVENT, key=key)
            notice = "The changed rules are among the unpublished changes. Somebody who may publish takes them live."
            return visit.go(urls.EVENT, notice, key=key)
        with trial_database() as database:
            answer = what_if(key, session=visit.session, actor=visit.actor, **database)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
    return _changed_page(visit, key, form, answer)


def _changed_page(visit: Visit, key: str, form: Form, answer: WhatIf | None) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    return visit.page(
        "events/changed_rules.html",
        status=form.status,
        shown=shown,
        powers=powers(visit, shown),
        changed=changed_rules(key, session=visit.session),
        answer=answer,
        **form.shown(),
    )


@router.get(urls.SET_ASIDE, dependencies=[read])
def rules_set_aside(visit: VisitOfRequest, key: str, rule: str = "", number: str = "") -> Response:
    return _aside_page(visit, key, Form({"rule": rule[:60], "number": number[:60], "reason": ""}))


@router.post(urls.SET_ASIDE, dependencies=[write])
def set_aside(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form = fields_of(sent, ("rule", "number", "reason"))
    form.require("rule", "Choose a rule.")
    form.require("reason", "Say why the rule is set aside; everybody concerned reads it.")
    if form.problems:
        return _aside_page(visit, key, form)
    try:
        service.set_aside(key, form.text("rule"), form.text("reason"), form.text("number") or None, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, _placing)
        return _aside_page(visit, key, form)
    return visit.go(urls.SET_ASIDE, f"{form.text('rule')} is set aside; those concerned are told.", key=key)


@router.post(urls.END_SET_ASIDE, dependencies=[write])
def end(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form = fields_of(sent, ("rule", "number"))
    service.end_set_aside(key, form.text("rule"), form.text("number") or None, **visit.act)
    return visit.go(urls.SET_ASIDE, f"{form.text('rule')} counts again; those concerned are told.", key=key)


def _aside_page(visit: Visit, key: str, form: Form) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    rules = distinct(pinned_rules(shown.event.live_version_id or 0, session=visit.session))
    return visit.page(
        "events/set_aside.html",
        status=form.status,
        shown=shown,
        powers=powers(visit, shown),
        rules=[(rule.code, f"{rule.code} {rule.title} ({rule.severity.value})") for rule in rules],
        titles={rule.code: rule.title for rule in rules},
        aside=set_aside_in_event(shown.event.id, session=visit.session),
        **form.shown(),
    )
