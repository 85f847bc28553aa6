"""California's real districts with synthetic students, the Fall group's rules, and those rules as hand-written SQL."""

import datetime
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlglot
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.database import database_now, make_engine, transaction
from certification_lib.events.models import Event, EventVersionRule, Participant
from certification_lib.migrations.migrate import upgrade
from certification_lib.rulebook.models import Rule, RuleKind, RuleVersion, ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.parameters import with_parameters
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.sample_source.load import load_sample
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.sample_source.state import read_state
from certification_lib.snapshots import partitions
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.snapshots.pipe import connect
from certification_lib.snapshots.service import request_snapshot, take_snapshot
from certification_lib.snapshots.view_files import read_views
from certification_lib.supervisor.postgres import embedded_server
from certification_lib.validation import service
from certification_lib.validation.finishing import FinishedValidation
from tests.benchmarks.world import tell
from tests.snapshots.conftest import publish_event

GROUP = "Fall Enrollment Count"
STATE_EVENT = "fall-count"
SCHOOL_YEAR, COUNT_DATE = 2017, datetime.date(2016, 10, 1)
_NOW = datetime.datetime(2016, 9, 20, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class BenchmarkRule:
    """A delivered rule with its parameters filled in; `failing` is a SELECT of the rows that fail it."""

    version_id: int
    code: str
    view: str
    kind: RuleKind
    definition: Mapping[str, Any]
    identifiers: tuple[str, ...]

    @property
    def condition(self) -> str:
        kwargs = self.definition["kwargs"]
        if self.definition["type"] == "expect_no_row_where":
            return str(kwargs["fails_when"])
        return _BY_HAND[self.definition["type"]](kwargs)

    def failing(self, rows: str) -> str:
        """`rows` is where the rows of the view are: a table with a condition, or a view."""
        if self.kind is RuleKind.SQL:
            return f"with {self.view} as not materialized (select * from {rows}) {self.definition['sql']}"  # noqa: S608
        return f"select * from (select * from {rows}) as {self.view} where {self.condition}"  # noqa: S608


_BY_HAND = {
    "expect_column_values_to_not_be_null": lambda kwargs: f"{kwargs['column']} is null",
    "expect_column_values_to_be_null": lambda kwargs: f"{kwargs['column']} is not null",
    "expect_column_values_to_be_in_set": lambda kwargs: f"{kwargs['column']} not in ({_texts(kwargs['value_set'])})",
    "expect_column_values_to_not_be_in_set": lambda kwargs: f"{kwargs['column']} in ({_texts(kwargs['value_set'])})",
    "expect_column_values_to_match_regex": lambda kwargs: f"{kwargs['column']} !~ {_texts([kwargs['regex']])}",
    "expect_column_values_to_not_match_regex": lambda kwargs: f"{kwargs['column']} ~ {_texts([kwargs['regex']])}",
    "expect_column_values_to_be_between": lambda kwargs: (
        f"{kwargs['column']} not between {kwargs['min_value']} and {kwargs['max_value']}"
    ),
}


def _texts(values: Sequence[object]) -> str:
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)


