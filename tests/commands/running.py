"""`certify` as a person types it."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from certification_lib.cli import main


def certify_alone(arguments: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with these variables and no others."""
    command = [sys.executable, "-m", "certification_lib", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def certify_here(
    arguments: tuple[str, ...], environment: Mapping[str, str], content: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """The same without three seconds of imports; `content` is what is piped into it."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["certification_lib", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        with pytest.raises(SystemExit) as ended:
            main()
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), err.getvalue())
