"""What an installation tells of itself at one moment, asked from outside: whether it answers, whether hearts beat, and
whether anything gets done."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

from certification_lib.supervisor.health import health_of

# The names Airflow's table of jobs has for the components that write down there that they are alive.
_JOBS = {"SchedulerJob": "scheduler", "DagProcessorJob": "dag-processor", "TriggererJob": "triggerer"}
_SECONDS = 10
# It runs every minute, and every installation has it.
_REGULAR_DAG = "certification_mail"

_HEARTBEATS = b"""
select job_type, extract(epoch from max(latest_heartbeat))::float8 from job
where job_type in ('SchedulerJob', 'DagProcessorJob', 'TriggererJob') group by job_type
"""
# When a regular run ended last, or a task under way was last heard of. Where the DAG is switched off: now.
_PROGRESS = b"""
select extract(epoch from case when exists (select from dag where dag_id = %s and not is_paused) then greatest(
    (select max(end_date) from dag_run where dag_id = %s),
    (select max(last_heartbeat_at) from task_instance where state = 'running')
) else clock_timestamp() end)::float8
"""


@dataclass(frozen=True)
class Vitals:
    """All moments are seconds since 1970 by this machine's clock."""

    at: float
    answers: bool
    """The API server answers in time, and has the use of its database."""
    database: bool
    """PostgreSQL answers, asked directly. When it does not, nothing is known of the rest."""
    heartbeats: Mapping[str, float] = field(default_factory=dict)
    """By component, when it last wrote down that it is alive."""
    progress: float | None = None
    """When anything was last seen to be done; None before the first time."""


def read_vitals(port: int, airflow_url: str) -> Vitals:
    """Ask the API server and the database; neither can keep the caller waiting for more than some seconds."""
    health = health_of(port, timeout=_SECONDS)
    answers = health is not None and (health.get("metadatabase") or {}).get("status") == "healthy"
    address = airflow_url.replace("postgresql+psycopg://", "postgresql://", 1)
    options = "-c statement_timeout=5s"
    try:
        with psycopg.connect(make_conninfo(address, connect_timeout=_SECONDS, options=options)) as database:
            beats = database.execute(_HEARTBEATS).fetchall()
            progress = database.execute(_PROGRESS, [_REGULAR_DAG, _REGULAR_DAG]).fetchone()
    except psycopg.Error:
        return Vitals(time.time(), answers, database=False)
    heartbeats = {_JOBS[job]: beat for job, beat in beats}
    return Vitals(time.time(), answers, True, heartbeats, progress[0] if progress else None)
