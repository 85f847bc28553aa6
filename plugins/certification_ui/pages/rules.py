"""Validation Rules: the list, one rule with its versions, writing and trying it, the archive."""

from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import Response

from certification_lib.categories.models import Level
from certification_lib.errors import CertificationError, NotFound
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.authoring import archive_rule, change_rule, create_rule, is_delivered, unarchive_rule
from certification_lib.rulebook.content import content_of, parse_rule, view_columns
from certification_lib.rulebook.listing import RuleDetail, RuleFilter, rule_count, rule_detail, rule_list, tags_in_use
from certification_lib.rulebook.models import Grain, RuleOwner, RuleVersion, Severity
from certification_lib.validation.preview import Preview, preview_events, preview_rule
from certification_ui import rule_form, totals, urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, as_number
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.routes import page_router
from certification_ui.trials import trial_database
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
read = right(Tool.VALIDATION, Right.READ)
write = right(Tool.VALIDATION, Right.WRITE)
add = right(Tool.VALIDATION, Right.ADD)
delete = right(Tool.VALIDATION, Right.DELETE)
PAGE_SIZE = 50
_UNSAID = {"code": "NEW-RULE"} | dict.fromkeys(("title", "what_is_wrong", "why_it_matters", "how_to_fix_it"), "–")
_ARCHIVED = {"yes": True, "all": None}


class ListQuery:
    """The filters of the list, all of them in the address."""

    def __init__(
        self,
        search: str = "",
        view: str = "",
        severity: str = "",
        owner: str = "",
        tag: str = "",
        archived: str = "",
        page: str = "1",
    ) -> None:
        self.search = search.strip()[:100]
        self.view = view[:100]
        self.severity = severity if severity in set(Severity) else ""
        self.owner = owner if owner in set(RuleOwner) else ""
        self.tag = tag[:100]
        self.archived = archived if archived in _ARCHIVED else ""
        self.page = page_number(page)

    def values(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value and name != "page"}

    def as_filter(self) -> RuleFilter:
        return RuleFilter(
            search=self.search,
            view=self.view or None,
            severity=Severity(self.severity) if self.severity else None,
            owner=RuleOwner(self.owner) if self.owner else None,
            tag=self.tag or None,
            archived=_ARCHIVED.get(self.archived, False),
        )


@router.get(urls.RULES, dependencies=[read])
def rules(visit: VisitOfRequest, asked: Annotated[ListQuery, Depends()]) -> Response:
    where, session = asked.as_filter(), visit.session
    total = rule_count(where, session=session)
    pages = numbered_pages(visit, urls.RULES, asked.values(), page=asked.page, size=PAGE_SIZE, total=total)
    return visit.page(
        "rules/list.html",
        rules=rule_list(where, offset=(asked.page - 1) * PAGE_SIZE, limit=PAGE_SIZE, session=session),
        total=total,
        asked=asked.values(),
        pages=pages,
        severities=list(Severity),
        owners=list(RuleOwner),
        views=_views(),
        tags=tags_in_use(session=session),
    )


@router.get(urls.RULE, dependencies=[read])
def rule(visit: VisitOfRequest, code: str, version: str = "") -> Response:
    return _rule_page(visit, code, as_number(version), Form(dict.fromkeys(("preview_event", "preview_number"), "")))


@router.post(urls.PREVIEW_RULE, dependencies=[read])
def preview(visit: VisitOfRequest, sent: FormOfRequest, code: str) -> Response:
    """Try a stored version of a rule."""
    number = as_number(str(sent.get("version", "")))
    form = Form({name: str(sent.get(name, "")).strip() for name in ("preview_event", "preview_number")})
    detail = rule_detail(code, session=visit.session)
    version = detail.version(number) if number else detail.current
    tried = _try(visit, content_of(code, version), form)
    return _rule_page(visit, code, number, form, tried)


def _rule_page(visit: Visit, code: str, number: int | None, form: Form, tried: Preview | None = None) -> Response:
    detail = rule_detail(code, session=visit.session)
    version = detail.version(number) if number else detail.current
    return visit.page(
        "rules/view.html",
        status=form.status,
        detail=detail,
        rule=detail.rule,
        version=version,
        delivered=is_delivered(detail.rule),
        check_words=rule_form.check_words(version),
        parameters=rule_form.parameters_in_words(version),
        **_preview_fields(visit, tried),
        **form.shown(),
    )


@router.get(urls.NEW_RULE, dependencies=[add])
def new_rule(visit: VisitOfRequest, copy_of: str = "") -> Response:
    values = rule_form.new_values()
    if copy_of:
        values = rule_form.values_of(copy_of, rule_detail(copy_of, session=visit.session).current) | {"code": ""}
    return _form_page(visit, Form(values), None)


