"""What a new Airflow needs before its first task: an administrator's account and the pool that protects sources.

Run as a program by `certify up`, with its input as JSON on standard input, so that no password shows in a list of
processes. Running it again changes nothing.
"""

import json
import sys

from airflow.models.pool import Pool
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def main() -> None:
    wanted = json.load(sys.stdin)
    Pool.create_or_update_pool(
        wanted["pool"],
        slots=wanted["slots"],
        description="At most so many snapshots read a source system at once.",
        include_deferred=False,
    )
    with get_application_builder() as application:
        accounts = application.sm
        if accounts.find_user(username=wanted["username"]) is None:
            accounts.add_user(
                wanted["username"],
                "Local",
                "Administrator",
                f"{wanted['username']}@accounts.invalid",
                accounts.find_role("Admin"),
                password=wanted["password"],
            )


if __name__ == "__main__":
    main()
