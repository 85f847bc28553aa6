"""Entries of YAML files that know their place, so that a fault is named with file and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Entry:
    """One item of a file that is a list, or all of a file that is not."""

    content: Any
    file: Path
    node: yaml.Node | None

    @property
    def name(self) -> str:
        """What the entry calls itself."""
        named = (self.content.get("code") or self.content.get("name")) if isinstance(self.content, dict) else None
        return str(named or "entry without a code")

    def place(self, path: Sequence[str | int] = ()) -> str:
        """`area.yaml, line 12`: where the value at the path stands, or what of the path there is."""
        node = self.node
        line = node.start_mark.line if node else 0
        for step in path:
            key, node = _inside(node, step)
            if key is None:
                break
            line = key.start_mark.line
        return f"{self.file.name}, line {line + 1}"


def read_entries(file: Path, problems: list[str]) -> list[Entry]:
    """What the file holds; a file that is not YAML is added to the problems."""
    try:
        loader = yaml.CSafeLoader(file.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        content = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        problems.append(f"{file.name}{place}: this is not YAML")
        return []
    if isinstance(node, yaml.SequenceNode):
        return [Entry(item, file, part) for item, part in zip(content or [], node.value, strict=True)]
    return [Entry(content, file, node)]


def _inside(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node that marks the place of a key or item, and the value there."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None, None
