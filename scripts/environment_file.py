"""Writes .env for docker-compose.yaml from .env.example, with a generated secret for every empty entry.

Entries that have a value already, in .env or in .env.example, stay as they are; running it again changes nothing.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def entries(text: str) -> dict[str, str]:
    """NAME=value lines of an environment file; comments and blank lines are left out."""
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def completed(example: str, existing: dict[str, str]) -> str:
    """The text of .env.example with every empty value filled from `existing` or by a new secret."""
    lines = []
    for line in example.splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            value = existing.get(name) or value or generated(name)
        lines.append(f"{name}{separator}{value}")
    return "\n".join(lines) + "\n"


def generated(name: str) -> str:
    """A secret that can stand in an address: letters, digits, - and _. Fernet wants base64 of 32 bytes."""
    if name == "FERNET_KEY":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def main() -> None:
    target = PROJECT / ".env"
    existing = entries(target.read_text()) if target.exists() else {}
    text = completed((PROJECT / ".env.example").read_text(), existing)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    sys.stdout.write(f"{target.name} is complete. Keep it secret: it holds every password of this installation.\n")


if __name__ == "__main__":
    main()
