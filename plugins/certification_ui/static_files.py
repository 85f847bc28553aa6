"""Style sheets, scripts, fonts and icons, served under a path that changes with their content, so kept for a year."""

import hashlib
import os
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def digest() -> str:
    """Of every file's name and content."""
    total = hashlib.sha256()
    for file in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        total.update(file.relative_to(FOLDER).as_posix().encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


def prefix() -> str:
    return f"/static/{digest()}"


def address(file: str) -> str:
    """The path of a file of the static folder below the application's root."""
    return f"{prefix()}/{file}"


class LongLivedFiles(StaticFiles):
    """Files that may be cached for ever, taken from their `.gz` neighbour where set-up made one."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await self._compressed(path, scope) or await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    async def _compressed(self, path: str, scope: Scope) -> Response | None:
        suffix = os.path.splitext(path)[1]  # noqa: PTH122 - a URL's path, not a file's
        if suffix not in _TYPES or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return None
        full_path, found = self.lookup_path(path + ".gz")
        if found is None:
            return None
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return FileResponse(full_path, media_type=_TYPES[suffix], headers=headers, stat_result=found)


def files() -> LongLivedFiles:
    return LongLivedFiles(directory=FOLDER)
