"""Rules tried out on current revisions without storing anything: by the engine and as the role that runs them for good.

Each trial has a schema of its own, dropped when it ends. One at a time in a process: Great Expectations keeps the
context it works with in one place.
"""

import datetime
import json
import re
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.errors import Conflict
from certification_lib.events.models import EventVersion
from certification_lib.rulebook.definitions import views_read
from certification_lib.rulebook.models import Grain, RuleKind
from certification_lib.rulebook.parameters import filled_in
from certification_lib.validation.rule_failure import RuleFailed
from certification_lib.validation.run_schema import (
    PinnedRevision,
    create_run_schema,
    drop_run_schema,
    participant_column,
)

_PREFIX = "trial_"
_LEFT_BEHIND = datetime.timedelta(hours=1)
_WAITED = 20.0
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class RuleToTry:
    """A rule, stored or not; `id` is only to tell rules of one trial apart."""

    id: int
    view: str
    grain: Grain
    kind: RuleKind
    definition: Mapping[str, Any]
    row_identifier_columns: tuple[str, ...]


@dataclass(frozen=True)
class TrialLimits:
    """Seconds one statement, and the rules of one view together, may take."""

    statement: int = 20
    view: int = 30


@dataclass(frozen=True)
class SampleRow:
    """A failing row: whose it is and what it is known by."""

    participant: str
    school_number: str | None
    identifiers: Mapping[str, Any]


@dataclass
class Trial:
    """By rule id: counts per participant (none where there is no finding), or why it could not run. Values of rows
    stand in `samples` and nowhere else."""

    counts: dict[int, dict[str, int]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    samples: dict[int, list[SampleRow]] = field(default_factory=dict)
    row_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0


def try_rules(
    rules: Sequence[RuleToTry],
    pinned: Sequence[PinnedRevision],
    version: EventVersion,
    *,
    engine: sa.Engine,
    rules_url: str,
    limits: TrialLimits = TrialLimits(),
    sample: int = 0,
) -> Trial:
    """Evaluate the rules on these revisions of the event; `sample` failing rows of each rule and participant.

    `engine` is certification_task's, as for a run. Conflict when another trial keeps this server busy; SourceFailure
    when the database itself is the trouble.
    """
    if not _one_at_a_time.acquire(timeout=_WAITED):
        raise Conflict("Somebody else is trying a rule at this moment. Try again in a minute.")
    try:
        read = {name for rule in rules for name in views_read(rule.view, rule.definition)}
        with _schema(pinned, version, read, engine=engine) as schema:
            return _tried(rules, pinned, version, schema, rules_url=rules_url, limits=limits, sample=sample)
    finally:
        _one_at_a_time.release()


def _tried(
    rules: Sequence[RuleToTry],
    pinned: Sequence[PinnedRevision],
    version: EventVersion,
    schema: str,
    *,
    rules_url: str,
    limits: TrialLimits,
    sample: int,
) -> Trial:
    # Great Expectations takes seconds to import; only a trial and a run need it.
    from certification_lib.validation.evaluation import RuleToRun, TimeLimits, ViewEvaluator

    trial = Trial()
    begun = time.monotonic()
    for view in dict.fromkeys(rule.view for rule in rules):
        to_run = [
            RuleToRun(
                rule.id,
                rule.kind,
                filled_in(rule.definition, school_year=version.reporting_year, count_date=version.count_date),
                rule.row_identifier_columns,
            )
            for rule in rules
            if rule.view == view
        ]
        with ViewEvaluator(
            rules_url=rules_url,
            schema=schema,
            view=view,
            participant_column=participant_column(version.level),
            limits=TimeLimits(statement=limits.statement, view=limits.view),
        ) as evaluator:
            found = evaluator.evaluate(to_run, participants={pin.number for pin in pinned})
            trial.counts |= found.counts
            trial.failures |= found.failures
            trial.row_counts[view] = found.row_counts
            failing = [number for number, counts in found.counts.items() if counts]
            if sample and failing:
                _take_samples(trial, failing, evaluator.copy_findings(failing, cap=sample))
    trial.seconds = time.monotonic() - begun
    return trial


def _take_samples(trial: Trial, failing: Sequence[int], blocks: Iterable[bytes]) -> None:
    """A rule may be counted and still err on the rows it returns, since counting reads fewer columns."""
    try:
        for number, row in _rows(blocks):
            trial.samples.setdefault(number, []).append(row)
    except RuleFailed as failure:
        words = f"its rows could not be read: {failure}"
        for number in failing:
            trial.counts.pop(number, None)
            trial.failures[number] = words


@contextmanager
def _schema(
    pinned: Sequence[PinnedRevision], version: EventVersion, read: Collection[str], *, engine: sa.Engine
) -> Iterator[str]:
    now = datetime.datetime.now(datetime.UTC)
    schema = f"{_PREFIX}{int(now.timestamp())}_{secrets.token_hex(4)}"
    with transaction(engine) as session:
        for old in _left_behind(session.connection(), now):
            drop_run_schema(old, session=session)
        create_run_schema(
            schema,
            pinned,
            event_id=version.event_id,
            level=version.level,
            views=version.datamart_views,
            read=read,
            session=session,
        )
    try:
        yield schema
    finally:
        with transaction(engine) as session:
            drop_run_schema(schema, session=session)


def _left_behind(connection: sa.Connection, now: datetime.datetime) -> list[str]:
    """Schemas of trials whose server was killed in the middle."""
    names = sa.inspect(connection).get_schema_names()
    made = {name: re.fullmatch(rf"{_PREFIX}(\d+)_[0-9a-f]+", name) for name in names}
    before = (now - _LEFT_BEHIND).timestamp()
    return [name for name, found in made.items() if found and int(found[1]) < before]


_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _rows(blocks: Iterable[bytes]) -> Iterator[tuple[int, SampleRow]]:
    """Rows of PostgreSQL COPY text: rule, participant, district, school, row key, identifiers."""
    for line in b"".join(blocks).decode().split("\n"):
        if line:
            number, participant, _, school, _, identifiers = map(_value, line.split("\t"))
            yield int(number or 0), SampleRow(participant or "", school, json.loads(identifiers or "{}"))


def _value(text: str) -> str | None:
    if text == r"\N":
        return None
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)
