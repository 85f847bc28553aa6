"""Whether a request that changes something came from our own pages.

No token, no hidden field: browsers say where a request comes from, and a program that signs with a bearer token cannot
be tricked by a page. (SameSite=Lax alone does not stop a forged form on a sibling host of the same agency.)
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def came_from_elsewhere(method: str, headers: Mapping[str, str], base_url: str) -> str | None:
    """Why the request is refused, or None when it may go on. `headers` has lower-case names."""
    if method in SAFE_METHODS:
        return None
    if headers.get("authorization", "").lower().startswith("bearer ") and "cookie" not in headers:
        return None
    site = headers.get("sec-fetch-site")
    if site is not None:
        return None if site in {"same-origin", "none"} else "The form was sent from another site."
    origin = headers.get("origin")
    if origin is None:
        return "The request does not say which site it comes from."
    return None if _origin(origin) == _origin(base_url) else "The form was sent from another site."


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: a host name alone or a prefix of the text is not the same origin."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
