"""Whether a component of Airflow is well, for Compose's health checks: `component_health.py scheduler`.

The API server is well when it answers and has the use of its database; of the others it knows when they last wrote down
that they are alive. While it does not answer nothing is known of them, and nobody is ended for that.
"""

import json
import os
import sys
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

HEALTH = os.environ.get("HEALTH_ADDRESS", "http://api-server:8080/api/v2/monitor/health")


def health() -> dict[str, Any] | None:
    """What the API server says; None when it does not answer."""
    opener = build_opener(ProxyHandler({}))  # a proxy of the site knows nothing of these containers
    try:
        with opener.open(HEALTH, timeout=10) as answer:
            said = json.load(answer)
    except (OSError, HTTPException, ValueError):
        return None
    return said if isinstance(said, dict) else None


def is_well(component: str, said: dict[str, Any] | None) -> bool:
    if component == "api-server":
        return said is not None and (said.get("metadatabase") or {}).get("status") == "healthy"
    if said is None or (said.get("metadatabase") or {}).get("status") != "healthy":
        return True
    return (said.get(component) or {}).get("status") == "healthy"


if __name__ == "__main__":
    sys.exit(0 if is_well(sys.argv[1], health()) else 1)
