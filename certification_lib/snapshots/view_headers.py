"""The YAML header in the leading comment of a view file: what the view is and how its rows are summed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

NAME = r"[a-z][a-z0-9_]{0,30}"


class Totals(BaseModel):
    """What is summed per participant and shown to those who certify. All names are columns of the view."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    once_per: list[str] = Field(default=[], description="Rows that agree in these count once in a participant")
    prefer: list[str] = Field(default=[], description="Which of them: the one with the highest value here")
    on_count_date: list[str] = Field(default=[], max_length=2, description="First and last day; both count")
    by: list[str] = []
    flags: list[str] = Field(default=[], description="Booleans: how many are true")
    distinct: list[str] = []
    sum: list[str] = []
    labels: dict[str, str] = Field(
        default={}, description="What certifiers read beside a number: for `rows`, `count` or a column"
    )

    def names(self) -> set[str]:
        return {name for names in self.model_dump(exclude={"labels"}).values() for name in names}


class Files(BaseModel):
    """Where the files of a view lie and what they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="Folder or fsspec URL with {district} and {school_year} where they stand in it")
    format: Literal["csv", "parquet", "xlsx"]
    key: list[str] = Field(default=[], description="Columns that make up row_key, when the files do not hold it")
    encoding: str = "utf-8-sig"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    sheet: str | None = Field(default=None, description="Of a workbook; without it the first")


class Schools(BaseModel):
    """How rows that name no school belong to schools in an event of schools: each goes to every school that the other
    view names for the same district and the same values of these columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    through: str = Field(description="A view of the same source whose rows name their school")
    by: list[str] = Field(min_length=1, description="Columns that both views have")


class Header(BaseModel):
    """The YAML header of a view file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME)
    title: str
    description: str = ""
    source: str = Field(description="Name of the connection the SELECT runs on")
    district_column: str
    school_column: str
    row_key: str
    severity_of_absence: str = Field(pattern="^(Error|Warning|Info)$")
    columns: dict[str, str] = Field(description="Label of each column, in the view's order")
    types: dict[str, str] = Field(default={}, description="Of each column; PostgreSQL sources tell their own")
    files: Files | None = None
    schools: Schools | Literal["none"] | None = Field(
        default=None,
        description="Without it school_id tells; `none`: rows of districts only, not for events of schools",
    )
    totals: Totals = Totals()
