"""What others have of a rule that compares organizations, mended where a changed organization touches it.

Looked at again were only rows with the keys of the changed organizations. So of everybody else's findings exactly those
with such a key are taken away, and the ones found now are put in their place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from certification_lib.errors import Conflict
from certification_lib.rulebook.comparing_key import ComparingKey

KEYS = "comparing_key"
TOUCHED = "touched_revision"

_MENDED = "create temporary table mended (revision_id bigint, rule_version_id bigint, more bigint) on commit drop"
_TAKE_AWAY = """
    with gone as (
      delete from certification.finding
      using (
        select id
        from (
          select finding.id, key.*
          from certification.finding
          join {touched} as touched using (revision_id)
          cross join lateral (select {parts} from jsonb_to_record(finding.identifiers) as shown({columns})) as key
          where finding.rule_version_id = any(cast(:rules as bigint[]))
        ) as keyed(id, {names})
        where ({names}) in (table {keys})
      ) as going
      where finding.id = going.id
      returning finding.revision_id, finding.rule_version_id
    ), found as (
      select touched.revision_id, staged.rule_version_id, max(staged.total) as rows
      from staged_finding as staged
      join {touched} as touched on touched.number = staged.number
      where staged.rule_version_id = any(cast(:rules as bigint[]))
      group by touched.revision_id, staged.rule_version_id
    ), lost as (
      select revision_id, rule_version_id, count(*) as rows from gone group by revision_id, rule_version_id
    )
    insert into mended
    select revision_id, rule_version_id, coalesce(found.rows, 0) - coalesce(lost.rows, 0)
    from found full join lost using (revision_id, rule_version_id)
"""
_COUNT = """
    update certification.validation_result as result
    set finding_count = result.finding_count + mended.more, validation_run_id = :run_id
    from mended
    where result.revision_id = mended.revision_id and result.rule_version_id = mended.rule_version_id
"""
_PUT_IN = """
    insert into certification.finding
      (revision_id, rule_version_id, validation_run_id, district_number, school_number, row_key, identifiers)
    select touched.revision_id, staged.rule_version_id, :run_id, touched.lea_number, staged.school_id, staged.row_key,
           staged.identifiers
    from staged_finding as staged
    join {touched} as touched on touched.number = staged.number
    where staged.rule_version_id = any(cast(:rules as bigint[]))
    order by touched.revision_id, staged.rule_version_id, staged.row_key collate "C"
"""
_KEEP_THE_FIRST = """
    delete from certification.finding
    using (
      select finding.id, row_number() over (
        partition by finding.revision_id, finding.rule_version_id order by finding.row_key collate "C") as place
      from certification.finding
      join mended using (revision_id, rule_version_id)
    ) as ranked
    where finding.id = ranked.id and ranked.place > :cap
"""
_DISAGREEING = """
    select count(*)
    from mended
    join certification.validation_result as result using (revision_id, rule_version_id)
    where least(result.finding_count, :cap) is distinct from (
      select count(*) from certification.finding
      where finding.revision_id = mended.revision_id and finding.rule_version_id = mended.rule_version_id
    )
"""


@dataclass(frozen=True)
class Narrowed:
    """A schema with the rows of some keys only; in `everybody` all participants are pinned.

    `types`: PostgreSQL's of the key's columns.
    """

    schema: str
    everybody: str
    key: ComparingKey
    types: Mapping[str, str]


def mend_others(
    narrowed: Narrowed, rule_version_ids: Sequence[int], *, run_id: int, cap: int, connection: sa.Connection
) -> None:
    """Mend findings and counts of everybody touched, in the caller's transaction, from the staged findings.

    Whoever has more findings than are kept is not among the touched: nothing could be told from what is not kept.
    """
    quote = connection.dialect.identifier_preparer.quote
    parts = {
        "touched": f"{quote(narrowed.schema)}.{TOUCHED}",
        "keys": f"{quote(narrowed.schema)}.{KEYS}",
        "columns": ", ".join(f"{quote(name)} {narrowed.types[name]}" for name in narrowed.key.columns),
        "parts": ", ".join(narrowed.key.parts),
        "names": ", ".join(f"key_{place}" for place in range(len(narrowed.key.parts))),
    }
    given = {"rules": list(rule_version_ids), "run_id": run_id, "cap": cap}
    connection.execute(sa.text(_MENDED))
    connection.execute(sa.text(_TAKE_AWAY.format(**parts)), given)
    connection.execute(sa.text(_COUNT), given)
    connection.execute(sa.text(_PUT_IN.format(**parts)), given)
    connection.execute(sa.text(_KEEP_THE_FIRST), given)
    if connection.execute(sa.text(_DISAGREEING), given).scalar_one():
        raise Conflict("Counts and findings of this run do not agree; run the validation again.")
