"""Settings of this installation: the only module that reads the environment.

Each setting is an environment variable `CERTIFICATION_<NAME>`; those not set are read from `settings.json` in the
state folder, which `certify up` writes. Nothing is kept between calls: a process that outlives one `certify up` sees
the ports of the next.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
SETTINGS_FILE = "settings.json"
# The connection that the delivered datamart views name.
EDFI_ODS = "edfi_ods"

# The setting that holds the database address used when logged in as each PostgreSQL role.
URL_SETTINGS = {
    "certification_owner": "owner_url",
    "certification_task": "database_url",
    "certification_app": "web_url",
    "certification_rules": "rules_url",
    "datamart_reader": "reader_url",
    "source_reader": "source_url",
    "source_owner": "source_owner_url",
    "airflow": "airflow_url",
}


class SettingsError(RuntimeError):
    """A setting is missing or has a value that cannot be used; the text says which and how to set it."""


@dataclass(frozen=True)
class Settings:
    state_folder: Path
    manifest_folder: Path
    mail_folder: Path
    base_url: str
    # Addresses hold passwords, so that none of them appears in a representation.
    owner_url: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    web_url: str | None = field(default=None, repr=False)
    rules_url: str | None = field(default=None, repr=False)
    reader_url: str | None = field(default=None, repr=False)
    source_url: str | None = field(default=None, repr=False)
    source_owner_url: str | None = field(default=None, repr=False)
    airflow_url: str | None = field(default=None, repr=False)
    # An existing PostgreSQL to use instead of the embedded one; its role may create roles and databases.
    admin_url: str | None = field(default=None, repr=False)
    # Where the local mail sink listens; None where mails go through a connection of the site's own.
    mail_port: int | None = None
    # How many views a snapshot copies side by side, each on a connection to its source and one to the datamart.
    snapshot_connections: int = 2
    # Shown on the sign-in page, before anybody is known: the state's name, whom to ask, and what to do about a
    # forgotten password, in words.
    state_name: str | None = None
    help_contact: str | None = None
    password_help: str | None = None
    # Mail addresses of those who run the installation: Airflow tells them of a failed task.
    operators: tuple[str, ...] = ()
    # True in a long-running scheduler that should import Great Expectations before it forks its workers.
    preload_validation: bool = False
    # Whether everybody may read the windows of published events as a calendar, without signing in.
    public_calendar: bool = False
    # Hosts inside the state's own network that webhooks may be sent to.
    private_webhook_hosts: tuple[str, ...] = ()
    # Numbers below it are not shown in a certification report to who may not see the students behind them.
    small_numbers_below: int = 10
    # Where the closing packages of events are written: a folder, or any address fsspec knows.
    package_folder: str = ""
    # True only in the state folder of `certify demo`, where shared passwords are allowed.
    demo: bool = False

    def url(self, role: str) -> str:
        """The database address for a PostgreSQL role, such as certification_task."""
        setting = URL_SETTINGS.get(role)
        if setting is None:
            raise SettingsError(f"No database address belongs to role {role!r}, only to {', '.join(URL_SETTINGS)}.")
        url: str | None = getattr(self, setting)
        if url is None:
            raise SettingsError(
                f"The database address for {role} is not known: start `certify up`, which writes "
                f"{self.state_folder / SETTINGS_FILE}, or set CERTIFICATION_{setting.upper()}."
            )
        return url

    def role_passwords(self) -> dict[str, str]:
        """The password of each PostgreSQL role whose address is known and holds one."""
        addresses = {role: getattr(self, setting) for role, setting in URL_SETTINGS.items()}
        passwords = {role: urlsplit(url).password for role, url in addresses.items() if url}
        return {role: unquote(password) for role, password in passwords.items() if password}


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    environment = os.environ if environment is None else environment
    state_folder = _absolute(environment.get("CERTIFICATION_STATE_FOLDER") or ".local")
    written = _written(state_folder / SETTINGS_FILE)

    def text(name: str) -> str | None:
        return environment.get(f"CERTIFICATION_{name.upper()}") or written.get(name) or None

    def flag(name: str) -> bool:
        return (text(name) or "").lower() in {"1", "true", "yes", "on"}

    mail_port = text("mail_port")
    return Settings(
        state_folder=state_folder,
        manifest_folder=_absolute(text("manifest_folder") or state_folder / "manifests"),
        mail_folder=_absolute(text("mail_folder") or state_folder / "mail"),
        base_url=text("base_url") or "http://localhost:8080",
        mail_port=int(mail_port) if mail_port else None,
        snapshot_connections=max(1, int(text("snapshot_connections") or Settings.snapshot_connections)),
        preload_validation=flag("preload_validation"),
        demo=flag("demo"),
        public_calendar=flag("public_calendar"),
        private_webhook_hosts=tuple(
            host.strip().lower() for host in (text("private_webhook_hosts") or "").split(",") if host.strip()
        ),
        small_numbers_below=max(2, int(text("small_numbers_below") or Settings.small_numbers_below)),
        package_folder=_folder_or_address(text("package_folder") or str(state_folder / "packages")),
        state_name=text("state_name"),
        help_contact=text("help_contact"),
        password_help=text("password_help"),
        admin_url=text("admin_url"),
        operators=tuple(one.strip() for one in (text("operators") or "").split(",") if one.strip()),
        **{setting: text(setting) for setting in URL_SETTINGS.values()},
    )


def database_url(role: str) -> str:
    """The database address for a PostgreSQL role, such as certification_task."""
    return load_settings().url(role)


def source_url(connection: str, environment: Mapping[str, str] | None = None) -> str:
    """The address of a source named in a datamart view file, for commands that run without Airflow's connections."""
    if connection == EDFI_ODS:
        return load_settings(environment).url("source_reader")
    variable = f"CERTIFICATION_SOURCE_{connection.upper()}_URL"
    url = (os.environ if environment is None else environment).get(variable)
    if not url:
        raise SettingsError(f"The address of source {connection} is not known here: set {variable}.")
    return url


def _absolute(path: str | Path) -> Path:
    """Relative paths count from the project, not from wherever the command was called."""
    return (PROJECT_FOLDER / path).resolve()


def _folder_or_address(text: str) -> str:
    return text if "://" in text else str(_absolute(text))


def _written(file: Path) -> dict[str, str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise SettingsError(f"{file} belongs to another user, the one who started `certify up`.") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not readable as JSON; delete it and start `certify up` again.") from error
    return {name: str(value) for name, value in content.items() if value is not None}
