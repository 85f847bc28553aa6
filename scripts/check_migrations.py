"""Migrate an empty database and compare it with the tables the code expects; exit 1 when they differ."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from certification_lib.supervisor.postgres import embedded_server


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder), fast=True) as server:
        environment = os.environ | {"CERTIFICATION_OWNER_URL": server.url("certification_owner")}
        for command in ("upgrade", "check"):
            arguments = [sys.executable, "-m", "certification_lib", "db", command]
            if subprocess.run(arguments, env=environment, check=False).returncode != 0:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
