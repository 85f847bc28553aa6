"""Rules counted and their findings put away by one statement, for all rules that Great Expectations bundles."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from certification_lib.validation.engine import ParticipantEngine
from certification_lib.validation.failing_rows import FailingRows, RuleToRun, copied
from certification_lib.validation.rule_failure import RuleFailed
from certification_lib.validation.staging import StagedFindings


@dataclass(frozen=True)
class _Pass:
    """The counts of each rule by participant, and the seconds they took together."""

    counts: dict[Any, dict[Any, int]]
    seconds: float


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
        self._ahead: dict[Any, Future[_Pass]] = {}

    def counts(self, key: Any) -> bool:
        """Whether this is the count of a rule."""
        return key in self._rules

    @contextmanager
    def working_ahead(self, keys: Sequence[Any], *, stop: Callable[[], None]) -> Iterator[None]:
        """Meanwhile these are counted one after the other on a connection of their own, the last first, until each is
        asked for: what one process of the server does at the end of a statement leaves the other processors idle.

        `stop` ends what is still being counted when the block is left early.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="rules") as beside:
            try:
                self._ahead = {key: beside.submit(self._pass, [key]) for key in reversed(keys)}
                yield
            except BaseException:
                beside.shutdown(wait=False, cancel_futures=True)
                stop()
                raise

    def take(self, keys: Sequence[Any]) -> None:
        """Fill in the engine's counts or failures and the times of these."""
        known = self._engine.counts.keys() | self._engine.failures.keys()
        wanted = [key for key in keys if key not in known]
        if not wanted:
            return
        try:
            passed = self._passed(wanted)
        except RuleFailed as failure:
            if len(wanted) == 1 or failure.passing:
                self._engine.failures.update(dict.fromkeys(wanted, failure))
            else:
                middle = len(wanted) // 2
                self.take(wanted[:middle])
                self.take(wanted[middle:])
            return
        self._engine.counts.update(passed.counts)
        self._engine.times.update(dict.fromkeys(wanted, (passed.seconds, len(wanted))))

    def _passed(self, keys: Sequence[Any]) -> _Pass:
        """Of what is counted ahead, what came of it; what has not been begun there is counted here."""
        ahead = self._ahead.pop(keys[0], None) if len(keys) == 1 else None
        return self._pass(keys) if ahead is None or ahead.cancel() else ahead.result()

    def _pass(self, keys: Sequence[Any]) -> _Pass:
        begun = time.perf_counter()
        self._check_time()
        rules = [(rule, self._engine.conditions.get(key)) for key in keys for rule in self._rules[key]]
        statement = self._rows.select(rules, cap=self._findings.cap, totals=True)
        numbers = [rule.rule_version_id for rule, _ in rules]
        totals = self._findings.take(copied(statement, engine=self._engine.engine), numbers)
        counts = {key: dict(totals[self._rules[key][0].rule_version_id]) for key in keys}
        return _Pass(counts, time.perf_counter() - begun)
