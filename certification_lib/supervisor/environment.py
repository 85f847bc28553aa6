"""The environment of Airflow's processes: every setting that differs from Airflow's own defaults, with its reason."""

import json
import os
from urllib.parse import parse_qsl, unquote, urlsplit

from certification_lib.settings import PROJECT_FOLDER, URL_SETTINGS, Settings
from certification_lib.supervisor.ports import HOST
from certification_lib.supervisor.state_folder import load_secrets

SNAPSHOT_POOL = "certification_snapshots"
SNAPSHOT_POOL_SLOTS = 2

# The connections tasks and the plugin ask Airflow for, and the role each of them logs in as.
CONNECTIONS = {
    "certification_db": "certification_task",
    "certification_web": "certification_app",
    "certification_rules": "certification_rules",
    "edfi_ods": "source_reader",
}
SECTIONS = {
    "core": {
        # A worker that is killed may leave the others waiting for ever: then the scheduler ends and is started again.
        "executor": "certification_lib.orchestration.local_executor.EndingLocalExecutor",
        "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "load_examples": "False",
        # A published event has to run; nobody would know that it waits for a switch.
        "dags_are_paused_at_creation": "False",
        # Two publications within half a minute: the second would be parsed and not stored until the next parsing.
        "min_serialized_dag_update_interval": "0",
        "parallelism": "4",  # 32 idle workers otherwise
        "default_timezone": "utc",
        # Validation is imported once and shared by forking; the default of Python 3.14 would import it for every task.
        "mp_start_method": "fork",
    },
    "database": {
        "sql_alchemy_pool_size": "5",
        # The API server looks up who somebody is on its only event loop. With fewer connections than its 40 threads it
        # would wait there for one, half a minute each time, and nobody be answered who could give one back.
        "sql_alchemy_max_overflow": "45",
        "sql_alchemy_connect_args": "certification_lib.database.CONNECTING",
        "sql_alchemy_connect_args_async": "certification_lib.database.CONNECTING",
    },
    "scheduler": {
        # A killed scheduler is made up for in 30 seconds; with the defaults it takes 5 minutes.
        "orphaned_tasks_check_interval": "10",
        "task_instance_heartbeat_timeout": "20",
        "task_instance_heartbeat_timeout_detection_interval": "5",
        "scheduler_health_check_threshold": "15",
    },
    "dag_processor": {
        # Publishing asks for its file to be parsed at once, so that parsing on suspicion may be rare.
        "min_file_process_interval": "300",
        "refresh_interval": "60",
        "parsing_processes": "1",
        # The time of the last change says nothing: DAGs come from manifests.
        "file_parsing_sort_mode": "alphabetical",
    },
    # On a small or busy machine an answer may take longer than the five seconds of the default.
    "workers": {"execution_api_timeout": "30.0"},
    "api": {
        "host": HOST,
        "expose_config": "False",
        "enable_swagger_ui": "False",
        "instance_name": "Certification",
    },
    # On one machine everybody has the same address; guesses are limited per user name by our own sign-in.
    "fab": {"auth_rate_limit": "300 per minute"},
    "logging": {"colored_console_log": "False"},
    "email": {"from_email": "certification@localhost"},
}


def airflow_environment(settings: Settings) -> dict[str, str]:
    """The whole environment for a process of Airflow, also for `dag.test()` in a process of its own.

    Takes addresses and ports from the settings and makes the secrets of the state folder when there are none yet.
    """
    secrets = load_secrets(settings.state_folder)
    metadata = settings.url("airflow")
    base_url = settings.base_url.rstrip("/")
    port = urlsplit(base_url).port or 8080
    sections = {
        **SECTIONS,
        "core": SECTIONS["core"]
        | {
            "dags_folder": str(PROJECT_FOLDER / "dags"),
            "plugins_folder": str(PROJECT_FOLDER / "plugins"),
            "fernet_key": secrets["fernet_key"],
            "execution_api_server_url": f"http://{HOST}:{port}{urlsplit(base_url).path}/execution/",
        },
        "database": SECTIONS["database"] | {"sql_alchemy_conn": metadata, "sql_alchemy_conn_async": metadata},
        "api": SECTIONS["api"] | {"port": str(port), "base_url": base_url, "secret_key": secrets["api_secret_key"]},
        "api_auth": {"jwt_secret": secrets["jwt_secret"]},
    }
    airflow = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value
        for section, entries in sections.items()
        for name, value in entries.items()
    }
    return _inherited() | airflow | _connections(settings) | _our_settings(settings)


def _inherited() -> dict[str, str]:
    """The person's own environment without what would change Airflow or PostgreSQL behind our back."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "CERTIFICATION_", "PG"))
    }
    path = [str(PROJECT_FOLDER), str(PROJECT_FOLDER / "plugins"), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        # Airflow's components talk to each other over HTTP; a proxy of the site must not come between.
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
        # Airflow and FAB warn about their own parts on every start; that is for their developers.
        "PYTHONWARNINGS": "ignore",
        "GX_ANALYTICS_ENABLED": "false",
    }


def _connections(settings: Settings) -> dict[str, str]:
    connections = {
        name: _connection(getattr(settings, URL_SETTINGS[role]))
        for name, role in CONNECTIONS.items()
        if getattr(settings, URL_SETTINGS[role]) is not None
    }
    if settings.mail_port is not None:
        connections["smtp_default"] = {
            "conn_type": "smtp",
            "host": HOST,
            "port": settings.mail_port,
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": SECTIONS["email"]["from_email"]},
        }
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in connections.items()}


def _connection(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "conn_type": "postgres",
        "host": parts.hostname,
        "port": parts.port or 5432,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": unquote(parts.path.lstrip("/")),
        "extra": dict(parse_qsl(parts.query)),  # such as sslmode
    }


def _our_settings(settings: Settings) -> dict[str, str]:
    """Ours, for the plugin and the tasks. Not the addresses of owner and administrator: no task needs those."""
    ours = {
        "STATE_FOLDER": str(settings.state_folder),
        "MANIFEST_FOLDER": str(settings.manifest_folder),
        "MAIL_FOLDER": str(settings.mail_folder),
        "BASE_URL": settings.base_url,
        "DATABASE_URL": settings.database_url,
        "WEB_URL": settings.web_url,
        "RULES_URL": settings.rules_url,
        "SOURCE_URL": settings.source_url,
        "PRELOAD_VALIDATION": "1" if settings.preload_validation else None,
        "OPERATORS": ",".join(settings.operators) or None,
        "DEMO": "1" if settings.demo else None,
    }
    return {
        "AIRFLOW_HOME": str(settings.state_folder / "airflow"),
        **{f"CERTIFICATION_{name}": value for name, value in ours.items() if value is not None},
    }
