"""A POST with an Idempotency-Key is done once: the same key again is answered as before and does nothing."""

import datetime
import hashlib
from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert
from starlette.responses import JSONResponse, Response

from certification_lib.audit.models import AnsweredRequest
from certification_lib.errors import BadInput
from certification_ui.api.answers import plain
from certification_ui.visit import Visit, VisitOfRequest

KEPT = datetime.timedelta(days=7)
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


class Once:
    """Does an act in the request's transaction and remembers its answer there, so that both are kept or neither."""

    def __init__(self, request: Request, visit: Visit, key: str | None) -> None:
        self.request = request
        self.visit = visit
        self.key = key

    def __call__(self, act: Callable[[], Any], body: BaseModel | None = None, *, status: int = 200) -> Response:
        """The answer of `act`, or the one given before to the same key and request."""
        if self.key is None:
            return JSONResponse(plain(act()), status_code=status)
        digest = self._digest(body)
        if not self._is_first(digest, status):
            return self._answered(digest)
        answer = plain(act())
        remembered = sa.update(AnsweredRequest).where(*self._mine()).values(answer={"body": answer})
        self.visit.session.execute(remembered)
        return JSONResponse(answer, status_code=status)

    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            AnsweredRequest.username == self.visit.actor.username,
            AnsweredRequest.idempotency_key == self.key,
        )

    def _is_first(self, digest: str, status: int) -> bool:
        """Claim the key. A request of the same key that is under way is waited for here."""
        session = self.visit.session
        session.execute(
            sa.delete(AnsweredRequest).where(*self._mine(), AnsweredRequest.answered_at < self.visit.now - KEPT)
        )
        claim = insert(AnsweredRequest).values(
            username=self.visit.actor.username,
            idempotency_key=self.key,
            request_digest=digest,
            answered_at=self.visit.now,
            status=status,
        )
        claimed = session.execute(claim.on_conflict_do_nothing().returning(AnsweredRequest.username))
        return claimed.first() is not None

    def _answered(self, digest: str) -> Response:
        before = self.visit.session.scalars(sa.select(AnsweredRequest).where(*self._mine())).one()
        if before.request_digest != digest:
            raise BadInput("This Idempotency-Key was used for another request. Use a new one.")
        body = before.answer["body"] if before.answer else None
        return JSONResponse(body, status_code=before.status, headers={"Idempotent-Replay": "true"})

    def _digest(self, body: BaseModel | None) -> str:
        sent = body.model_dump_json() if body is not None else ""
        return hashlib.sha256(f"{self.request.method} {self.request.scope['path']} {sent}".encode()).hexdigest()


def get_once(request: Request, visit: VisitOfRequest, idempotency_key: IdempotencyKey = None) -> Once:
    return Once(request, visit, idempotency_key)


OnceOfRequest = Annotated[Once, Depends(get_once)]
