"""Free ports on this machine."""

import socket

HOST = "127.0.0.1"


def free_port(wanted: int = 0, *, attempts: int = 50) -> int:
    """The first free port from the wanted one upwards; any free one when 0 is wanted."""
    candidates = [0] if wanted == 0 else range(wanted, min(wanted + attempts, 65536))
    for candidate in candidates:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As servers do; without it a port just left by another run counts as taken for a minute.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError(f"No free port from {wanted} to {wanted + attempts - 1} on {HOST}.")
