/*
name: staff_assignment
title: Staff assignments
description: One row per assignment of a staff member at the district or one of its schools in the school year.
source: edfi_ods
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Warning
totals:
  by: [staff_classification]
  distinct: [staff_unique_id]
  sum: [full_time_equivalency]
  labels:
    rows: Assignments
    staff_unique_id: Staff members
columns:
  district_id: District
  school_id: School
  row_key: Row
  staff_unique_id: Staff ID
  first_name: First name
  last_surname: Last name
  staff_classification: Classification
  position_title: Position
  begin_date: Begin date
  end_date: End date
  full_time_equivalency: Full-time equivalency
*/
with
state_number as (
    select code.educationorganizationid, min(code.identificationcode) as number
    from edfi.educationorganizationidentificationcode as code
    where code.educationorganizationidentificationsystemdescriptorid
        = any(array(select system.descriptorid from edfi.descriptor as system where system.codevalue = 'SEA'))
    group by code.educationorganizationid
),
organization as (
    select district.localeducationagencyid as educationorganizationid, district.localeducationagencyid, null as schoolid
    from edfi.localeducationagency as district
    union all
    select school.schoolid, school.localeducationagencyid, school.schoolid::text
    from edfi.school as school
    where school.localeducationagencyid is not null
),
place as (
    select
        organization.educationorganizationid,
        coalesce(district_number.number, organization.localeducationagencyid::text) as district_id,
        case when organization.schoolid is not null
            then coalesce(school_number.number, organization.schoolid)
        end as school_id
    from organization
    left join state_number as district_number
        on district_number.educationorganizationid = organization.localeducationagencyid
    left join state_number as school_number
        on school_number.educationorganizationid = organization.educationorganizationid
    where (
            :districts is null
            or coalesce(district_number.number, organization.localeducationagencyid::text) = any(:districts)
        )
        and (
            :schools is null
            or (
                organization.schoolid is not null
                and coalesce(school_number.number, organization.schoolid) = any(:schools)
            )
        )
)
select
    place.district_id::text as district_id,
    place.school_id::text as school_id,
    concat_ws(
        '|', staff.staffuniqueid, assignment.educationorganizationid, classification.codevalue, assignment.begindate
    ) as row_key,
    staff.staffuniqueid::text as staff_unique_id,
    staff.firstname::text as first_name,
    staff.lastsurname::text as last_surname,
    classification.codevalue::text as staff_classification,
    assignment.positiontitle::text as position_title,
    assignment.begindate as begin_date,
    assignment.enddate as end_date,
    assignment.fulltimeequivalency::numeric as full_time_equivalency
from edfi.staffeducationorganizationassignmentassociation as assignment
join edfi.staff as staff on staff.staffusi = assignment.staffusi
join place on place.educationorganizationid = assignment.educationorganizationid
left join edfi.descriptor as classification
    on classification.descriptorid = assignment.staffclassificationdescriptorid
where assignment.begindate <= make_date(:school_year, 6, 30)
    and coalesce(assignment.enddate, 'infinity') >= make_date(:school_year - 1, 7, 1)
