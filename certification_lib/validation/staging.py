"""Where findings lie until all of a view's rules have run: a temporary table of the connection that will store them."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg import Connection as DriverConnection
from psycopg import Error as DriverError

from certification_lib.errors import SourceFailure
from certification_lib.validation.rule_failure import RuleFailed

_STAGE = """
    create temporary table staged_finding (
      rule_version_id bigint, number text, district_id text, school_id text, row_key text, identifiers jsonb,
      total bigint
    )
"""
_TOTALS = sa.text(
    "select rule_version_id, number, max(total) from staged_finding"
    " where rule_version_id = any(cast(:rules as bigint[])) group by rule_version_id, number"
)

Totals = Mapping[int, Mapping[str | None, int]]


class StagedFindings:
    """Findings of one view. Whatever goes wrong while rows are written, the connection is closed, never reused."""

    def __init__(self, connection: sa.Connection, *, cap: int) -> None:
        self.connection, self.cap = connection, cap
        self._turn = threading.Lock()

    def take(self, blocks: Iterator[bytes], rule_version_ids: Sequence[int]) -> Totals:
        """Put findings away; how many each rule has in all, by participant.

        `blocks` is COPY text of these rules, the same total in every row of a rule and participant. What it raises
        before its first block leaves everything as it was. May be called by several threads at once: they wait for
        their first blocks together and write one after the other.
        """
        first = next(blocks, None)
        totals: dict[int, dict[str | None, int]] = {number: {} for number in rule_version_ids}
        if first is None:
            return totals
        with self._turn:
            self._copy(first, blocks)
            with self.connection.begin():
                found = self.connection.execute(_TOTALS, {"rules": list(rule_version_ids)})
                for rule_version_id, number, total in found:
                    totals[rule_version_id][number] = total
        return totals

    def _copy(self, first: bytes, blocks: Iterator[bytes]) -> None:
        driver = self.connection.connection.driver_connection
        if not isinstance(driver, DriverConnection):
            raise TypeError("Findings are stored over psycopg.")
        with driver.cursor() as cursor:
            try:
                with cursor.copy("copy staged_finding from stdin") as copy:
                    copy.write(first)
                    for block in blocks:
                        copy.write(block)
                driver.commit()
            except (DriverError, RuleFailed):
                self.connection.invalidate()  # leaving it to the driver would log the row it stopped at
                raise SourceFailure("The findings could not be written down.") from None
            except BaseException:
                self.connection.invalidate()
                raise


@contextmanager
def staged_findings(engine: sa.Engine, *, cap: int) -> Iterator[StagedFindings]:
    """Room for the findings of one view, at most `cap` for each rule and participant; gone at the end."""
    with engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(sa.text(_STAGE))
            yield StagedFindings(connection, cap=cap)
            with connection.begin():
                connection.execute(sa.text("drop table staged_finding"))
        except BaseException:
            connection.invalidate()  # the staged rows end with the connection, whatever happened
            raise
