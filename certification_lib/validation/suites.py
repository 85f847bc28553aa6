"""Validation groups as Great Expectations suites: one per datamart view, written and read by its own serializer.

What a rule says beside its expectation (words, severity, levels …) travels in the expectation's meta, so that nothing
is lost on the way there and back. A suite made elsewhere has none of it: its expectations become rules with plain
words that their author then improves.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, Conflict
from certification_lib.rulebook.authoring import change_rule, create_rule
from certification_lib.rulebook.content import RuleContent, content_of, parse_rule, view_columns
from certification_lib.rulebook.definitions import NO_ROW_WHERE
from certification_lib.rulebook.grouping import GroupContent, change_group, content_of_group, create_group
from certification_lib.rulebook.listing import group_detail
from certification_lib.rulebook.models import Rule, RuleVersion, Severity, ValidationGroup
from certification_lib.rulebook.rules import rule_digest

META = "certification"
_SQL = "expect_no_rows"
_NO_SUITE = "This is not a suite of Great Expectations, or it names an expectation that is not known here."
# Great Expectations' own word for each severity, so that its reports show the same.
_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "warning", Severity.INFO: "info"}


@dataclass(frozen=True)
class ImportedSuites:
    """What an import did; codes of rules."""

    group: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int


def suite_documents(group_id: int, *, session: Session) -> dict[str, dict[str, Any]]:
    """The group's suites as Great Expectations writes them, by datamart view; archived rules are left out."""
    # Great Expectations takes seconds to import, here and below.
    from certification_lib.validation import engine  # noqa: F401  registers our two expectations
    from certification_lib.validation.great_expectations import ExpectationSuite

    detail = group_detail(group_id, session=session)
    group = detail.group
    standing = [
        (place, rule, version) for place, (rule, version) in enumerate(detail.rules, start=1) if not rule.archived
    ]
    documents = {}
    for view in dict.fromkeys(version.view for _, _, version in standing):
        suite = ExpectationSuite(
            name=f"{group.name}: {view}",
            expectations=[
                _expectation(place, rule, version) for place, rule, version in standing if version.view == view
            ],
            meta={
                META: {
                    "group": group.name,
                    "description": group.description,
                    "level": group.level.value,
                    "view": view,
                }
            },
        )
        documents[view] = dict(suite.to_json_dict())
    return documents