@dataclass
class ValidationWorld:
    """Published events over one loaded source; every event has the same rules."""

    engine: sa.Engine
    rules_url: str
    source_owner_url: str
    rules: Sequence[BenchmarkRule]
    manifest: SampleManifest

    @property
    def views(self) -> list[str]:
        return sorted({rule.view for rule in self.rules})

    def validate(self, event_key: str = STATE_EVENT, numbers: Sequence[str] | None = None) -> FinishedValidation:
        with transaction(self.engine) as session:
            run = service.begin_validation(
                event_key, numbers=numbers, session=session, actor=SYSTEM, now=database_now(session)
            )
            run_id = run.id
        return service.validate_run(run_id, engine=self.engine, rules_url=self.rules_url)

    def rows_of(self, view: str, event_key: str = STATE_EVENT) -> str:
        """The current rows of a view, the slot named so that nothing else is read."""
        with self.engine.connect() as connection:
            place = sa.text(
                "select p.event_id, max(v.slot) from certification.revision_view v"
                " join certification.participant p on p.current_revision_id = v.revision_id"
                " join certification.event e on e.id = p.event_id where e.key = :key and v.view = :view group by 1"
            )
            event_id, slot = connection.execute(place, {"key": event_key, "view": view}).one()
        return f"datamart.{view} where event_id = {event_id} and slot = {slot}"

    def handwritten(self, event_key: str = STATE_EVENT, codes: Sequence[str] | None = None) -> None:
        """One INSERT … SELECT … GROUP BY for each rule."""
        rows = {view: self.rows_of(view, event_key) for view in self.views}
        with self.engine.connect() as connection:
            connection.execute(
                sa.text("create temporary table by_hand (code text, district_id text, found bigint) on commit drop")
            )
            for rule in self.rules:
                if codes is None or rule.code in codes:
                    connection.exec_driver_sql(
                        f"insert into by_hand select '{rule.code}', district_id, count(*)"  # noqa: S608
                        f" from ({rule.failing(rows[rule.view])}) as failing group by district_id".replace("%", "%%")
                    )

    def counts(self, event_key: str = STATE_EVENT) -> dict[str, dict[str, int]]:
        """{rule: {district: findings}} of the current revisions; districts without are left out."""
        query = sa.text(
            "select rule.code, p.organization_number, r.finding_count from certification.validation_result r"
            " join certification.rule_version v on v.id = r.rule_version_id"
            " join certification.rule rule on rule.id = v.rule_id"
            " join certification.participant p on p.current_revision_id = r.revision_id"
            " join certification.event e on e.id = p.event_id where e.key = :key and r.finding_count > 0"
        )
        found: dict[str, dict[str, int]] = {}
        with self.engine.connect() as connection:
            for code, number, count in connection.execute(query, {"key": event_key}):
                found.setdefault(code, {})[number] = count
        return found

    @contextmanager
    def only(self, codes: Collection[str], event_key: str = STATE_EVENT) -> Iterator[None]:
        """Meanwhile the event has these rules and no others."""
        others = [rule for rule in self.rules if rule.code not in codes]
        with transaction(self.engine) as session:
            event = session.scalars(sa.select(Event).where(Event.key == event_key)).one()
            event_version_id = event.live_version_id
            session.execute(
                sa.delete(EventVersionRule).where(
                    EventVersionRule.event_version_id == event_version_id,
                    EventVersionRule.rule_version_id.in_([rule.version_id for rule in others]),
                )
            )
        try:
            yield
        finally:
            with transaction(self.engine) as session:
                _pin(session, session.scalars(sa.select(Event).where(Event.key == event_key)).one(), others)

    def how_many_districts(self, event_key: str = STATE_EVENT) -> int:
        """Districts that have enrollments."""
        return len(self._districts(event_key))

    def district_of(self, rows: int) -> tuple[str, int]:
        """The district whose enrollments come nearest to so many, and how many it has."""
        query = sa.text(
            "select p.organization_number, v.row_count from certification.participant p"
            " join certification.event e on e.id = p.event_id and e.key = :key"
            " join certification.revision_view v on v.revision_id = p.current_revision_id and v.view = 'enrollment'"
            " order by abs(v.row_count - :rows), p.organization_number limit 1"
        )
        with self.engine.connect() as connection:
            number, count = connection.execute(query, {"key": STATE_EVENT, "rows": rows}).one()
        return str(number), int(count)

    def districts(self, how_many: int, event_key: str = STATE_EVENT) -> list[str]:
        """So many districts evenly taken from the smallest to the largest."""
        numbers = self._districts(event_key)
        return [numbers[(2 * place + 1) * len(numbers) // (2 * how_many)] for place in range(how_many)]

    def _districts(self, event_key: str) -> list[str]:
        """Those with enrollments, the smallest first."""
        query = sa.text(
            "select p.organization_number from certification.participant p"
            " join certification.event e on e.id = p.event_id and e.key = :key"
            " join certification.revision_view v on v.revision_id = p.current_revision_id and v.view = 'enrollment'"
            " where v.row_count > 0 order by v.row_count, p.organization_number"
        )
        with self.engine.connect() as connection:
            return list(connection.execute(query, {"key": event_key}).scalars())

    def derive(
        self,
        event_key: str,
        *,
        share: float = 1.0,
        districts: int | None = None,
        rules: Sequence[BenchmarkRule] | None = None,
    ) -> None:
        """Another event with so much of the state's rows, or cut into so many districts of skewed size."""
        rules = self.rules if rules is None else rules
        hashed = "(hashtextextended(student_unique_id, 7) & 1048575) / 1048576.0"
        cut = f"'D' || floor({districts} * power({hashed}, 3))::int"
        sources = {}
        for view in sorted({rule.view for rule in rules}):
            district = "district_id" if districts is None else cut
            kept = f"(hashtextextended(student_unique_id, 3) & 1048575) < {int(share * 1048576)}"
            sources[view] = (district, f"{self.rows_of(view)} and {kept}")
        with transaction(self.engine) as session:
            numbers = {
                str(number)
                for district, rows in sources.values()
                for number in session.scalars(sa.text(f"select distinct {district} from {rows}"))  # noqa: S608
            }
            known = {f"{event_key} {number}": number for number in sorted(numbers)}
            event = _publish(session, event_key, sorted(sources), known)
            _pin(session, event, rules)
            snapshot = _snapshot(session, event)
            event_id, snapshot_id = event.id, snapshot.id
        self._fill(event_id, snapshot_id, sources)

    def _fill(self, event_id: int, snapshot_id: int, sources: Mapping[str, tuple[str, str]]) -> None:
        with connect(self.engine.url) as database:
            for view, (district, rows) in sources.items():
                partitions.ensure_event_tables(database, view, event_id, Level.DISTRICT)
                partitions.create_slot_table(database, view, event_id, snapshot_id)
                table = f"datamart.{partitions.slot_table(view, event_id, snapshot_id)}"
                with self.engine.connect() as connection:
                    columns = [
                        column["name"]
                        for column in sa.inspect(connection).get_columns(view, "datamart")
                        if column["name"] not in {"event_id", "slot", "snapshot_id", "district_id", "row_key"}
                    ]
                listed = ", ".join(columns)
                database.execute(
                    f"insert into {table} (event_id, slot, snapshot_id, district_id, row_key, {listed}) "  # noqa: S608
                    f"select {event_id}, {snapshot_id}, {snapshot_id}, {district}, district_id || row_key, {listed} "
                    f"from {rows} order by 4, 5".encode()
                )
                partitions.index_slot_table(database, view, event_id, snapshot_id, Level.DISTRICT)
                database.execute(f"vacuum analyze {table}".encode())
                partitions.attach(database, view, event_id, snapshot_id)
        with transaction(self.engine) as session:
            for view in sources:
                session.execute(
                    sa.text(
                        "insert into certification.revision_view (revision_id, view, row_count, digest, columns, slot)"  # noqa: S608
                        " select p.current_revision_id, :view, coalesce(rows.count, 0), '', '[]', :slot"
                        " from certification.participant p left join (select district_id, count(*)"
                        f" from datamart.{view} where event_id = :event and slot = :slot group by 1) as rows"
                        " on rows.district_id = p.organization_number where p.event_id = :event"
                    ),
                    {"view": view, "slot": snapshot_id, "event": event_id},
                )


@contextmanager
def validation_world(students: int, *, state: str = "CA", every_rule: bool = False) -> Iterator[ValidationWorld]:
    """`filled_world` on a server of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="certification-benchmark-") as folder,
        embedded_server(Path(folder) / "server") as server,
    ):
        upgrade(server.url("certification_owner"))
        source = ("source_owner", "source_reader")
        urls = [server.url(role, "source") for role in source]
        with filled_world(students, state, server.url, *urls, every_rule=every_rule) as world:
            yield world


@contextmanager
def filled_world(
    students: int,
    state: str,
    url_of: Callable[[str], str],
    source_owner_url: str,
    source_url: str,
    *,
    every_rule: bool = False,
) -> Iterator[ValidationWorld]:
    """The state with so many students and a snapshot of the views that the Fall group's rules read.

    `every_rule`: all delivered rules that can be used in such an event, and all views.
    """
    manifest = load_sample(source_owner_url, state=state, students=students, grand_bend=False, progress=tell)
    engine = make_engine(url_of("certification_task"))
    districts = {each.number: each.name for each in read_state(state).districts if each.schools}
    try:
        with transaction(engine) as session:
            sync_delivered_rules(session=session, actor=SYSTEM, now=_NOW)
            rules = delivered_rules(session) if every_rule else single_view_rules(session, GROUP)
            views = sorted(read_views()) if every_rule else sorted({rule.view for rule in rules})
            _pin(session, publish_event(session, views, districts, key=STATE_EVENT), rules)
        with transaction(engine) as session:
            snapshot_id = request_snapshot(
                STATE_EVENT, SnapshotKind.STATE, on_demand=True, session=session, actor=SYSTEM,
                now=database_now(session),
            ).id  # fmt: skip
        take_snapshot(snapshot_id, engine=engine, source_url_of=lambda _name: source_url)
        yield ValidationWorld(engine, url_of("certification_rules"), source_owner_url, rules, manifest)
    finally:
        engine.dispose()


def single_view_rules(session: Session, group: str) -> list[BenchmarkRule]:
    """The group's rules that read no view but their own."""
    query = (
        sa.select(RuleVersion, Rule.code)
        .join(Rule, sa.and_(Rule.id == RuleVersion.rule_id, Rule.current_version == RuleVersion.version))
        .join(ValidationGroupRule, ValidationGroupRule.rule_id == Rule.id)
        .join(ValidationGroup, ValidationGroup.id == ValidationGroupRule.group_id)
        .where(ValidationGroup.name == group)
        .order_by(ValidationGroupRule.position)
    )
    return [
        _rule(version, code)
        for version, code in session.execute(query)
        if version.kind is not RuleKind.SQL or _tables(version.definition["sql"]) == {version.view}
    ]


def delivered_rules(session: Session) -> list[BenchmarkRule]:
    """Every delivered rule that may be used at District level."""
    query = sa.select(RuleVersion, Rule.code).join(
        Rule, sa.and_(Rule.id == RuleVersion.rule_id, Rule.current_version == RuleVersion.version)
    )
    return [_rule(version, code) for version, code in session.execute(query) if "District" in version.levels]


def _rule(version: RuleVersion, code: str) -> BenchmarkRule:
    return BenchmarkRule(
        version.id, code, version.view, version.kind, _filled_in(version.definition),
        tuple(version.row_identifier_columns),
    )  # fmt: skip


def _tables(text: str) -> set[str]:
    parsed = sqlglot.parse_one(text, dialect="postgres")
    defined = {each.alias for each in parsed.find_all(sqlglot.exp.CTE)}
    return {table.name for table in parsed.find_all(sqlglot.exp.Table)} - defined


def _filled_in(definition: Mapping[str, Any]) -> dict[str, Any]:
    def filled(text: str) -> str:
        return with_parameters(text, school_year=SCHOOL_YEAR, count_date=COUNT_DATE)

    if "sql" in definition:
        return {"sql": filled(definition["sql"])}
    kwargs = {name: filled(value) if name == "fails_when" else value for name, value in definition["kwargs"].items()}
    return {"type": definition["type"], "kwargs": kwargs}


def _pin(session: Session, event: Event, rules: Sequence[BenchmarkRule]) -> None:
    group_id = session.scalars(sa.select(ValidationGroup.id).where(ValidationGroup.name == GROUP)).one()
    session.add_all(
        EventVersionRule(
            event_version_id=event.live_version_id, group_id=group_id, rule_version_id=rule.version_id, position=place
        )
        for place, rule in enumerate(rules)
    )
    session.flush()


def _publish(session: Session, key: str, views: Sequence[str], numbers: Mapping[str, str]) -> Event:
    """`numbers`: organization number by a name that is this event's own; rows name districts by that number."""
    event = publish_event(session, list(views), {name: name for name in numbers}, key=key)
    for participant in session.scalars(sa.select(Participant).where(Participant.event_id == event.id)):
        number = numbers[participant.organization_number]
        participant.organization_number = participant.lea_number = number
    session.flush()
    return event


def _snapshot(session: Session, event: Event) -> Snapshot:
    now = database_now(session)
    snapshot = Snapshot(
        event_id=event.id, kind=SnapshotKind.STATE, status=SnapshotStatus.COMPLETED, on_demand=False,
        requested_by="system", requested_at=now,
    )  # fmt: skip
    session.add(snapshot)
    session.flush()
    for participant in session.scalars(sa.select(Participant).where(Participant.event_id == event.id)):
        revision = Revision(
            participant_id=participant.id, snapshot_id=snapshot.id, number=1, kind=SnapshotKind.STATE,
            taken_by="system", taken_at=now, source_as_of=now, confirmed_as_of=now, digest="", row_count=0, empty=False,
        )  # fmt: skip
        session.add(revision)
        session.flush()
        participant.current_revision_id = revision.id
    session.flush()
    return snapshot
