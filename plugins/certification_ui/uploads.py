"""A file of text that somebody uploads."""

from starlette.datastructures import UploadFile

from certification_lib.errors import BadInput

# A little under what the server takes at all, so that the form can say it.
LARGEST = 3_900_000


def text_of_file(upload: object) -> str:
    """What the file says; BadInput when there is none, it is too large or no text."""
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise BadInput("Choose a file.")
    held = upload.file.read(LARGEST + 1)
    if len(held) > LARGEST:
        raise BadInput("The file is larger than 3.9 megabytes. Import it in parts.")
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("The file is no text in UTF-8. Save it as “CSV UTF-8” and choose it again.") from None
