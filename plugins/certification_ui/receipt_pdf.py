"""The receipt as an accessible PDF: tagged, PDF/UA-1, made by Typst from a template.

What the receipt says reaches the template as data, never as markup, so that nothing typed into a name can act.
"""

from typing import Any

from certification_lib.certification.own_readmodels import Receipt
from certification_lib.reports.typesetting import pdf
from certification_ui import totals, urls, words
from certification_ui.templating import FOLDER, PRODUCT

TEMPLATE = FOLDER / "own" / "receipt.typ"


def receipt_pdf(receipt: Receipt, *, state_name: str, zone: str, site: str) -> bytes:
    """PDF/UA-1, unless a name holds letters that no font here has.

    `site` is the address of the home page, below which the verification lies.
    """
    said = _said(receipt, state_name, zone, site)
    return pdf(TEMPLATE, said, made_at=int(receipt.submitted_at.timestamp()))


def _said(receipt: Receipt, state_name: str, zone: str, site: str) -> dict[str, Any]:
    """Everything the paper says, in words."""
    return {
        "title": f"Receipt of certification {receipt.id}",
        "author": state_name,
        "product": PRODUCT,
        "event": receipt.event_name,
        "organization": f"{receipt.organization_name} ({receipt.organization_number})",
        "signed": [
            ["Signed by", f"{receipt.person_name}, {receipt.person_title}"],
            ["For", f"{receipt.organization_name} ({receipt.organization_number})"],
            ["Signed at", words.moment(receipt.submitted_at, zone)],
            ["The same in UTC", words.moment(receipt.submitted_at, "UTC")],
            ["Timeliness", str(receipt.timeliness)],
            ["Round", str(receipt.round_number)],
            ["By way of", words.channel(receipt.channel)],
            ["Receipt number", str(receipt.id)],
        ],
        "statement": receipt.statement,
        "statement_version": receipt.statement_version,
        "nil_return": receipt.nil_return or "",
        "reason": receipt.reason_without_change or "",
        "data": _data(receipt),
        "could_not_run": list(receipt.findings.get("could not run", [])),
        "set_aside": [[rule["code"], rule["reason"]] for rule in receipt.rules_set_aside],
        "digest": receipt.digest or "",
        "verify": f"{site.rstrip('/')}{urls.VERIFY.format(digest=receipt.digest)}" if receipt.digest else "",
        "counts": receipt.counts,
    }


def _data(receipt: Receipt) -> list[list[str]]:
    if receipt.revision_number is None:
        return []
    found = {name: receipt.findings.get(name, 0) for name in ("Error", "Warning", "Info")}
    return [
        ["Revision", str(receipt.revision_number)],
        *([totals.view_title(view), words.count(rows, "row")] for view, rows in receipt.row_counts.items()),
        ["Findings: errors", words.number(found["Error"])],
        ["Findings: warnings", words.number(found["Warning"])],
        ["Findings: for information", words.number(found["Info"])],
    ]