def import_suites(
    documents: Sequence[Mapping[str, Any]],
    *,
    name: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> ImportedSuites:
    """Make rules and their group of suites, all or nothing; BadInput lists every problem.

    `name` is that of the group; without it the group the suites were exported from, else the first suite's name. Rules
    of the group on views that are not among the suites stay. The same suites again change nothing.
    """
    suites = [_read(document) for document in documents]
    if not suites:
        raise BadInput("There is no suite to import.")
    problems: list[str] = []
    contents = [found for suite in suites for found in _contents(suite, problems)]
    if problems:
        raise BadInput("The suites cannot be imported.", problems=problems)
    added, changed = _write_rules([content for _, content in contents], session=session, actor=actor, now=now)
    about = suites[0].about
    group = GroupContent(
        name=name or about.get("group") or suites[0].name,
        level=_level(about, [content for _, content in contents]),
        description=about.get("description") or "",
    )
    places = {content.code: place for place, content in contents}
    _write_group(group, places, {suite.view for suite in suites}, session=session, actor=actor, now=now)
    return ImportedSuites(group.name, tuple(added), tuple(changed), len(contents) - len(added) - len(changed))


@dataclass(frozen=True)
class _Suite:
    name: str
    view: str
    about: Mapping[str, Any]
    expectations: Sequence[Mapping[str, Any]]


def _expectation(place: int, rule: Rule, version: RuleVersion) -> Any:
    from certification_lib.validation.great_expectations import ExpectationConfiguration, FailureSeverity

    content = content_of(rule.code, version)
    form = content.pop("expectation", None)
    if form is None:
        kind, kwargs = _SQL, {"query": content.pop("sql")}
    else:
        kind, kwargs = form["type"], dict(form["kwargs"])
        if kind == NO_ROW_WHERE:
            kwargs["column"] = "row_key"
    configuration = ExpectationConfiguration(
        type=kind,
        kwargs=kwargs,
        meta={META: {**content, "version": version.version, "position": place}},
        severity=FailureSeverity(_SEVERITIES[version.severity]),
    )
    return configuration.to_domain_obj()


def _read(document: Mapping[str, Any]) -> _Suite:
    """The suite by Great Expectations' own reader."""
    from certification_lib.validation import engine  # noqa: F401  registers our two expectations
    from certification_lib.validation.great_expectations import ExpectationSuite, expectationSuiteSchema

    try:
        suite = ExpectationSuite(**expectationSuiteSchema.load(dict(document)))
        written: Any = suite.to_json_dict()
    except Exception:  # noqa: BLE001  many kinds of error, whose texts quote what was sent at length
        raise BadInput(_NO_SUITE) from None
    sent = document.get("expectations")
    if not isinstance(sent, list) or len(sent) != len(suite.expectations):
        raise BadInput(_NO_SUITE)  # it leaves out what it does not know, without a word
    about = (suite.meta or {}).get(META) or {}
    view = str(about.get("view") or suite.name)
    return _Suite(str(suite.name), view, about, list(written["expectations"]))


def _contents(suite: _Suite, problems: list[str]) -> Iterator[tuple[int, RuleContent]]:
    """(place in the group, rule) for each expectation."""
    if suite.view not in view_columns():
        problems.append(
            f"{suite.name}: there is no datamart view {suite.view!r}; name the suite after the view it is about."
        )
        return
    for place, expectation in enumerate(suite.expectations, start=1):
        values = _values(place, expectation, suite)
        position = values.pop("position", place)
        try:
            yield position if isinstance(position, int) else place, parse_rule(values)
        except BadInput as error:
            named = values.get("code") or f"expectation {place}"
            problems += [f"{named}: {problem}" for problem in error.problems]


def _values(place: int, expectation: Mapping[str, Any], suite: _Suite) -> dict[str, Any]:
    kind = str(expectation["type"])
    kwargs = {name: value for name, value in dict(expectation["kwargs"]).items() if value is not None}
    ours = (expectation.get("meta") or {}).get(META)
    values = dict(ours) if isinstance(ours, dict) else _foreign(place, expectation, suite)
    values.pop("version", None)
    if kind == _SQL:
        return {**values, "sql": kwargs.get("query")}
    if kind == NO_ROW_WHERE:
        kwargs.pop("column", None)
    return {**values, "expectation": {"type": kind, "kwargs": kwargs}}


def _foreign(place: int, expectation: Mapping[str, Any], suite: _Suite) -> dict[str, Any]:
    """Plain words for an expectation that was written elsewhere."""
    columns = view_columns()[suite.view]
    words = str(expectation["type"]).removeprefix("expect_").replace("_", " ")
    column = str(dict(expectation["kwargs"]).get("column"))
    said = str(expectation.get("description") or expectation.get("notes") or "").strip()
    severity = {gx: ours for ours, gx in _SEVERITIES.items()}.get(str(expectation.get("severity")), Severity.ERROR)
    prefix = re.sub(r"[^A-Z0-9]+", "-", suite.name.upper()).strip("-")[:30] or "SUITE"
    return {
        "code": f"GX-{prefix}-{place:03}",
        "title": f"{columns[column]}: {words}" if column in columns else words.capitalize(),
        "what_is_wrong": said or f"The row does not meet the expectation “{words}”.",
        "why_it_matters": f"The suite {suite.name} expects it.",
        "how_to_fix_it": "Correct the record in the source system.",
        "levels": [level.value for level in (Level.DISTRICT, Level.SCHOOL)],
        "grain": "Student" if "student_unique_id" in columns else "School",
        "view": suite.view,
        "severity": severity.value,
        "row_identifier_columns": ["student_unique_id" if "student_unique_id" in columns else "row_key"],
        "modelled_on": f"Great Expectations suite {suite.name}",
        "position": place,
    }


def _write_rules(
    contents: Sequence[RuleContent], *, session: Session, actor: Actor, now: datetime.datetime
) -> tuple[list[str], list[str]]:
    """Codes of the rules that are new, and of those that were changed."""
    current = sa.and_(RuleVersion.rule_id == Rule.id, RuleVersion.version == Rule.current_version)
    query = sa.select(Rule, RuleVersion).join(RuleVersion, current)
    wanted = [content.code for content in contents]
    known = {rule.code: (rule, version) for rule, version in session.execute(query.where(Rule.code.in_(wanted)))}
    added, changed, problems = [], [], []
    for content in contents:
        try:
            if content.code not in known:
                create_rule(content, session=session, actor=actor, now=now)
                added.append(content.code)
            elif rule_digest(content.content()) != known[content.code][1].digest:
                change_rule(content.code, content, session=session, actor=actor, now=now)
                changed.append(content.code)
        except (BadInput, Conflict) as error:
            problems += [f"{content.code}: {problem}" for problem in error.problems]
    if problems:
        raise BadInput("The suites cannot be imported.", problems=problems)
    return added, changed


def _write_group(
    wanted: GroupContent,
    places: Mapping[str, int],
    views: set[str],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    group = session.scalar(sa.select(ValidationGroup).where(ValidationGroup.name == wanted.name))
    if group is None:
        rules = tuple(sorted(places, key=places.__getitem__))
        create_group(
            GroupContent(wanted.name, wanted.level, wanted.description, rules=rules),
            session=session,
            actor=actor,
            now=now,
        )
        return
    standing = content_of_group(group, session=session)
    order = {code: place for place, code in enumerate(standing.rules, start=1)}
    view_of = {rule.code: version.view for rule, version in group_detail(group.id, session=session).rules}
    kept = [code for code in standing.rules if code in places or view_of[code] not in views]
    codes = dict.fromkeys([*kept, *places])
    rules = tuple(sorted(codes, key=lambda code: places.get(code, order.get(code, len(codes)))))
    description = wanted.description or standing.description
    content = GroupContent(standing.name, standing.level, description, standing.active, rules)
    change_group(group.id, content, session=session, actor=actor, now=now)


def _level(about: Mapping[str, Any], contents: Sequence[RuleContent]) -> Level:
    if about.get("level") in {level.value for level in Level}:
        return Level(about["level"])
    return Level.DISTRICT if all(Level.DISTRICT in content.levels for content in contents) else Level.SCHOOL
