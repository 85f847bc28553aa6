/*
name: discipline
title: Discipline
description: >-
  One row per student, behavior in an incident of the school year, and discipline that followed; discipline that names no
  incident has a row of its own.
source: edfi_ods
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Info
totals:
  by: [behavior, discipline]
  distinct: [incident_identifier, student_unique_id]
  labels:
    rows: Discipline records
    incident_identifier: Incidents
    student_unique_id: Students
columns:
  district_id: District
  school_id: School
  row_key: Row
  student_unique_id: Student ID
  incident_identifier: Incident
  incident_date: Incident date
  behavior: Behavior
  discipline_action_identifier: Discipline action
  discipline_date: Discipline date
  discipline: Discipline
  discipline_action_length: Length in days
  actual_discipline_action_length: Actual length in days
  length_difference_reason: Reason for the difference
  responsible_district_id: District responsible for the discipline
*/
with
state_number as (
    select code.educationorganizationid, min(code.identificationcode) as number
    from edfi.educationorganizationidentificationcode as code
    where code.educationorganizationidentificationsystemdescriptorid
        = any(array(select system.descriptorid from edfi.descriptor as system where system.codevalue = 'SEA'))
    group by code.educationorganizationid
),
school as not materialized (
    select
        school.schoolid,
        coalesce(district_number.number, school.localeducationagencyid::text) as district_id,
        coalesce(school_number.number, school.schoolid::text) as school_id
    from edfi.school as school
    left join state_number as district_number
        on district_number.educationorganizationid = school.localeducationagencyid
    left join state_number as school_number on school_number.educationorganizationid = school.schoolid
    where school.localeducationagencyid is not null
        and (
            :districts is null
            or coalesce(district_number.number, school.localeducationagencyid::text) = any(:districts)
        )
        and (:schools is null or coalesce(school_number.number, school.schoolid::text) = any(:schools))
)
select
    school.district_id::text as district_id,
    school.school_id::text as school_id,
    concat_ws(
        '|', student.studentuniqueid, school.school_id, incident.incidentidentifier, behavior.codevalue,
        coalesce(taken.disciplineactionidentifier, '-'), coalesce(taken.disciplinedate::text, '-'),
        coalesce(discipline.codevalue, '-')
    ) as row_key,
    student.studentuniqueid::text as student_unique_id,
    incident.incidentidentifier::text as incident_identifier,
    incident.incidentdate as incident_date,
    behavior.codevalue::text as behavior,
    taken.disciplineactionidentifier::text as discipline_action_identifier,
    taken.disciplinedate as discipline_date,
    discipline.codevalue::text as discipline,
    action.disciplineactionlength::numeric as discipline_action_length,
    action.actualdisciplineactionlength::numeric as actual_discipline_action_length,
    difference.codevalue::text as length_difference_reason,
    case
        when action.responsibilityschoolid = involved.schoolid then school.district_id::text
        -- Another school, perhaps of another district, is responsible: seldom, so it is looked up for the row.
        when action.responsibilityschoolid is not null then (
            select
                coalesce(
                    (
                        select min(code.identificationcode)
                        from edfi.educationorganizationidentificationcode as code
                        where code.educationorganizationid = responsible.localeducationagencyid
                            and code.educationorganizationidentificationsystemdescriptorid = any(
                                array(select system.descriptorid from edfi.descriptor as system where system.codevalue = 'SEA')
                            )
                    ),
                    responsible.localeducationagencyid::text
                )
            from edfi.school as responsible
            where responsible.schoolid = action.responsibilityschoolid
                and responsible.localeducationagencyid is not null
        )
    end as responsible_district_id
from edfi.studentdisciplineincidentbehaviorassociation as involved
join edfi.disciplineincident as incident
    on incident.incidentidentifier = involved.incidentidentifier and incident.schoolid = involved.schoolid
join edfi.student as student on student.studentusi = involved.studentusi
join school on school.schoolid = involved.schoolid
left join edfi.disciplineactionstudentdisciplineincidentbehaviorassociation as taken
    on taken.studentusi = involved.studentusi
    and taken.schoolid = involved.schoolid
    and taken.incidentidentifier = involved.incidentidentifier
    and taken.behaviordescriptorid = involved.behaviordescriptorid
left join edfi.disciplineaction as action
    on action.disciplineactionidentifier = taken.disciplineactionidentifier
    and action.disciplinedate = taken.disciplinedate
    and action.studentusi = taken.studentusi
left join edfi.disciplineactiondiscipline as given
    on given.disciplineactionidentifier = taken.disciplineactionidentifier
    and given.disciplinedate = taken.disciplinedate
    and given.studentusi = taken.studentusi
left join edfi.descriptor as behavior on behavior.descriptorid = involved.behaviordescriptorid
left join edfi.descriptor as discipline on discipline.descriptorid = given.disciplinedescriptorid
left join edfi.descriptor as difference
    on difference.descriptorid = action.disciplineactionlengthdifferencereasondescriptorid
where incident.incidentdate between make_date(:school_year - 1, 7, 1) and make_date(:school_year, 6, 30)
union all
select
    school.district_id::text,
    school.school_id::text,
    concat_ws(
        '|', student.studentuniqueid, school.school_id, '-', '-', action.disciplineactionidentifier,
        action.disciplinedate, coalesce(discipline.codevalue, '-')
    ),
    student.studentuniqueid::text,
    null,
    null,
    null,
    action.disciplineactionidentifier::text,
    action.disciplinedate,
    discipline.codevalue::text,
    action.disciplineactionlength::numeric,
    action.actualdisciplineactionlength::numeric,
    difference.codevalue::text,
    school.district_id::text
from edfi.disciplineaction as action
join edfi.student as student on student.studentusi = action.studentusi
join school on school.schoolid = action.responsibilityschoolid
left join edfi.disciplineactiondiscipline as given
    on given.disciplineactionidentifier = action.disciplineactionidentifier
    and given.disciplinedate = action.disciplinedate
    and given.studentusi = action.studentusi
left join edfi.descriptor as discipline on discipline.descriptorid = given.disciplinedescriptorid
left join edfi.descriptor as difference
    on difference.descriptorid = action.disciplineactionlengthdifferencereasondescriptorid
where action.disciplinedate between make_date(:school_year - 1, 7, 1) and make_date(:school_year, 6, 30)
    and not exists (
        select 1
        from edfi.disciplineactionstudentdisciplineincidentbehaviorassociation as taken
        where taken.disciplineactionidentifier = action.disciplineactionidentifier
            and taken.disciplinedate = action.disciplinedate
            and taken.studentusi = action.studentusi
    )
