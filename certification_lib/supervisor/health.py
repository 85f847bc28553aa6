"""Whether all components of an Airflow say that they are well."""

import json
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

from certification_lib.supervisor.ports import HOST

API_SERVER = "api-server"
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def unhealthy_components(port: int) -> list[str]:
    """Names of those not healthy (yet); the API server stands for all when it does not answer."""
    health = health_of(port, timeout=5)
    if health is None:
        return [API_SERVER]
    return [name for name in _COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]


def health_of(port: int, *, timeout: float) -> dict[str, Any] | None:
    """What the API server says of all components; None when it does not answer in time."""
    opener = build_opener(ProxyHandler({}))  # a proxy knows nothing of this machine's ports
    try:
        with opener.open(f"http://{HOST}:{port}/api/v2/monitor/health", timeout=timeout) as answer:
            health = json.load(answer)
    except (OSError, HTTPException, ValueError):
        return None
    return health if isinstance(health, dict) else None
