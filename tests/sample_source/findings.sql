-- The findings of each rule straight from the tables of the source, independent of datamart views and rulebook:
-- temporary view `finding` has the rule's code, the district charged and the school where the row names one, one row for
-- each finding.
-- School year 2016-17, count date 2016-10-01.

create temporary view number as
    select e.educationorganizationid, coalesce(i.identificationcode, e.educationorganizationid::text) as number
    from edfi.educationorganization e
    left join edfi.educationorganizationidentificationcode i
      on i.educationorganizationid = e.educationorganizationid
     and i.educationorganizationidentificationsystemdescriptorid = (
           select descriptorid from edfi.descriptor
           where namespace = 'uri://ed-fi.org/EducationOrganizationIdentificationSystemDescriptor' and codevalue = 'SEA');

create temporary view code as select descriptorid, codevalue from edfi.descriptor;

create temporary view grade as
    select descriptorid, position - 2 as grade
    from edfi.descriptor
    join unnest(array['Prekindergarten', 'Kindergarten', 'First grade', 'Second grade', 'Third grade', 'Fourth grade',
                      'Fifth grade', 'Sixth grade', 'Seventh grade', 'Eighth grade', 'Ninth grade', 'Tenth grade',
                      'Eleventh grade', 'Twelfth grade']) with ordinality as level(name, position)
      on name = codevalue
    where namespace = 'uri://ed-fi.org/GradeLevelDescriptor';

create temporary view enrollment as
    select n.number as district, at.number as school, a.*, s.birthdate, g.grade, x.codevalue as exit_type, span.low, span.high,
           extract(year from age(date '2016-09-01', s.birthdate)) as age, school.localeducationagencyid as lea
    from edfi.studentschoolassociation a
    join edfi.student s using (studentusi)
    join edfi.school using (schoolid)
    join number n on n.educationorganizationid = school.localeducationagencyid
    join number at on at.educationorganizationid = a.schoolid
    left join grade g on g.descriptorid = a.entrygradeleveldescriptorid
    left join code x on x.descriptorid = a.exitwithdrawtypedescriptorid
    left join (
        select schoolid, min(grade) as low, max(grade) as high
        from edfi.schoolgradelevel join grade on descriptorid = gradeleveldescriptorid group by schoolid
    ) span on span.schoolid = a.schoolid
    where a.schoolyear = 2017;

create temporary view student as
    select n.number as district, s.birthdate, s.firstname, s.lastsurname, x.codevalue as sex,
           a.hispaniclatinoethnicity as hispanic, address.postalcode,
           exists (select 1 from edfi.studenteducationorganizationassociationrace r
                   where r.educationorganizationid = a.educationorganizationid and r.studentusi = a.studentusi) as race
    from edfi.studenteducationorganizationassociation a
    join edfi.student s using (studentusi)
    join number n on n.educationorganizationid = a.educationorganizationid
    left join code x on x.descriptorid = a.sexdescriptorid
    left join edfi.studenteducationorganizationassociationaddress address
      on address.educationorganizationid = a.educationorganizationid and address.studentusi = a.studentusi;

create temporary view attendance as
    select n.number as district, at.number as school,
           exists (select 1 from edfi.studentschoolassociation a
                   where a.studentusi = t.studentusi and a.schoolid = t.schoolid and a.entrydate <= t.eventdate
                     and t.eventdate <= coalesce(a.exitwithdrawdate, 'infinity')) as enrolled,
           exists (select 1 from edfi.calendardatecalendarevent c join code on descriptorid = calendareventdescriptorid
                   where c.schoolid = t.schoolid and c.date = t.eventdate
                     and codevalue in ('Instructional day', 'Make-up day', 'Student late arrival/early dismissal'))
           as instructional
    from edfi.studentschoolattendanceevent t
    join edfi.school using (schoolid)
    join number n on n.educationorganizationid = school.localeducationagencyid
    join number at on at.educationorganizationid = t.schoolid;

