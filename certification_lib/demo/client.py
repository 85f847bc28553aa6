"""The REST interface as the demo's people use it: each signs in with the user name and acts in that name."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx


class Refused(Exception):
    """The product said no; the text is its reason."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class RestClient:
    """Both interfaces of one installation: ours below /certification/api/v1 and Airflow's below /api/v2.

    `passwords` maps user names to passwords; anybody who is not in it signs in with `shared_password`.
    """

    def __init__(self, base_url: str, *, shared_password: str, passwords: Mapping[str, str] | None = None) -> None:
        # trust_env off: a proxy of the site must not come between us and this machine.
        self._http = httpx.Client(base_url=base_url, timeout=120, trust_env=False)
        self._shared_password = shared_password
        self._passwords = dict(passwords or {})
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, username: str, path: str, **parameters: Any) -> Any:
        return self._answer(self._http.get(self._ours(path), params=parameters, headers=self._headers(username)))

    def post(self, username: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._answer(self._http.post(self._ours(path), json=body, headers=self._headers(username)))

    def items(self, username: str, path: str, **parameters: Any) -> Iterator[Any]:
        """Every item of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(username, path, **parameters, **cursor)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def airflow(self, username: str, path: str, **parameters: Any) -> Any:
        """A GET on Airflow's own REST interface."""
        return self._answer(self._http.get(f"/api/v2{path}", params=parameters, headers=self._headers(username)))

    @staticmethod
    def _ours(path: str) -> str:
        return f"/certification/api/v1{path}"

    def _headers(self, username: str) -> dict[str, str]:
        if username not in self._tokens:
            password = self._passwords.get(username, self._shared_password)
            answer = self._http.post("/auth/token", json={"username": username, "password": password})
            if answer.status_code != httpx.codes.CREATED:
                raise Refused(answer.status_code, f"{username} could not sign in")
            self._tokens[username] = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._tokens[username]}"}

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_success:
            return response.json() if response.content else None
        try:
            detail = response.json().get("detail", response.reason_phrase)
        except ValueError:
            detail = response.reason_phrase
        raise Refused(response.status_code, str(detail))
