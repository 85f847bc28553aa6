"""Whether all components of an Airflow say that they are well."""

import json
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

from certification_lib.supervisor.ports import HOST

API_SERVER = "api-server"
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def unhealthy_components(port: int) -> list[str]:
    """Names of those not healthy (yet); the API server stands for all when it does not answer."""
    opener = build_opener(ProxyHandler({}))  # a proxy knows nothing of this machine's ports
    try:
        with opener.open(f"http://{HOST}:{port}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, HTTPException, ValueError):
        return [API_SERVER]
    return [name for name in _COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]
