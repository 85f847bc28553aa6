/*
name: attendance
title: Attendance
description: One row per attendance event of a student at a school, beside the school's calendar and the enrollment.
source: edfi_ods
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Warning
totals:
  by: [attendance_event_category]
  labels:
    rows: Attendance events
columns:
  district_id: District
  school_id: School
  row_key: Row
  student_unique_id: Student ID
  event_date: Date
  attendance_event_category: Attendance
  session_name: Session
  event_duration: Days the event lasted
  calendar_event: Calendar of the school
  instructional_day: Day of instruction
  enrolled: Enrolled on the day
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
),
calendar as (
    select
        day.schoolid,
        day.date,
        string_agg(distinct event.codevalue, ', ' order by event.codevalue) as event,
        bool_or(
            event.codevalue in ('Instructional day', 'Make-up day', 'Student late arrival/early dismissal')
        ) as instructional_day
    from edfi.calendardatecalendarevent as day
    join edfi.descriptor as event on event.descriptorid = day.calendareventdescriptorid
    where day.schoolyear = :school_year
        and (
            (:districts is null and :schools is null)
            or day.schoolid = any(array(select schoolid from school))
        )
    group by day.schoolid, day.date
),
-- All the days a student was enrolled at a school, both ends included. An exit before the entry covers no day.
enrolled as (
    select
        enrollment.schoolid,
        enrollment.studentusi,
        range_agg(daterange(enrollment.entrydate, enrollment.exitwithdrawdate, '[]')) as days
    from edfi.studentschoolassociation as enrollment
    where coalesce(enrollment.exitwithdrawdate, 'infinity') >= enrollment.entrydate
        and (
            (:districts is null and :schools is null)
            or enrollment.schoolid = any(array(select schoolid from school))
        )
    group by enrollment.schoolid, enrollment.studentusi
)
select
    school.district_id::text as district_id,
    school.school_id::text as school_id,
    concat_ws(
        '|', student.studentuniqueid, school.school_id, attendance.eventdate, category.codevalue, attendance.sessionname
    ) as row_key,
    student.studentuniqueid::text as student_unique_id,
    attendance.eventdate as event_date,
    category.codevalue::text as attendance_event_category,
    attendance.sessionname::text as session_name,
    attendance.eventduration::numeric as event_duration,
    calendar.event::text as calendar_event,
    coalesce(calendar.instructional_day, false) as instructional_day,
    coalesce(enrolled.days @> attendance.eventdate, false) as enrolled
from edfi.studentschoolattendanceevent as attendance
join edfi.student as student on student.studentusi = attendance.studentusi
join school on school.schoolid = attendance.schoolid
left join edfi.descriptor as category on category.descriptorid = attendance.attendanceeventcategorydescriptorid
left join calendar on calendar.schoolid = attendance.schoolid and calendar.date = attendance.eventdate
left join enrolled on enrolled.schoolid = attendance.schoolid and enrolled.studentusi = attendance.studentusi
where attendance.schoolyear = :school_year
