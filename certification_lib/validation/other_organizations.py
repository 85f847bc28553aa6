"""Who else: the other organizations in whose current data a comparing rule found a row with the same key.

For the state's people only. An organization is shown its own rows; which other it concerns, the state tells it.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.database import among
from certification_lib.events.models import Participant
from certification_lib.rulebook.comparing_key import comparing_key
from certification_lib.rulebook.models import Grain, RuleVersion
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import Finding
from certification_lib.validation.worklist import WorkRule


def also_found_in(rule: WorkRule, finding_ids: Collection[int], *, session: Session) -> dict[int, list[str]] | None:
    """{finding id: the other organizations with their numbers}; None for a rule that compares none, or whose SQL does
    not show by which key. Findings are kept up to a limit for each rule and participant: one past it names nobody.
    """
    columns = _key_columns(rule, session)
    if not columns:
        return None
    one, other, revision, own, theirs = (
        aliased(Finding), aliased(Finding), aliased(Revision), aliased(Participant), aliased(Participant),
    )  # fmt: skip
    rows = session.execute(
        sa.select(one.id, theirs.organization_name, theirs.organization_number)
        .join(revision, revision.id == one.revision_id)
        .join(own, own.id == revision.participant_id)
        .join(theirs, (theirs.event_id == own.event_id) & (theirs.id != own.id))
        .join(
            other,
            (other.revision_id == theirs.current_revision_id)
            & (other.rule_version_id == one.rule_version_id)
            & sa.and_(*(_value(other, column) == _value(one, column) for column in columns)),
        )
        .where(among(one.id, finding_ids))
        .distinct()
        .order_by(one.id, theirs.organization_number)
    )
    found: dict[int, list[str]] = {finding_id: [] for finding_id in finding_ids}
    for finding_id, name, number in rows:
        found[finding_id].append(f"{name} ({number})")
    return found


def _key_columns(rule: WorkRule, session: Session) -> tuple[str, ...]:
    if rule.grain is not Grain.STATE:
        return ()
    text = session.get_one(RuleVersion, rule.rule_version_id).definition.get("sql")
    key = None if text is None else comparing_key(str(text), rule.row_identifier_columns)
    return () if key is None else key.columns


def _value(finding: type[Finding], column: str) -> sa.ColumnElement[str]:
    """As the rules compare names: neither case nor blanks around them count, and no value is none."""
    return sa.func.upper(sa.func.btrim(sa.func.coalesce(finding.identifiers[column].astext, "")))
