"""What the acts on participants take. Unknown fields are refused: a misspelt `reason` must not be dropped."""

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from certification_lib.categories.models import CategoryRole, Level
from certification_lib.certification.models import ReviewOutcome
from certification_lib.certification.service import Attestation

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Numbers = Annotated[list[str], Field(min_length=1, max_length=20_000)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CertifyBody(Body):
    """What the certifier was shown and confirms; 409 says what changed if any of it is no longer current."""

    revision: int | None = Field(description="Revision number; null where the event takes no snapshot", examples=[3])
    digest: str | None = Field(description="SHA-256 of that revision", examples=["9f86d081884c7d65…"])
    statement_version: int = Field(examples=[1])
    name: Text = Field(examples=["Pat Superintendent"])
    title: Text = Field(examples=["Superintendent"])
    nil_return: bool = Field(default=False, description="True where there are no records and none are due")
    reason_without_change: Text | None = Field(
        default=None, description="Required where readiness says so: a recertification of the same data"
    )

    def attestation(self) -> Attestation:
        return Attestation(
            revision=self.revision,
            digest=self.digest,
            statement_version=self.statement_version,
            name=self.name,
            title=self.title,
            nil_return=self.nil_return,
            reason_without_change=self.reason_without_change,
        )


class ReasonBody(Body):
    reason: Text = Field(examples=["Late enrollments were entered after we certified."])


class SendAgainBody(Body):
    mails: list[int] | None = Field(
        default=None, description="Ids of deliveries; none: all that are unclear", examples=[[17, 18]]
    )


class ApproveBody(Body):
    participants: Numbers = Field(examples=[["001", "005"]])
    reason: Text | None = Field(default=None, description="Required with include_uncertified")
    include_uncertified: bool = False


class ParticipantsReasonBody(Body):
    participants: Numbers
    reason: Text


class SendBackBody(ParticipantsReasonBody):
    due_date: datetime.date | None = Field(default=None, description="Required once Event End has passed")


class DecisionBody(Body):
    accept: bool
    comment: Text | None = None
    due_date: datetime.date | None = Field(default=None, description="Required to accept once Event End has passed")


class DueDatesBody(Body):
    participants: Numbers
    due_date: datetime.date | None = Field(description="null takes the due date back")
    reason: Text | None = None


class DueDateBody(Body):
    due_date: datetime.date
    reason: Text


class SetAsideBody(Body):
    rule: str = Field(examples=["ENR-003"])
    participant: str | None = Field(default=None, description="null: for the whole event")
    reason: Text


class EndSetAsideBody(Body):
    rule: str
    participant: str | None = None


class ReviewBody(Body):
    outcome: ReviewOutcome
    comment: Text | None = None


class MessageBody(Body):
    participants: Numbers | None = None
    people: Annotated[list[str], Field(min_length=1)] | Literal["owing"] | None = None
    text: Text


class CloseBody(Body):
    comment: Text
    name: str | None = Field(default=None, description="The event's name, needed when something is unfinished")


class SnapshotBody(Body):
    kind: Literal["state", "district", "cleanup"] = "state"
    participants: Numbers | None = None


class ValidationBody(Body):
    participants: Numbers | None = None


class CopyBody(Body):
    corrects: bool = Field(default=False, description="The copy corrects this closed event")
    participants: Numbers | None = Field(default=None, description="Only these of its participants")


class CategoryBody(Body):
    name: Text
    level: Level


class CategoryChangeBody(Body):
    name: Text | None = None
    level: Level | None = None
    active: bool | None = None
    published: bool | None = None


class MemberBody(Body):
    username: str
    role: CategoryRole
    organization: str | None = Field(default=None, description="Number of the LEA; null for state members")
    school: str | None = Field(default=None, description="Number of the school; null means All Schools")


class MemberRemovalBody(Body):
    username: str
    organization: str | None = Field(default=None, description="Number of the LEA; null for state members")
    school: str | None = Field(default=None, description="Number of the school; null means All Schools")


class MemberChangeBody(Body):
    role: CategoryRole
    school: str | None = Field(default=None, description="Number of the school; null means All Schools")
