"""Typst, as this product uses it: data never reaches a template as markup, and fonts come with the packages.

A paper is tagged and PDF/UA-1. Names in any script render: what one font has not is taken from the next.
"""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typst

# In the order in which a letter is looked for.
FAMILIES = (
    "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Thai", "Noto Sans Lao", "Noto Sans Khmer",
    "Noto Sans Myanmar", "Noto Sans Bengali", "Noto Sans Devanagari", "Noto Sans Tamil", "Noto Sans Telugu",
    "Noto Sans SC", "Noto Sans TC", "Noto Sans JP", "Noto Sans KR",
)  # fmt: skip
_REMEMBERED = 10
_PACKAGES = (
    "fontpkg_noto_sans",
    "justmytype_intl_cjk",
    "justmytype_intl_rtl",
    "justmytype_intl_sea",
    "justmytype_intl_south_asia",
)


@dataclass(frozen=True)
class Paper:
    """A tagged PDF; `accessible` when it is PDF/UA-1."""

    content: bytes
    accessible: bool


def pdf(template: Path, said: Mapping[str, Any], *, made_at: int) -> bytes:
    """The template, which finds `said` as JSON in `sys.inputs.said`; `made_at` in seconds since 1970.

    PDF/UA-1, unless a name holds a letter that no font has: the standard refuses that. It is tagged all the same.
    """
    return paper(template, said, made_at=made_at).content


def paper(template: Path, said: Mapping[str, Any], *, made_at: int) -> Paper:
    """The same, and whether it kept the mark of PDF/UA-1."""
    inputs = {"said": json.dumps({"families": FAMILIES, **said}, ensure_ascii=False)}
    try:
        return Paper(_compiled(template, inputs, ["ua-1"], made_at), accessible=True)
    except typst.TypstError as error:
        if "font" not in str(error).lower():
            raise
        return Paper(_compiled(template, inputs, [], made_at), accessible=False)


def forget_layouts() -> None:
    """Give back the memory of what was typeset before.

    Typst keeps the layouts of its last ten papers for the next one; as many tiny ones take their place.
    """
    for _ in range(_REMEMBERED + 1):
        typst.compile(b"#1", format="pdf", font_paths=_fonts())


def _compiled(template: Path, inputs: dict[str, str], standards: list[Any], made_at: int) -> bytes:
    content: bytes = typst.compile(
        template.read_bytes(),
        format="pdf",
        pdf_standards=standards,
        timestamp=made_at,
        sys_inputs=inputs,
        font_paths=_fonts(),
    )
    return content


@cache
def _fonts() -> typst.Fonts:
    found = (importlib.util.find_spec(name) for name in _PACKAGES)
    folders = [Path(spec.origin).parent for spec in found if spec and spec.origin]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)
