"""Make the pictures of docs/screens.md small, and the page that shows them, from those that the browser tests took.

python scripts/screens.py screenshots docs
"""

import sys
from pathlib import Path

from PIL import Image

SIZES = {"wide": 900, "phone": 320}
"""How wide a picture is kept; letters on it can be read, and all of them together stay under 8 MB."""
MOST_HEIGHT = 2_400
QUALITY = 55
IN_SIGHT = {"large-participants-wide": "certification-status"}

# In the order in which people come to them. What is not named here stands at the end of its part.
PARTS = {
    "The state runs an event": {
        "events": "Event Management",
        "event-viewer": "Event Viewer",
        "participants": "Certification Status",
        "large-participants": "Certification Status with 2,000 districts",
        "large-close": "Closing an event with much unfinished",
        "nothing-events": "Event Management before the first event",
        "participant": "A participant",
        "participant-long": "A participant with a long name and no certifier",
        "participant-changed": "A participant whose data changed since it certified",
        "changes": "What changed since certified",
        "changed-rows": "The rows that changed",
        "approve": "Approving several at once",
        "approved": "What became of it",
        "extend-due-date": "Extend Due Date",
        "due-dates": "Extensions granted",
        "message": "Send Message",
        "message-preview": "Who gets a message",
        "review": "Recording a review",
        "hold": "Putting an event on hold",
        "override-due-date": "A due date for one person",
        "withdraw-participant": "Withdraw Participant",
        "publish": "Before publishing",
        "close": "Close Event",
        "keeping": "Keeping and disposing",
        "dispose": "Disposing of data",
        "take-snapshot": "Taking a snapshot of all",
        "snapshot": "A snapshot",
    },
    "The state writes an event": {
        "new-event": "New event",
        "edit-event": "Event Details",
        "edit-event-data": "Data Details",
        "edit-event-participants": "Participant Details",
        "edit-event-snapshots": "Snapshot Management",
    },
    "Rules and findings": {
        "findings-matrix": "Findings by participant and rule",
        "participant-findings": "Findings of one participant",
        "validation-runs": "Runs of the rules",
        "changed-rules": "Rules changed since publication",
        "set-aside": "Rules set aside",
        "rules": "Validation Rules",
        "rule": "A rule",
        "new-rule": "New rule",
        "group": "A validation group",
        "edit-group": "Changing a validation group",
    },
    "Who may what": {
        "categories": "Certification Category",
        "category": "A category and its members",
        "people": "People and Rights",
        "person": "A person",
        "person-rights": "The rights of a person",
        "roles": "Roles and rights",
        "organizations": "Organizations",
        "organization": "An organization",
        "audit": "Audit",
    },
    "A district certifies": {
        "home": "What needs you",
        "own-events": "Certification Event",
        "own-event": "An event, as a district sees it",
        "own-worklist": "Findings to work on",
        "own-findings": "The rows of one rule",
        "snapshot-own": "Taking a snapshot",
        "submit": "Submit Certification to State",
        "receipt": "Receipt",
        "request-recertification": "Request Recertification",
        "own-event-changed": "After the data changed",
        "own-changes": "What changed since certified",
        "own-changed-rows": "The rows that changed",
        "submit-changed": "Submitting again",
    },
    "Everybody": {
        "sign-in": "Sign in",
        "messages": "Message Center of a district",
        "state-messages": "Message Center of the state",
        "refused": "What one may not see",
        "not-found": "What is not there",
        "event-viewer-print": "Event Viewer on paper",
    },
}


def main(taken: Path, docs: Path) -> None:
    folder = docs / "screens"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    kept = {picture.stem: keep(picture, folder) for picture in sorted(taken.glob("*.png")) if size_of(picture.stem)}
    (docs / "screens.md").write_text(page(set(kept)), encoding="utf-8")
    for source, name in IN_SIGHT.items():
        in_sight(taken / f"{source}.png", docs / "images" / f"{name}.png")
    total = sum(kept.values())
    print(f"{len(kept)} pictures, {total / 1e6:.1f} MB, in {folder}")


def in_sight(picture: Path, target: Path) -> None:
    """What one sees of a wide page without scrolling, for pages that show a single picture."""
    with Image.open(picture) as taken:
        seen = taken.convert("RGB").crop((0, 0, taken.width, min(taken.height, 900)))
    seen.quantize(256, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)


def size_of(stem: str) -> str | None:
    """Wide or phone, of a page that the documentation shows."""
    name, _, size = stem.rpartition("-")
    return size if size in SIZES and any(name in named for named in PARTS.values()) else None


def keep(picture: Path, folder: Path) -> int:
    """The bytes of the picture, made narrower and cut where it gets long."""
    with Image.open(picture) as taken:
        width = SIZES[picture.stem.rpartition("-")[2]]
        height = taken.height * width // taken.width
        made = taken.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    made = made.crop((0, 0, width, min(height, MOST_HEIGHT)))
    target = folder / f"{picture.stem}.webp"
    made.save(target, "WEBP", quality=QUALITY, method=6)
    return target.stat().st_size


def page(pictures: set[str]) -> str:
    """docs/screens.md: every page at both widths."""
    lines = [
        "# The pages",
        "",
        "Every page on a wide screen and on a phone, long ones cut off, as `make screenshots` took them of an invented",
        "state with real districts' names. The same run looks for barriers with axe and for anything too wide.",
    ]
    for part, named in PARTS.items():
        shown = {name: title for name, title in named.items() if pictures & {f"{name}-wide", f"{name}-phone"}}
        if not shown:
            continue
        lines += ["", f"## {part}"]
        for name, title in shown.items():
            lines += ["", f"### {title}", ""]
            lines += [
                f"![{title}, {words}](screens/{name}-{size}.webp)"
                for size, words in (("wide", "on a wide screen"), ("phone", "on a phone"))
                if f"{name}-{size}" in pictures
            ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
