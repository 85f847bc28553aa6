"""Organization numbers out of a file somebody uploads: a list, one a line, or a table with a column `number`."""

import csv
import io

from starlette.datastructures import UploadFile

from certification_lib.errors import BadInput

LARGEST = 2_000_000
_COLUMNS = ("number", "organization number", "state id", "id")


def numbers_of_file(upload: UploadFile) -> list[str]:
    """The numbers in the order of the file, each once; BadInput when it is no such file."""
    held = upload.file.read(LARGEST + 1)
    if len(held) > LARGEST:
        raise BadInput("Organization numbers: the file is larger than two megabytes.")
    try:
        text = held.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error):
        raise BadInput("Organization numbers: the file is neither text nor CSV.") from None
    if not rows:
        raise BadInput("Organization numbers: the file is empty.")
    heading = [cell.strip().lower() for cell in rows[0]]
    column = next((heading.index(name) for name in _COLUMNS if name in heading), None)
    if column is not None:
        rows = rows[1:]
    elif any(len(row) > 1 for row in rows):
        raise BadInput("Organization numbers: the file has several columns and none of them is called number.")
    found = (row[column or 0].strip() for row in rows if len(row) > (column or 0))
    return list(dict.fromkeys(number for number in found if number))
