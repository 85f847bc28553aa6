"""Rules counted and their findings put away by one statement, for all rules that Great Expectations bundles."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from certification_lib.validation.engine import ParticipantEngine
from certification_lib.validation.failing_rows import FailingRows, RuleToRun, copied
from certification_lib.validation.rule_failure import RuleFailed
from certification_lib.validation.staging import StagedFindings


class OnePass:
    """What the engine asks instead of counting: the counts are those of the rows put away.

    When a pass errs, its halves are tried, so that one rule that errs costs a few passes more and the others nothing.
    """

    def __init__(
        self,
        engine: ParticipantEngine,
        rows: FailingRows,
        findings: StagedFindings,
        rules: Iterable[tuple[Any, RuleToRun]],
        *,
        check_time: Callable[[], None],
    ) -> None:
        """`rules`: with the key under which the engine keeps each; rules that ask the same have the same key."""
        self._engine, self._rows, self._findings, self._check_time = engine, rows, findings, check_time
        self._rules: dict[Any, list[RuleToRun]] = {}
        for key, rule in rules:
            self._rules.setdefault(key, []).append(rule)

    def counts(self, key: Any) -> bool:
        """Whether this is the count of a rule."""
        return key in self._rules

    def take(self, keys: Sequence[Any]) -> None:
        """Fill in the engine's counts or failures and the times of these."""
        known = self._engine.counts.keys() | self._engine.failures.keys()
        wanted = [key for key in keys if key not in known]
        if not wanted:
            return
        begun = time.perf_counter()
        try:
            self._pass(wanted)
        except RuleFailed as failure:
            if len(wanted) == 1 or failure.passing:
                self._engine.failures.update(dict.fromkeys(wanted, failure))
            else:
                middle = len(wanted) // 2
                self.take(wanted[:middle])
                self.take(wanted[middle:])
                return
        took = (time.perf_counter() - begun, len(wanted))
        self._engine.times.update(dict.fromkeys(wanted, took))

    def _pass(self, keys: Sequence[Any]) -> None:
        self._check_time()
        rules = [(rule, self._engine.conditions.get(key)) for key in keys for rule in self._rules[key]]
        statement = self._rows.select(rules, cap=self._findings.cap, totals=True)
        numbers = [rule.rule_version_id for rule, _ in rules]
        totals = self._findings.take(copied(statement, engine=self._engine.engine), numbers)
        for key in keys:
            self._engine.counts[key] = dict(totals[self._rules[key][0].rule_version_id])
