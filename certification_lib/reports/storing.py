"""Files at any fsspec address: written under another name until they are whole, and digested on the way."""

import hashlib
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import fsspec

_UNFINISHED = ".part"


@dataclass(frozen=True)
class Written:
    """A file as it was written."""

    path: str
    size: int
    sha256: str


class Folder:
    """A folder at an address such as `/srv/packages` or `s3://bucket/packages`; credentials come from fsspec's own
    settings, not from here."""

    def __init__(self, address: str, *parts: str) -> None:
        self._files, root = fsspec.url_to_fs(address)
        self._root = posixpath.join(root.rstrip("/"), *parts)
        self.address = posixpath.join(without_credentials(address).rstrip("/"), *parts)

    @contextmanager
    def writing(self, path: str) -> "Iterator[Digesting]":
        """A file to write to. It has its name only when the block ends; a block that raises leaves nothing."""
        target = posixpath.join(self._root, path)
        self._files.makedirs(posixpath.dirname(target), exist_ok=True)
        unfinished = target + _UNFINISHED
        try:
            with self._files.open(unfinished, "wb") as file:
                digesting = Digesting(path, file)
                yield digesting
        except BaseException:
            self.remove(path + _UNFINISHED)
            raise
        self.remove(path)
        self._files.mv(unfinished, target)

    def write(self, path: str, content: bytes) -> Written:
        with self.writing(path) as file:
            file.write(content)
        return file.written()

    def read(self, path: str) -> bytes | None:
        """The whole content of a small file; None when there is none."""
        target = posixpath.join(self._root, path)
        if not self._files.exists(target):
            return None
        content: bytes = self._files.cat_file(target)
        return content

    def digest(self, path: str) -> tuple[int, str] | None:
        """Size and SHA-256 of a file of any size; None when there is none."""
        target = posixpath.join(self._root, path)
        if not self._files.exists(target):
            return None
        digest, size = hashlib.sha256(), 0
        with self._files.open(target, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()

    def remove(self, path: str) -> None:
        target = posixpath.join(self._root, path)
        if self._files.exists(target):
            self._files.rm_file(target)


class Digesting:
    """What is written goes on to a file, counted and digested."""

    def __init__(self, path: str, file: Any) -> None:
        self.closed = False
        self._path, self._file = path, file
        self._digest, self._size = hashlib.sha256(), 0

    def write(self, content: Any) -> int:
        block = bytes(content)
        self._digest.update(block)
        self._size += len(block)
        self._file.write(block)
        return len(block)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is kept back here."""

    def close(self) -> None:
        """The file itself is closed by who opened it."""
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def written(self) -> Written:
        return Written(self._path, self._size, self._digest.hexdigest())


def without_credentials(address: str) -> str:
    """The address without user name and password, to be shown and kept."""
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
