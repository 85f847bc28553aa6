"""Pure decisions about rights: what a role brings with it, and how rights are written down."""

import re
from collections.abc import Iterable, Mapping

from certification_lib.people.models import DISTRICT_TOOLS, Right, Role, Tool

ALL_RIGHTS = frozenset(Right)
STATE_TOOLS = frozenset(Tool) - DISTRICT_TOOLS

# What a role brings by itself; grants in `tool_right` come on top. A District Administrator has his for his own LEA.
ROLE_RIGHTS: Mapping[Role, Mapping[Tool, frozenset[Right]]] = {
    Role.ADMINISTRATOR: {
        Tool.PEOPLE_AND_RIGHTS: ALL_RIGHTS,
        Tool.ORGANIZATIONS: ALL_RIGHTS,
        Tool.CERTIFICATION_CATEGORY: ALL_RIGHTS,
        Tool.VALIDATION: ALL_RIGHTS,
        Tool.AUDIT: frozenset({Right.READ}),
    },
    Role.AUDITOR: {tool: frozenset({Right.READ}) for tool in STATE_TOOLS},
    Role.DISTRICT_ADMINISTRATOR: {
        Tool.OWN_CATEGORY_MEMBERS: ALL_RIGHTS,
        Tool.CERTIFICATION_EVENT: frozenset({Right.READ}),
    },
}

RIGHT_WORDS = {Right.READ: "Read", Right.WRITE: "Write", Right.ADD: "Add", Right.DELETE: "Delete"}

# In the words of both Python and PostgreSQL.
EMAIL_PATTERN = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
_EMAIL = re.compile(EMAIL_PATTERN)
_USERNAME = re.compile(r"[^\s;,@/:]+(@[^\s;,@/:]+)?")


def rights_of_letters(letters: str) -> frozenset[Right]:
    """`RW` as rights. Raises ValueError for any other letter."""
    return frozenset(Right(letter) for letter in letters)


def rights_in_words(rights: Iterable[Right]) -> str:
    """`Read and Write`, in the order of the letters R, W, A, D."""
    wanted = set(rights)
    words = [RIGHT_WORDS[right] for right in Right if right in wanted]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def lacking_in_words(tool: Tool, lacking: Iterable[Right], organization: str | None = None) -> str:
    """`the right Write on Event Management`, the words in which every refusal names what is missing."""
    missing = set(lacking)
    noun = "right" if len(missing) == 1 else "rights"
    place = f" for {organization}" if organization else ""
    return f"the {noun} {rights_in_words(missing)} on {tool.value}{place}"


def is_email(text: str | None) -> bool:
    """Whether mail could be sent there at all; only a bounce tells more."""
    return bool(text) and _EMAIL.fullmatch(text or "") is not None


def is_username(text: str) -> bool:
    """Whether it can stand in addresses and in lists: no blanks and none of ; , / or :."""
    return _USERNAME.fullmatch(text) is not None
