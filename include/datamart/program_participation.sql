/*
name: program_participation
title: Program participation
description: One row per student and program of the school year, with the facts of special education and homelessness.
source: edfi_ods
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Warning
totals:
  once_per: [student_unique_id, program_type]
  on_count_date: [begin_date, end_date]
  by: [program_type]
  labels:
    rows: Participation records
    count: Participations
schools: {through: enrollment, by: [student_unique_id]}
columns:
  district_id: District
  school_id: School
  row_key: Row
  student_unique_id: Student ID
  program_type: Program type
  program_name: Program
  begin_date: Begin date
  end_date: End date
  reason_exited: Reason exited
  disability: Primary disability
  special_education_setting: Special education setting
  iep_review_date: IEP review date
  special_education_exit_date: Special education exit date
  special_education_exit_reason: Special education exit reason
  homeless_residence: Primary nighttime residence
  birth_date: Birth date
*/
with
state_number as (
    select code.educationorganizationid, min(code.identificationcode) as number
    from edfi.educationorganizationidentificationcode as code
    where code.educationorganizationidentificationsystemdescriptorid
        = any(array(select system.descriptorid from edfi.descriptor as system where system.codevalue = 'SEA'))
    group by code.educationorganizationid
),
-- Programs hang on a district or on one of its schools.
organization as (
    select district.localeducationagencyid as educationorganizationid, district.localeducationagencyid
    from edfi.localeducationagency as district
    union all
    select school.schoolid, school.localeducationagencyid
    from edfi.school as school
    where school.localeducationagencyid is not null
),
district as not materialized (
    select
        organization.educationorganizationid,
        coalesce(state_number.number, organization.localeducationagencyid::text) as district_id
    from organization
    left join state_number on state_number.educationorganizationid = organization.localeducationagencyid
    where :districts is null
        or coalesce(state_number.number, organization.localeducationagencyid::text) = any(:districts)
),
primary_disability as (
    select distinct on (
        given.studentusi, given.educationorganizationid, given.programeducationorganizationid,
        given.programname, given.programtypedescriptorid, given.begindate
    )
        given.studentusi, given.educationorganizationid, given.programeducationorganizationid,
        given.programname, given.programtypedescriptorid, given.begindate, name.codevalue as name
    from edfi.studentspecialeducationprogramassociationdisability as given
    join edfi.descriptor as name on name.descriptorid = given.disabilitydescriptorid
    where (:districts is null or given.educationorganizationid = any(array(select educationorganizationid from district)))
    order by
        given.studentusi, given.educationorganizationid, given.programeducationorganizationid,
        given.programname, given.programtypedescriptorid, given.begindate,
        given.orderofdisability nulls last, name.codevalue
),
-- Data Standard 4.0 has no special education exit: there the two names mean those of `absent`.
special_education as (
    select known.*
    from (select null::date as specialeducationexitdate, null::integer as specialeducationexitreasondescriptorid)
        as absent
    cross join lateral (
        select
            program.studentusi, program.educationorganizationid, program.programeducationorganizationid,
            program.programname, program.programtypedescriptorid, program.begindate,
            program.iepreviewdate, program.specialeducationsettingdescriptorid,
            specialeducationexitdate as exit_date,
            specialeducationexitreasondescriptorid as exit_reason
        from edfi.studentspecialeducationprogramassociation as program
    ) as known
)
select
    district.district_id::text as district_id,
    null::text as school_id,
    concat_ws(
        '|', student.studentuniqueid, type.codevalue, program.programname, program.begindate,
        program.educationorganizationid, program.programeducationorganizationid
    ) as row_key,
    student.studentuniqueid::text as student_unique_id,
    type.codevalue::text as program_type,
    program.programname::text as program_name,
    program.begindate as begin_date,
    program.enddate as end_date,
    reason.codevalue::text as reason_exited,
    primary_disability.name::text as disability,
    setting.codevalue::text as special_education_setting,
    special_education.iepreviewdate as iep_review_date,
    special_education.exit_date as special_education_exit_date,
    exit_reason.codevalue::text as special_education_exit_reason,
    residence.codevalue::text as homeless_residence,
    student.birthdate as birth_date
from edfi.generalstudentprogramassociation as program
join edfi.student as student on student.studentusi = program.studentusi
join district on district.educationorganizationid = program.educationorganizationid
left join special_education
    on special_education.studentusi = program.studentusi
    and special_education.educationorganizationid = program.educationorganizationid
    and special_education.programeducationorganizationid = program.programeducationorganizationid
    and special_education.programname = program.programname
    and special_education.programtypedescriptorid = program.programtypedescriptorid
    and special_education.begindate = program.begindate
left join primary_disability
    on primary_disability.studentusi = program.studentusi
    and primary_disability.educationorganizationid = program.educationorganizationid
    and primary_disability.programeducationorganizationid = program.programeducationorganizationid
    and primary_disability.programname = program.programname
    and primary_disability.programtypedescriptorid = program.programtypedescriptorid
    and primary_disability.begindate = program.begindate
left join edfi.studenthomelessprogramassociation as homeless
    on homeless.studentusi = program.studentusi
    and homeless.educationorganizationid = program.educationorganizationid
    and homeless.programeducationorganizationid = program.programeducationorganizationid
    and homeless.programname = program.programname
    and homeless.programtypedescriptorid = program.programtypedescriptorid
    and homeless.begindate = program.begindate
left join edfi.descriptor as type on type.descriptorid = program.programtypedescriptorid
left join edfi.descriptor as reason on reason.descriptorid = program.reasonexiteddescriptorid
left join edfi.descriptor as setting on setting.descriptorid = special_education.specialeducationsettingdescriptorid
left join edfi.descriptor as exit_reason on exit_reason.descriptorid = special_education.exit_reason
left join edfi.descriptor as residence on residence.descriptorid = homeless.homelessprimarynighttimeresidencedescriptorid
where program.begindate <= make_date(:school_year, 6, 30)
    and coalesce(program.enddate, 'infinity') >= make_date(:school_year - 1, 7, 1)
