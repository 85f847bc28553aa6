/*
name: enrollment
title: Enrollment
description: One row per enrollment of a student at a school in the school year, with what certifiers count by.
source: edfi_ods
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Error
totals:
  once_per: [student_unique_id]
  prefer: [primary_school]
  on_count_date: [entry_date, exit_withdraw_date]
  by: [school_id, entry_grade_level, race, sex]
  flags: [hispanic_latino_ethnicity, special_education, english_learner, economic_disadvantaged]
  labels:
    rows: Enrollment records
    count: Students enrolled
columns:
  district_id: District
  school_id: School
  row_key: Row
  student_unique_id: Student ID
  entry_date: Entry date
  entry_type: Entry type
  entry_grade_level: Grade
  exit_withdraw_date: Exit date
  exit_withdraw_type: Exit type
  primary_school: Primary school
  full_time_equivalency: Full-time equivalency
  residency_status: Residency status
  school_year: School year
  school_lowest_grade: Lowest grade of the school
  school_highest_grade: Highest grade of the school
  school_status: Status of the school
  calendar_first_date: First day of the school's calendar
  calendar_last_date: Last day of the school's calendar
  first_instructional_day: First day of instruction
  instructional_days: Days of instruction in the school year
  days_enrolled: Days of instruction while enrolled
  birth_date: Birth date
  hispanic_latino_ethnicity: Hispanic or Latino
  race: Race
  sex: Sex
  english_learner: English learner
  economic_disadvantaged: Economically disadvantaged
  special_education: Special education
*/
with
state_number as (
    select code.educationorganizationid, min(code.identificationcode) as number
    from edfi.educationorganizationidentificationcode as code
    where code.educationorganizationidentificationsystemdescriptorid
        = any(array(select system.descriptorid from edfi.descriptor as system where system.codevalue = 'SEA'))
    group by code.educationorganizationid
),
grade (name, number) as (
    values
        ('Prekindergarten', -1), ('Preschool', -1), ('Preschool/Prekindergarten', -1),
        ('Kindergarten', 0), ('Transitional Kindergarten', 0),
        ('First grade', 1), ('Second grade', 2), ('Third grade', 3), ('Fourth grade', 4),
        ('Fifth grade', 5), ('Sixth grade', 6), ('Seventh grade', 7), ('Eighth grade', 8),
        ('Ninth grade', 9), ('Tenth grade', 10), ('Eleventh grade', 11), ('Twelfth grade', 12)
),
school_grades as (
    select offered.schoolid, min(grade.number) as lowest, max(grade.number) as highest
    from edfi.schoolgradelevel as offered
    join edfi.descriptor as level on level.descriptorid = offered.gradeleveldescriptorid
    join grade on grade.name = level.codevalue
    group by offered.schoolid
),
school as not materialized (
    select
        school.schoolid,
        school.localeducationagencyid,
        coalesce(district_number.number, school.localeducationagencyid::text) as district_id,
        coalesce(school_number.number, school.schoolid::text) as school_id,
        school_grades.lowest,
        school_grades.highest
    from edfi.school as school
    left join state_number as district_number
        on district_number.educationorganizationid = school.localeducationagencyid
    left join state_number as school_number on school_number.educationorganizationid = school.schoolid
    left join school_grades on school_grades.schoolid = school.schoolid
    where school.localeducationagencyid is not null
        and (
            :districts is null
            or coalesce(district_number.number, school.localeducationagencyid::text) = any(:districts)
        )
        and (:schools is null or coalesce(school_number.number, school.schoolid::text) = any(:schools))
),
-- The days of instruction of a school in their order; null where it has a calendar without any.
calendar as (
    select
        day.schoolid,
        min(day.date) as first_date,
        max(day.date) as last_date,
        array_agg(distinct day.date order by day.date) filter (
            where event.codevalue in ('Instructional day', 'Make-up day', 'Student late arrival/early dismissal')
        ) as instructional
    from edfi.calendardatecalendarevent as day
    join edfi.descriptor as event on event.descriptorid = day.calendareventdescriptorid
    where day.schoolyear = :school_year
        and (
            (:districts is null and :schools is null)
            or day.schoolid = any(array(select schoolid from school))
        )
    group by day.schoolid
),
race as (
    select
        given.educationorganizationid,
        given.studentusi,
        case when count(*) > 1 then 'Two or more races' else min(name.codevalue) end as name
    from edfi.studenteducationorganizationassociationrace as given
    join edfi.descriptor as name on name.descriptorid = given.racedescriptorid
    where (
        (:districts is null and :schools is null)
        or given.educationorganizationid = any(array(select localeducationagencyid from school))
    )
    group by given.educationorganizationid, given.studentusi
),
economic as (
    select distinct given.educationorganizationid, given.studentusi
    from edfi.studenteducationorganizationassociationstudentcharacteristic as given
    join edfi.descriptor as name on name.descriptorid = given.studentcharacteristicdescriptorid
    where name.codevalue = 'Economic Disadvantaged'
        and (
            (:districts is null and :schools is null)
            or given.educationorganizationid = any(array(select localeducationagencyid from school))
        )
),
-- On the count date; without one, on the last day of the school year.
special_education as (
    select distinct program.educationorganizationid, program.studentusi
    from edfi.generalstudentprogramassociation as program
    join edfi.descriptor as type on type.descriptorid = program.programtypedescriptorid
    where type.codevalue = 'Special Education'
        and (
            (:districts is null and :schools is null)
            or program.educationorganizationid = any(array(select localeducationagencyid from school))
        )
        and program.begindate <= coalesce(:count_date, make_date(:school_year, 6, 30))
        and coalesce(program.enddate, 'infinity') >= coalesce(:count_date, make_date(:school_year, 6, 30))
)
select
    school.district_id::text as district_id,
    school.school_id::text as school_id,
    concat_ws('|', student.studentuniqueid, school.school_id, enrollment.entrydate) as row_key,
    student.studentuniqueid::text as student_unique_id,
    enrollment.entrydate as entry_date,
    entry_type.codevalue::text as entry_type,
    entry_grade.codevalue::text as entry_grade_level,
    enrollment.exitwithdrawdate as exit_withdraw_date,
    exit_type.codevalue::text as exit_withdraw_type,
    enrollment.primaryschool as primary_school,
    enrollment.fulltimeequivalency::numeric as full_time_equivalency,
    residency.codevalue::text as residency_status,
    enrollment.schoolyear::integer as school_year,
    school.lowest as school_lowest_grade,
    school.highest as school_highest_grade,
    status.codevalue::text as school_status,
    calendar.first_date as calendar_first_date,
    calendar.last_date as calendar_last_date,
    calendar.instructional[1] as first_instructional_day,
    case when calendar.schoolid is not null then coalesce(cardinality(calendar.instructional), 0) end
        as instructional_days,
    greatest(
        width_bucket(coalesce(enrollment.exitwithdrawdate, 'infinity'), calendar.instructional)
        - width_bucket(enrollment.entrydate - 1, calendar.instructional),
        0
    ) as days_enrolled,
    student.birthdate as birth_date,
    about.hispaniclatinoethnicity as hispanic_latino_ethnicity,
    race.name::text as race,
    sex.codevalue::text as sex,
    english.codevalue = 'Limited' as english_learner,
    economic.studentusi is not null as economic_disadvantaged,
    special_education.studentusi is not null as special_education
