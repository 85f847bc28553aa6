"""Airflow's LocalExecutor, whose scheduler ends when one of its worker processes was killed.

Idle workers wait for work one behind the other: one holds the lock of their queue, the rest wait for the lock. If it is
killed at that moment, by the kernel for want of memory or by anybody, it takes the lock along. Then no task is ever
started again, although the scheduler lives, says it is well and goes on to queue tasks. Nobody can tell whether the
lock was held, so every such death counts: the scheduler ends at once, whoever keeps it running starts it again, and the
new one takes up what was queued and repeats what was cut.
"""

import os

from airflow.executors.local_executor import LocalExecutor

STATUS = 70  # EX_SOFTWARE


class EndingLocalExecutor(LocalExecutor):
    """Needs somebody who starts an ended scheduler again: `certify up`, systemd, a container's restart policy."""

    def _check_workers(self) -> None:
        """Called before and after anything is queued; the original forgets workers that ended and starts others."""
        killed = [process.pid for process in self.workers.values() if process.exitcode not in {None, 0}]
        if killed:
            self.log.error(
                "Worker process %s was killed, perhaps with the lock of the queue: this scheduler can start no task "
                "any more and ends, to be started again",
                ", ".join(str(pid) for pid in killed),
            )
            # An orderly end would wait for the workers, and they for the lock.
            for process in self.workers.values():
                process.kill()
            os._exit(STATUS)
        super()._check_workers()  # type: ignore[no-untyped-call]
