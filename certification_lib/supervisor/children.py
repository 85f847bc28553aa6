"""Starting child processes that never outlive the one that started them."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
# Loaded here, because nothing may be imported between fork and exec.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    name: str
    user: int
    group: int


def system_account() -> Account | None:
    """The account for a server that refuses to run as root; None when this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise RuntimeError("PostgreSQL does not run as root, and this machine has neither a postgres nor a nobody account.")


def adopt_orphans() -> None:
    """Makes grandchildren whose parent ends children of this process, so that none is lost. Linux only."""
    if _libc is not None:
        _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start_child(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    account: Account | None = None,
    end_signal: signal.Signals = signal.SIGTERM,
    text: str | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a command, with `text` on its standard input, that gets `end_signal` when the calling thread ends.

    Output goes to a file, not to a pipe: a killed reader leaves writers of a pipe hanging in their exit handlers.
    """
    identity: dict[str, object] = {}
    if account is not None:
        identity = {"user": account.user, "group": account.group, "extra_groups": []}
    with open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            [str(part) for part in command],
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
            preexec_fn=_ending_with_parent(end_signal),  # noqa: PLW1509 - it calls the C library and nothing else
            **identity,
        )
    if text is not None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(text.encode())
    return process


def _ending_with_parent(end_signal: signal.Signals) -> Callable[[], None] | None:
    libc, parent = _libc, os.getpid()
    if libc is None:
        return None

    def in_child() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, int(end_signal), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    return in_child
