"""Make .venv with everything pinned, and fetch the front-end packages. Run again, it does only what changed.

Runs on the machine's own Python before anything is installed: standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".made-from"
MADE_FROM = ("requirements-dev.txt", "scripts/set_up.py")
OLDEST = (3, 11)
UV = "uv==0.13.9"


class SetUpFailed(Exception):
    """What is missing on this machine, in one sentence with what to do about it."""


def main() -> int:
    try:
        check_python()
        if not up_to_date():
            make_environment()
            install()
            STAMP.write_text(digest(), encoding="utf-8")
        return subprocess.run([PYTHON, PROJECT / "scripts" / "front_end.py"], cwd=PROJECT, check=False).returncode
    except SetUpFailed as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1


def check_python() -> None:
    if sys.version_info < OLDEST:
        version = ".".join(str(part) for part in sys.version_info[:2])
        raise SetUpFailed(f"Python 3.11 or newer is needed and this is {version}; try `make PYTHON=python3.11`.")


def digest() -> str:
    import tomllib

    content = hashlib.sha256()
    for name in MADE_FROM:
        content.update((PROJECT / name).read_bytes())
    # Of this file only what an installation depends on; settings of tools change often.
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    content.update(json.dumps(project, sort_keys=True).encode())
    return content.hexdigest()


def up_to_date() -> bool:
    # A virtual environment whose interpreter was upgraded away keeps its files and does not run.
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == digest() and PYTHON.exists()


def make_environment() -> None:
    if PYTHON.exists():
        return
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        advice = f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetUpFailed(f"this Python cannot make virtual environments; on Debian and Ubuntu: {advice}.") from None
    print("Making .venv")
    run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT])


def install() -> None:
    print("Installing the pinned packages (a minute on a slow line)")
    run([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", UV])
    uv = [ENVIRONMENT / "bin" / "uv", "pip", "install", "-q", "-p", PYTHON]
    run([*uv, "-r", PROJECT / "requirements-dev.txt"])
    run([*uv, "--no-deps", "-e", PROJECT])


def run(command: list[str | Path]) -> None:
    result = subprocess.run(command, cwd=PROJECT, env=os.environ | package_index(), check=False)
    if result.returncode != 0:
        raise SetUpFailed(f"`{' '.join(str(part) for part in command)}` failed; its reason stands above.")


def package_index() -> dict[str, str]:
    """The site's own package index, which pip knows and uv does not look for."""
    if not PYTHON.exists() or "UV_DEFAULT_INDEX" in os.environ:
        return {}
    question = [PYTHON, "-m", "pip", "config", "get", "global.index-url"]
    answer = subprocess.run(question, capture_output=True, text=True, check=False).stdout.strip()
    index = os.environ.get("PIP_INDEX_URL") or answer
    return {"UV_DEFAULT_INDEX": index} if index else {}


if __name__ == "__main__":
    sys.exit(main())
