"""Which events hold rules and groups fast.

Events belong to a package above this one, which must not be imported here; their tables are read by name. A test of
the rulebook keeps these names true.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.live_events import LIVE_STATUSES
from certification_lib.database import SCHEMA
from certification_lib.rulebook.models import RuleVersion

_event = sa.table(
    "event", sa.column("id"), sa.column("key"), sa.column("status"), sa.column("live_version_id"), schema=SCHEMA
)
_version = sa.table("event_version", sa.column("id"), sa.column("name"), sa.column("level"), schema=SCHEMA)
_group = sa.table("event_version_group", sa.column("event_version_id"), sa.column("group_id"), schema=SCHEMA)
_rule = sa.table("event_version_rule", sa.column("event_version_id"), sa.column("rule_version_id"), schema=SCHEMA)


@dataclass(frozen=True)
class LiveUse:
    """A published, not closed event that uses a rule or group; `rule_version` is the version it was published with."""

    key: str
    name: str
    level: str
    rule_version: int | None = None


def events_using_groups(group_ids: Collection[int], *, session: Session) -> dict[int, list[LiveUse]]:
    """The live events that link each group, by name."""
    query = (
        sa.select(_group.c.group_id, _event.c.key, _version.c.name, _version.c.level)
        .join(_version, _version.c.id == _group.c.event_version_id)
        .join(_event, _event.c.live_version_id == _version.c.id)
        .where(_event.c.status.in_(LIVE_STATUSES), _group.c.group_id.in_(group_ids))
        .order_by(_version.c.name, _event.c.key)
    )
    found: dict[int, list[LiveUse]] = defaultdict(list)
    for group_id, *use in session.execute(query):
        found[group_id].append(LiveUse(*use))
    return found


def events_using_rules(rule_ids: Collection[int], *, session: Session) -> dict[int, list[LiveUse]]:
    """The live events whose publication pinned a version of each rule, by name."""
    query = (
        sa.select(RuleVersion.rule_id, _event.c.key, _version.c.name, _version.c.level, RuleVersion.version)
        .join(_rule, _rule.c.rule_version_id == RuleVersion.id)
        .join(_version, _version.c.id == _rule.c.event_version_id)
        .join(_event, _event.c.live_version_id == _version.c.id)
        .where(_event.c.status.in_(LIVE_STATUSES), RuleVersion.rule_id.in_(rule_ids))
        .distinct()
        .order_by(_version.c.name, _event.c.key)
    )
    found: dict[int, list[LiveUse]] = defaultdict(list)
    for rule_id, *use in session.execute(query):
        found[rule_id].append(LiveUse(*use))
    return found


def named(uses: Collection[LiveUse]) -> str:
    """The events in words, each once."""
    return ", ".join(dict.fromkeys(use.name for use in uses))
