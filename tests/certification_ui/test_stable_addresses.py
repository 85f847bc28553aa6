"""The addresses of the REST interface that programs outside rely on: none may be renamed or go."""

from tests.certification_ui.everybody import routes

OF_EVENT = "/events/{}"
OF_PARTICIPANT = "/events/{}/participants/{}"

STABLE = {
    "/categories": "GET POST",
    "/categories/{}": "GET PATCH",
    "/categories/{}/members": "GET POST DELETE",
    "/rules": "GET POST",
    "/rules/{}": "GET PATCH",
    "/rules/preview": "POST",
    "/validation-groups": "GET POST",
    "/validation-groups/{}": "GET PATCH",
    "/events": "GET POST",
    OF_EVENT: "GET PATCH DELETE",
    **dict.fromkeys((f"{OF_EVENT}/{act}" for act in ("publish", "copy", "close", "discard-draft")), "POST"),
    f"{OF_EVENT}/participants": "GET",
    OF_PARTICIPANT: "GET",
    f"{OF_PARTICIPANT}/findings": "GET",
    **dict.fromkeys(
        (
            f"{OF_PARTICIPANT}/{act}"
            for act in (
                "certify", "request-recertification", "withdraw-request", "snapshot", "validate", "review", "withdraw",
                "recertification-decision",
            )
        ),
        "POST",
    ),
    f"{OF_PARTICIPANT}/due-dates/{{}}": "PUT DELETE",
    **dict.fromkeys(
        (
            f"{OF_EVENT}/{act}"
            for act in (
                "approve", "withdraw-approval", "request-recertification", "take-back-recertification", "messages",
                "due-dates", "hold", "resume",
            )
        ),
        "POST",
    ),
    f"{OF_EVENT}/set-aside": "POST DELETE",
    "/receipts": "GET",
    "/receipts/{}": "GET",
    "/organizations": "GET POST",
    "/organizations/{}": "GET PATCH",
    "/people": "GET POST",
    "/people/{}": "GET PATCH",
    "/people/{}/rights": "GET PUT",
    f"{OF_EVENT}/snapshots": "GET POST",
    f"{OF_EVENT}/validation-runs": "GET POST",
    f"{OF_EVENT}/report": "GET",
    "/messages": "GET",
    "/messages/{}/read": "POST",
    "/audit": "GET",
    "/me": "GET",
    "/openapi.json": "GET",
}  # fmt: skip


def without_names(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_every_stable_address_is_there_with_its_methods() -> None:
    there: dict[str, set[str]] = {}
    for route in routes():
        if route.path.startswith("/api/v1/"):
            address = without_names(route.path.removeprefix("/api/v1"))
            there.setdefault(address, set()).update(route.methods)
    missing = {
        address: sorted(set(methods.split()) - there.get(address, set()))
        for address, methods in STABLE.items()
        if not set(methods.split()) <= there.get(address, set())
    }
    assert missing == {}
