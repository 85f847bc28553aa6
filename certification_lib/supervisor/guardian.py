"""Ends every process of a run whose supervisor was killed.

The supervisor holds the other end of this process's standard input and never writes to it, so that its end is seen
whatever the cause. The signal that components get when their parent dies is not enough: a scheduler that is asked to
end waits for its running tasks, and they for an API server that is gone.
"""

import sys
from pathlib import Path

from certification_lib.supervisor.processes import PROCESSES_FILE, end_sessions, recorded

GRACE_SECONDS = 5.0


def main() -> None:
    folder = Path(sys.argv[1])
    sys.stdin.buffer.read()
    # Read now: a new run may soon write its own. After an orderly stop there is none.
    pids = set(recorded(folder).values())
    if pids:
        end_sessions(pids, grace=GRACE_SECONDS)
        if not set(recorded(folder).values()) - pids:
            (folder / PROCESSES_FILE).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
