"""The rows that fail rules, as one SELECT: by the conditions Great Expectations compiled, or by the rules' own SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import Connection
from psycopg import Error as DriverError
from sqlalchemy.dialects import postgresql

from certification_lib.rulebook.models import RuleKind
from certification_lib.validation.engine import rows_of
from certification_lib.validation.rule_failure import rule_failed

COLUMNS = ("rule_version_id", "participant", "district_id", "school_id", "row_key", "identifiers")


@dataclass(frozen=True, eq=False)
class RuleToRun:
    """A rule with the event's parameters filled in."""

    rule_version_id: int
    kind: RuleKind
    definition: Mapping[str, Any]
    row_identifier_columns: tuple[str, ...]


Condition = sa.ColumnElement[bool]


@dataclass(frozen=True)
class FailingRows:
    """Where the rows are and who is charged for them."""

    schema: str
    view: str
    participant_column: str

    def select(
        self, rules: Sequence[tuple[RuleToRun, Condition | None]], *, cap: int, totals: bool = False
    ) -> sa.Select[Any]:
        """`COLUMNS` of at most `cap` rows for each rule and participant; with totals last how many there are in all.

        Every rule of the kind expectation comes with its condition; all of them are evaluated in one pass.
        """
        conditions = [(rule, condition) for rule, condition in rules if condition is not None]
        parts = [self._by_condition(conditions)] if conditions else []
        parts += [self._returned(rule) for rule, condition in rules if condition is None]
        # OFFSET keeps the parts whole: whatever errs, errs before the first row is sent.
        found = sa.union_all(*parts).offset(sa.literal_column("0")).subquery("found")
        whose = [found.c.rule_version_id, found.c.participant]
        place = sa.func.row_number().over(partition_by=whose, order_by=[sa.collate(found.c.row_key, "C")])
        total = sa.func.count().over(partition_by=whose)
        ranked = sa.select(found, total.label("total"), place.label("place")).subquery("ranked")
        names = (*COLUMNS, "total") if totals else COLUMNS
        return sa.select(*(ranked.c[name] for name in names)).where(ranked.c.place <= cap)

    def _by_condition(self, rules: Sequence[tuple[RuleToRun, Condition]]) -> sa.Select[Any]:
        """One row per failing row and rule, all rules in one pass over the view."""
        view = sa.table(self.view, schema=self.schema)
        numbers = postgresql.array([sa.case((condition, _number(rule))) for rule, condition in rules])
        unnested = sa.func.unnest(sa.cast(numbers, sa.ARRAY(sa.BigInteger)))
        failed = unnested.table_valued(sa.column("rule_version_id", sa.BigInteger), name="failed").render_derived()
        number = failed.c.rule_version_id
        identifiers = sa.case(*((number == _number(rule), _identifiers(rule)) for rule, _ in rules))
        return (
            sa.select(number.label("rule_version_id"), *self._charged(), identifiers.label("identifiers"))
            .select_from(view.join(failed, sa.true()))
            .where(sa.or_(*(condition for _, condition in rules)), number.is_not(None))
        )

    def _returned(self, rule: RuleToRun) -> sa.Select[Any]:
        named = dict.fromkeys(("district_id", "school_id", "row_key", *rule.row_identifier_columns))
        returned = rows_of(str(rule.definition["sql"]), list(named))
        chosen = [_number(rule).label("rule_version_id"), *self._charged(), _identifiers(rule).label("identifiers")]
        return sa.select(*chosen).select_from(returned)

    def _charged(self) -> list[sa.Label[Any]]:
        return [
            sa.cast(sa.column(self.participant_column), sa.Text).label("participant"),
            sa.cast(sa.column("district_id"), sa.Text).label("district_id"),
            sa.cast(sa.column("school_id"), sa.Text).label("school_id"),
            sa.cast(sa.column("row_key"), sa.Text).label("row_key"),
        ]


def copied(statement: sa.Select[Any], *, engine: sa.Engine) -> Iterator[bytes]:
    """The answer as PostgreSQL COPY text, whose bytes nobody looks at. RuleFailed without the database's own words."""
    compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        if not isinstance(driver, Connection):
            raise TypeError("Rules are evaluated over psycopg.")
        with driver.cursor() as cursor:
            try:
                with cursor.copy(f"copy ({compiled}) to stdout", dict(compiled.params)) as copy:
                    for block in copy:
                        yield bytes(block)
            except DriverError as error:
                connection.invalidate()
                raise rule_failed(error) from None
            except BaseException:
                connection.invalidate()  # leaving it to the driver would log what it was copying
                raise


def _number(rule: RuleToRun) -> sa.ColumnElement[int]:
    return sa.cast(sa.literal(rule.rule_version_id), sa.BigInteger)


def _identifiers(rule: RuleToRun) -> sa.ColumnElement[Any]:
    named: list[sa.ColumnElement[Any]] = []
    for name in rule.row_identifier_columns:
        named += [sa.cast(name, sa.Text), sa.column(name)]
    return sa.func.jsonb_build_object(*named)
