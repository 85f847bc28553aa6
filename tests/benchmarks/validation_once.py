"""One way of checking a whole state, in a process of its own, so that its memory can be told.

    python -m tests.benchmarks.validation_once ours|dataframe  <a JSON object on standard input>

prints seconds, and how many bytes the process grew over what it held after its imports.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    given = json.loads(sys.stdin.read())
    act = {"ours": _ours, "dataframe": _dataframe}[sys.argv[1]](given)
    before = most_memory()
    begun = time.perf_counter()
    found = act()
    taken = time.perf_counter() - begun
    sys.stdout.write(
        json.dumps({"seconds": taken, "grew": most_memory() - before, "all": most_memory(), "found": found})
    )


def most_memory() -> int:
    """Bytes this process ever held."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


def _ours(given: dict[str, Any]) -> Any:
    import certification_lib.validation.evaluation  # noqa: F401  what a forked worker has already
    from certification_lib.database import make_engine
    from tests.benchmarks.validation_world import ValidationWorld

    world = ValidationWorld(make_engine(given["url"]), given["rules_url"], "", (), None)  # type: ignore[arg-type]
    return lambda: world.validate().findings


def _dataframe(given: dict[str, Any]) -> Any:
    from tests.benchmarks import validation_dataframe

    return lambda: validation_dataframe.check(given["url"], given["rows"], given["codes"], given["identifiers"])


if __name__ == "__main__":
    main()
