"""What a person sees of `certify up`: its own steps, and of the components' logs what matters."""

import asyncio
import re
import sys
from pathlib import Path
from typing import TextIO

_LEVEL = re.compile(r"\[\s*(debug|info|warning|error|critical|exception)\s*\]|\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
_SEEN = {"warning", "error", "critical", "exception"}
# The FAB provider says so about its own code at every start.
_NO_NEWS = "appbuilder.app is deprecated"
_WIDTH = 14
_COLOURS = {"warning": "33", "error": "31", "critical": "31", "exception": "31"}


class Console:
    def __init__(self, *, verbose: bool = False, output: TextIO | None = None) -> None:
        self._verbose = verbose
        self._output = output or sys.stdout
        self._coloured = self._output.isatty()

    def step(self, text: str) -> None:
        self._write("certify", text, "1")

    def log_line(self, name: str, line: str, level: str) -> None:
        if self._verbose or (level in _SEEN and _NO_NEWS not in line):
            self._write(name, line, _COLOURS.get(level))

    async def follow(self, name: str, file: Path) -> None:
        """Shows lines added to a log from now on, until cancelled; lines without a level belong to the one before."""
        position = file.stat().st_size if file.exists() else 0
        level = "info"
        rest = b""
        while True:
            added, position = _added(file, position)
            *lines, rest = (rest + added).split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip()
                level = _level(text) or level
                if text:
                    self.log_line(name, text, level)
            await asyncio.sleep(0.3)

    def _write(self, name: str, text: str, colour: str | None) -> None:
        label = f"{name:<{_WIDTH}}| "
        if self._coloured and colour:
            text = f"\033[{colour}m{text}\033[0m"
        try:
            self._output.write(f"{label}{text}\n")
            self._output.flush()
        except BrokenPipeError:
            pass  # whoever read along has gone; that is no reason to stop


def last_lines(file: Path, count: int = 25) -> str:
    try:
        return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""


def _added(file: Path, position: int) -> tuple[bytes, int]:
    try:
        with file.open("rb") as log:
            log.seek(position)
            added = log.read(1_000_000)
            return added, position + len(added)
    except FileNotFoundError:
        return b"", position


def _level(line: str) -> str | None:
    match = _LEVEL.search(line[:120])
    return (match.group(1) or match.group(2)).lower() if match else None