create temporary view program as
    select n.number as district, t.codevalue as type, p.enddate, e.specialeducationsettingdescriptorid as setting,
           e.specialeducationexitdate as exitdate, e.specialeducationexitreasondescriptorid as exitreason,
           h.homelessprimarynighttimeresidencedescriptorid as residence,
           exists (select 1 from edfi.studentspecialeducationprogramassociationdisability d
                   where (d.begindate, d.educationorganizationid, d.programname, d.programtypedescriptorid, d.studentusi)
                       = (p.begindate, p.educationorganizationid, p.programname, p.programtypedescriptorid, p.studentusi)
           ) as disability
    from edfi.generalstudentprogramassociation p
    left join edfi.studentspecialeducationprogramassociation e
      using (begindate, educationorganizationid, programeducationorganizationid, programname, programtypedescriptorid,
             studentusi)
    left join edfi.studenthomelessprogramassociation h
      using (begindate, educationorganizationid, programeducationorganizationid, programname, programtypedescriptorid,
             studentusi)
    join number n on n.educationorganizationid = p.educationorganizationid
    join code t on t.descriptorid = p.programtypedescriptorid;

create temporary view staff as
    select n.number as district, a.staffusi, sum(a.fulltimeequivalency) as equivalency
    from edfi.staffeducationorganizationassignmentassociation a
    left join edfi.school on schoolid = a.educationorganizationid
    join number n on n.educationorganizationid = coalesce(localeducationagencyid, a.educationorganizationid)
    group by n.number, a.staffusi;

create temporary view finding as
select 'STU-005' as code, district, null::text as school from student
where birthdate is null or birthdate > '2016-10-01'
union all
select 'STU-006' as code, district, school from enrollment
where birthdate <= '2016-10-01' and (age < 3 or age > 21)
union all
select 'STU-007' as code, district, school from enrollment
where grade between 0 and 12 and age between 3 and 21 and abs(age - 5 - grade) > 2
union all
select 'STU-008' as code, district, null::text as school from student
where sex is null or sex not in ('Male', 'Female')
union all
select 'STU-009' as code, district, null::text as school from student
where not race and hispanic is not true
union all
select 'STU-010' as code, district, null::text as school from student
where lastsurname is null or btrim(lastsurname) = ''
union all
select 'STU-011' as code, district, null::text as school from student
where firstname ~* '^\s*(TEST|UNKNOWN|XXX|BABY)\s*$' or lastsurname ~* '^\s*(TEST|UNKNOWN|XXX|BABY)\s*$'
    or firstname ~ '[0-9]' or lastsurname ~ '[0-9]'
union all
select 'STU-012' as code, district, null::text as school from student
where lastsurname ~* '[ ,](JR|SR|II|III|IV)\.?\s*$'
union all
select 'STU-015' as code, district, null::text as school from student
where postalcode is null or postalcode !~ '^[0-9]{5}(-?[0-9]{4})?$'
union all
select 'ORG-007' as code, district, school from enrollment
where grade < low or grade > high
union all
select 'ENR-002' as code, district, school from enrollment
where entrydate not between '2016-07-01' and '2017-06-30'
union all
select 'ENR-003' as code, district, school from enrollment
where exitwithdrawdate < entrydate
union all
select 'ENR-004' as code, district, school from enrollment
where exitwithdrawdate > '2017-06-30'
union all
select 'ENR-005' as code, district, school from enrollment
where (exitwithdrawdate is null) <> (exit_type is null)
union all
select 'ENR-006' as code, district, school from enrollment
where exit_type = 'Graduated' and grade < 11
union all
select 'ENR-007' as code, district, school from enrollment
where exists (
        select 1 from enrollment o
        where o.studentusi = enrollment.studentusi and o.schoolid = enrollment.schoolid
          and o.entrydate < enrollment.entrydate and coalesce(o.exitwithdrawdate, 'infinity') > enrollment.entrydate)
union all
select 'ENR-009' as code, district, school from enrollment
where primaryschool and exists (
        select 1 from enrollment o
        where o.studentusi = enrollment.studentusi and o.lea <> enrollment.lea and o.primaryschool
          and o.entrydate < coalesce(enrollment.exitwithdrawdate, 'infinity')
          and enrollment.entrydate < coalesce(o.exitwithdrawdate, 'infinity'))
union all
select 'ATT-001' as code, district, school from attendance
where not enrolled
union all
select 'ATT-002' as code, district, school from attendance
where not instructional
union all
select 'SPE-001' as code, district, null::text as school from program
where type = 'Special Education' and coalesce(enddate, 'infinity') >= '2016-10-01' and (not disability or setting is null)
union all
select 'SPE-004' as code, district, null::text as school from program
where type = 'Special Education' and (exitdate is null) <> (exitreason is null)
union all
select 'PRG-005' as code, district, null::text as school from program
where type = 'Homeless' and residence is null
union all
select 'STF-003' as code, district, null::text as school from staff
where equivalency > 2.0;
