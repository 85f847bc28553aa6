"""Which addresses may be told, what a request says, how it is signed, and for how long it is tried."""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Collection
from typing import Any
from urllib.parse import SplitResult, urlsplit

MOST_ATTEMPTS = 78
"""After so many, which takes about three days, a delivery is given up and shown as failed."""
SHORTEST_SECRET = 32
LONGEST_SECRET = 200
_LONGEST_ADDRESS = 2000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def address_problem(url: str, private_hosts: Collection[str]) -> str | None:
    """What is wrong with the address of a webhook, in words; None when nothing is.

    `private_hosts` are those inside the state's own network that its operators allow.
    """
    parts = _parts(url)
    if parts is None:
        return "The address is not one that can be reached: it begins with https:// and has no blanks"
    host = parts.hostname or ""
    inside = host in private_hosts
    problem = None
    if parts.username is not None or parts.password is not None or parts.fragment:
        problem = "The address holds no user name, password or fragment: requests are signed instead"
    elif parts.scheme == "http" and not (inside and host in _LOOPBACK):
        problem = "The address begins with https://"
    elif not inside and (host in _LOOPBACK or _is_private_literal(host)):
        problem = f"{host} is inside a private network: your operators have to allow it first"
    return problem


def _parts(url: str) -> SplitResult | None:
    """The address taken apart; None when it is none."""
    if len(url) > _LONGEST_ADDRESS or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - looked at: a bad one raises
    except ValueError:
        return None
    return parts if parts.hostname and parts.scheme in {"https", "http"} else None


def may_connect(address: str) -> bool:
    """Whether a resolved address is on the public internet."""
    # An IPv4 address in the clothes of IPv6 is the IPv4 address.
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_global and not (mapped or parsed).is_multicast


def secret_problem(secret: str) -> str | None:
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET or not secret.isascii() or not secret.isprintable():
        return f"The secret has {SHORTEST_SECRET} to {LONGEST_SECRET} ASCII characters"
    return None


def body_of(values: dict[str, Any]) -> bytes:
    """The request's body: JSON, in the order given."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>", hexadecimal>`."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def _is_private_literal(host: str) -> bool:
    try:
        return not may_connect(host)
    except ValueError:
        return False  # a name: looked up when something is sent
