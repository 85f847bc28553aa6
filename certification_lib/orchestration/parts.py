"""In which of the files in `dags/` an event's DAG is made.

Airflow parses a file as a whole: with a thousand events in one, a new event would wait half a minute to be seen. Spread
over these files by their DAG's id, which never changes, only a sixteenth of the events is parsed with it.
"""

import zlib

PARTS = 16


def part_of(dag_id: str) -> int:
    """The number of the part that makes the DAG of an event, the same in every process and release."""
    return zlib.crc32(dag_id.encode()) % PARTS


def file_of(dag_id: str) -> str:
    """The name of that part's file."""
    return f"certification_events_{part_of(dag_id):02}.py"
