"""Tagged papers, typeset part by part, joined into one.

Typst keeps every page of a paper until the last is laid out, so the memory of a large one grows with what it says.
Typeset in parts and joined, it does not: pages, tags, the tree that leads from a page to its tags, the names that table
cells have, and bookmarks all become those of one document.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf


@dataclass(frozen=True)
class Part:
    """A paper whose headings, the first of level 1, stand `deeper` levels lower in the whole."""

    content: bytes
    accessible: bool
    """Whether it is PDF/UA-1. The whole is when every part is."""
    deeper: int = 0


def page_count(content: bytes) -> int:
    """How many pages a paper has."""
    with pikepdf.open(io.BytesIO(content)) as paper:
        return len(paper.pages)


def joined(parts: Sequence[Part]) -> bytes:
    """One tagged paper of all the parts, with title, language and look of the first."""
    with pikepdf.open(io.BytesIO(parts[0].content)) as whole:
        if len(parts) == 1:
            return parts[0].content
        bookmarks = _bookmarks(whole, 0, first_page=0)
        kept = []
        for number, part in enumerate(parts[1:], start=1):
            opened = pikepdf.open(io.BytesIO(part.content))
            kept.append(opened)
            first_page = len(whole.pages)
            bookmarks += _bookmarks(opened, part.deeper, first_page)
            _prepare_tags(opened, number, part.deeper)
            _append(whole, opened)
        _write_bookmarks(whole, bookmarks)
        if not all(part.accessible for part in parts):
            with whole.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
                metadata.pop("pdfuaid:part", None)
        content = io.BytesIO()
        whole.save(content, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        for opened in kept:
            opened.close()
    return content.getvalue()


def _append(whole: pikepdf.Pdf, part: pikepdf.Pdf) -> None:
    """Pages first: what refers to a page that is not there yet would lose it."""
    tree, added = whole.Root.StructTreeRoot, part.Root.StructTreeRoot
    shift = int(tree.ParentTreeNextKey)
    for page in part.pages:
        page.obj.StructParents = int(page.obj.StructParents) + shift
        for annotation in page.obj.get("/Annots", []):
            annotation.StructParent = int(annotation.StructParent) + shift
    whole.pages.extend(part.pages)
    document = tree.K[0] if isinstance(tree.K, pikepdf.Array) else tree.K
    copied = whole.copy_foreign(added)
    of_part = copied.K[0] if isinstance(copied.K, pikepdf.Array) else copied.K
    for element in of_part.K:
        element.P = document
        document.K.append(element)
    numbers = tree.ParentTree.Nums
    for place, cell in enumerate(list(copied.ParentTree.Nums)):
        numbers.append(cell if place % 2 else int(cell) + shift)
    tree.ParentTreeNextKey = shift + int(copied.ParentTreeNextKey)
    if "/IDTree" not in tree:
        tree.IDTree = pikepdf.Dictionary(Names=pikepdf.Array())
    # Names are in order in the tree: those of a later part come after those of the parts before.
    for one in _names(copied):
        tree.IDTree.Names.append(one)


def _names(tree: Any) -> Any:
    """The names of table cells, each followed by its cell."""
    return tree.IDTree.Names if "/IDTree" in tree else pikepdf.Array()


def _prepare_tags(part: pikepdf.Pdf, number: int, deeper: int) -> None:
    """Give its table heads names of their own, and its headings their levels in the whole."""
    before = f"W{number:06d}-"
    for element in _elements(part.Root.StructTreeRoot.K):
        kind = str(element.S)
        if deeper and kind.startswith("/H") and kind[2:].isdigit():
            element.S = pikepdf.Name(f"/H{int(kind[2:]) + deeper}")
        if "/ID" in element:
            element.ID = _named(before, element.ID)
        for attributes in element.get("/A", []):
            if "/Headers" in attributes:
                attributes.Headers = pikepdf.Array([_named(before, one) for one in attributes.Headers])
    names = _names(part.Root.StructTreeRoot)
    for place in range(0, len(names), 2):
        names[place] = _named(before, names[place])


def _named(before: str, name: Any) -> pikepdf.String:
    return pikepdf.String(before + str(name))


def _elements(element: Any) -> Iterator[Any]:
    waiting = [element]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            waiting.extend(one)
        elif isinstance(one, pikepdf.Dictionary) and "/S" in one:
            yield one
            if "/K" in one:
                waiting.append(one.K)


@dataclass(frozen=True)
class _Bookmark:
    level: int
    title: str
    page: int
    left: float
    top: float


def _bookmarks(paper: pikepdf.Pdf, deeper: int, first_page: int) -> list[_Bookmark]:
    """Every bookmark in order, with its level and the page in the whole it leads to."""
    pages = {page.obj.objgen: place for place, page in enumerate(paper.pages)}
    found: list[_Bookmark] = []

    def read(items: Any, level: int) -> None:
        for item in items:
            page, _, left, top = list(item.destination)[:4]
            place = first_page + pages[page.objgen]
            found.append(_Bookmark(level + deeper, item.title, place, float(left), float(top)))
            read(item.children, level + 1)

    with paper.open_outline() as outline:
        read(outline.root, 1)
    return found


def _write_bookmarks(whole: pikepdf.Pdf, bookmarks: Sequence[_Bookmark]) -> None:
    with whole.open_outline() as outline:
        outline.root.clear()
        path: list[tuple[int, Any]] = []
        for one in bookmarks:
            item = pikepdf.OutlineItem(
                one.title, one.page, pikepdf.PageLocation.XYZ, left=one.left, top=one.top, zoom=0
            )
            while path and path[-1][0] >= one.level:
                path.pop()
            (path[-1][1].children if path else outline.root).append(item)
            path.append((one.level, item))