@router.post(urls.NEW_RULE, dependencies=[add])
def make_rule(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    return _save(visit, sent, None)


@router.get(urls.EDIT_RULE, dependencies=[write])
def edit_rule(visit: VisitOfRequest, code: str) -> Response:
    detail = rule_detail(code, session=visit.session)
    return _form_page(visit, Form(rule_form.values_of(code, detail.current)), detail)


@router.post(urls.EDIT_RULE, dependencies=[write])
def save_rule(visit: VisitOfRequest, sent: FormOfRequest, code: str) -> Response:
    return _save(visit, sent, rule_detail(code, session=visit.session))


def _save(visit: Visit, sent: Any, detail: RuleDetail | None) -> Response:
    """Save, or show the form again: with the fields of another check, or with what a trial found."""
    form = Form(rule_form.typed_values(sent))
    if detail is not None:
        form.values["code"] = detail.rule.code
    if sent.get("then") == "fields":
        return _form_page(visit, form, detail)
    if sent.get("then") == "preview":
        values = rule_form.content_values(form.values)
        # A rule can be tried before anybody has thought of its code and words.
        unsaid = {"code": "NEW-RULE"} | dict.fromkeys(
            ("title", "what_is_wrong", "why_it_matters", "how_to_fix_it"), "–"
        )
        return _form_page(visit, form, detail, _try(visit, unsaid | values, form))
    try:
        content = parse_rule(rule_form.content_values(form.values))
        made = _written(visit, content, form, detail)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, rule_form.placing)
        return _form_page(visit, form, detail)
    notice = f"{content.code} is saved as version {made.version}."
    if detail is not None and detail.uses:
        notice += " Published events keep the version they have until they are published again."
    return visit.go(urls.RULE if visit.visitor.sees_rules else urls.HOME, notice, code=content.code)


def _written(visit: Visit, content: Any, form: Form, detail: RuleDetail | None) -> RuleVersion:
    if detail is None:
        return create_rule(content, **visit.act)
    return change_rule(detail.rule.code, content, seen_version=as_number(form.text("seen_version")), **visit.act)


def _try(visit: Visit, values: dict[str, Any], form: Form) -> Preview | None:
    form.require("preview_event", "Event: choose the event whose data the rule is tried on.")
    form.require("preview_number", "Participant: enter the number of a district or school of that event.")
    if form.problems:
        return None
    try:
        with trial_database() as database:
            content = parse_rule(values)
            event, number = form.text("preview_event"), form.text("preview_number")
            return preview_rule(content, event, number, session=visit.session, actor=visit.actor, **database)
    except CertificationError as error:
        form.refused(error, rule_form.placing)
        return None


def _form_page(visit: Visit, form: Form, detail: RuleDetail | None, tried: Preview | None = None) -> Response:
    columns = view_columns().get(form.text("view"), {})
    check = rule_form.CHECKS.get(form.text("check"))
    return visit.page(
        "rules/form.html",
        status=form.status,
        detail=detail,
        checks=[(kind, one.words) for kind, one in rule_form.CHECKS.items()],
        asked_fields=check.fields if check else (),
        columns=[(name, f"{label} ({name})") for name, label in columns.items()],
        views=_views(),
        severities=list(Severity),
        grains=list(Grain),
        levels=list(Level),
        **_preview_fields(visit, tried),
        **form.shown(),
    )


def _preview_fields(visit: Visit, tried: Preview | None) -> dict[str, Any]:
    events = preview_events(session=visit.session)
    rows = (tried.rows if tried else None) or ()
    names = dict.fromkeys(name for row in rows for name in row.identifiers)
    named = [(name, totals.column_label(tried.view, name)) for name in names] if tried else []
    return {
        "tried": tried,
        "tried_columns": named,
        "preview_events": [(one.key, f"{one.name} ({one.key})") for one in events],
    }


def _views() -> list[tuple[str, str]]:
    return [(name, totals.view_title(name)) for name in view_columns()]


@router.get(urls.ARCHIVE_RULE, dependencies=[delete])
def ask_to_archive(visit: VisitOfRequest, code: str) -> Response:
    return visit.page("rules/archive.html", detail=rule_detail(code, session=visit.session), **Form().shown())


@router.post(urls.ARCHIVE_RULE, dependencies=[delete])
def archive(visit: VisitOfRequest, sent: FormOfRequest, code: str) -> Response:
    """Archive the rule, or take it out of the archive."""
    back = bool(sent.get("back"))
    form = Form()
    try:
        (unarchive_rule if back else archive_rule)(code, **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        detail = rule_detail(code, session=visit.session)
        return visit.page("rules/archive.html", status=form.status, detail=detail, **form.shown())
    notice = f"{code} is in use again." if back else f"{code} is archived."
    return visit.go(urls.RULE if visit.visitor.sees_rules else urls.HOME, notice, code=code)
