"""One signed request to one address: no redirects followed, no proxy, and to the very address that was checked."""

import http.client
import socket
import ssl
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit

from certification_lib.webhooks.rules import address_problem, may_connect

SECONDS = 10.0
"""For connecting and for each answer; twice as long for all of it."""


class NotTold(Exception):
    """The other system was not told; the text says why, in our words."""


class Post(Protocol):
    """Sends one request; raises NotTold unless it was accepted with a status from 200 to 299."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> None: ...


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private_hosts: Collection[str] = (),
    tls: ssl.SSLContext | None = None,
) -> None:
    """See `Post`. Of the answer nothing but the status is read."""
    problem = address_problem(url, private_hosts)  # what operators allow may have changed
    if problem is not None:
        raise NotTold(problem)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _checked_address(host, port, private_hosts)
    try:
        with _connected(parts.scheme, host, port, address, tls) as connection:
            connection.request("POST", f"{parts.path or '/'}?{parts.query}".rstrip("?"), body, dict(headers))
            status = connection.getresponse().status
    except ssl.SSLError as error:
        raise NotTold("its certificate or encryption was not accepted") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotTold(f"it could not be reached ({type(error).__name__})") from error
    if 300 <= status < 400:
        raise NotTold(f"it answered with a redirect, which is not followed ({status})")
    if not 200 <= status < 300:
        raise NotTold(f"it answered with {status}")


def _checked_address(host: str, port: int, private_hosts: Collection[str]) -> str:
    """Where to connect. All addresses of the name are looked at, so that none of them is a way inside."""
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise NotTold("its name is not known") from error
    if host not in private_hosts and not all(may_connect(str(address)) for address in found):
        raise NotTold("its name leads into a private network, which your operators have not allowed")
    return str(found[0])


@contextmanager
def _connected(
    scheme: str, host: str, port: int, address: str, tls: ssl.SSLContext | None
) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    plain = socket.create_connection((address, port), timeout=SECONDS)
    # A server that answers letter by letter would never run into the time limit of a single read.
    ending = threading.Timer(2 * SECONDS, _end, [plain])
    ending.daemon = True
    ending.start()
    try:
        connection.sock = plain
        if scheme == "https":
            connection.sock = (tls or ssl.create_default_context()).wrap_socket(plain, server_hostname=host)
        yield connection
    finally:
        ending.cancel()
        connection.close()
        plain.close()


def _end(open_socket: socket.socket) -> None:
    try:
        open_socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        open_socket.close()