from edfi.studentschoolassociation as enrollment
join edfi.student as student on student.studentusi = enrollment.studentusi
join school on school.schoolid = enrollment.schoolid
left join edfi.educationorganization as place on place.educationorganizationid = enrollment.schoolid
left join calendar on calendar.schoolid = enrollment.schoolid
left join edfi.studenteducationorganizationassociation as about
    on about.studentusi = enrollment.studentusi and about.educationorganizationid = school.localeducationagencyid
left join race
    on race.studentusi = enrollment.studentusi and race.educationorganizationid = school.localeducationagencyid
left join economic
    on economic.studentusi = enrollment.studentusi and economic.educationorganizationid = school.localeducationagencyid
left join special_education
    on special_education.studentusi = enrollment.studentusi
    and special_education.educationorganizationid = school.localeducationagencyid
left join edfi.descriptor as entry_type on entry_type.descriptorid = enrollment.entrytypedescriptorid
left join edfi.descriptor as entry_grade on entry_grade.descriptorid = enrollment.entrygradeleveldescriptorid
left join edfi.descriptor as exit_type on exit_type.descriptorid = enrollment.exitwithdrawtypedescriptorid
left join edfi.descriptor as status on status.descriptorid = place.operationalstatusdescriptorid
left join edfi.descriptor as residency on residency.descriptorid = enrollment.residencystatusdescriptorid
left join edfi.descriptor as sex on sex.descriptorid = about.sexdescriptorid
left join edfi.descriptor as english on english.descriptorid = about.limitedenglishproficiencydescriptorid
where enrollment.schoolyear = :school_year
