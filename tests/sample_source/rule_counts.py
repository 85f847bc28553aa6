"""Each rule counted straight from the tables of the source, independent of datamart views and rulebook."""

COUNT_DATE = "2016-10-01"

_DISTRICT = """
    with number as (
        select e.educationorganizationid, coalesce(i.identificationcode, e.educationorganizationid::text) as number
        from edfi.educationorganization e
        left join edfi.educationorganizationidentificationcode i
          on i.educationorganizationid = e.educationorganizationid
         and i.educationorganizationidentificationsystemdescriptorid = (
               select descriptorid from edfi.descriptor
               where namespace = 'uri://ed-fi.org/EducationOrganizationIdentificationSystemDescriptor' and codevalue = 'SEA')
    ),
    code as (select descriptorid, codevalue from edfi.descriptor),
    grade as (
        select descriptorid, position - 2 as grade
        from edfi.descriptor
        join unnest(array['Prekindergarten', 'Kindergarten', 'First grade', 'Second grade', 'Third grade', 'Fourth grade',
                          'Fifth grade', 'Sixth grade', 'Seventh grade', 'Eighth grade', 'Ninth grade', 'Tenth grade',
                          'Eleventh grade', 'Twelfth grade']) with ordinality as level(name, position)
          on name = codevalue
        where namespace = 'uri://ed-fi.org/GradeLevelDescriptor'
    ),
    enrollment as (
        select n.number as district, a.*, s.birthdate, g.grade, x.codevalue as exit_type, span.low, span.high,
               extract(year from age(date '2016-09-01', s.birthdate)) as age, school.localeducationagencyid as lea
        from edfi.studentschoolassociation a
        join edfi.student s using (studentusi)
        join edfi.school using (schoolid)
        join number n on n.educationorganizationid = school.localeducationagencyid
        left join grade g on g.descriptorid = a.entrygradeleveldescriptorid
        left join code x on x.descriptorid = a.exitwithdrawtypedescriptorid
        left join (
            select schoolid, min(grade) as low, max(grade) as high
            from edfi.schoolgradelevel join grade on descriptorid = gradeleveldescriptorid group by schoolid
        ) span on span.schoolid = a.schoolid
        where a.schoolyear = 2017
    ),
    student as (
        select n.number as district, s.birthdate, s.firstname, s.lastsurname, x.codevalue as sex,
               a.hispaniclatinoethnicity as hispanic, address.postalcode,
               exists (select 1 from edfi.studenteducationorganizationassociationrace r
                       where r.educationorganizationid = a.educationorganizationid and r.studentusi = a.studentusi) as race
        from edfi.studenteducationorganizationassociation a
        join edfi.student s using (studentusi)
        join number n on n.educationorganizationid = a.educationorganizationid
        left join code x on x.descriptorid = a.sexdescriptorid
        left join edfi.studenteducationorganizationassociationaddress address
          on address.educationorganizationid = a.educationorganizationid and address.studentusi = a.studentusi
    ),
    attendance as (
        select n.number as district,
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
    ),
    program as (
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
        join code t on t.descriptorid = p.programtypedescriptorid
    ),
    staff as (
        select n.number as district, a.staffusi, sum(a.fulltimeequivalency) as equivalency
        from edfi.staffeducationorganizationassignmentassociation a
        left join edfi.school on schoolid = a.educationorganizationid
        join number n on n.educationorganizationid = coalesce(localeducationagencyid, a.educationorganizationid)
        group by n.number, a.staffusi
    )
"""

_CONDITIONS = {
    "STU-005": ("student", "birthdate is null or birthdate > '2016-10-01'"),
    "STU-006": ("enrollment", "birthdate <= '2016-10-01' and (age < 3 or age > 21)"),
    "STU-007": ("enrollment", "grade between 0 and 12 and age between 3 and 21 and abs(age - 5 - grade) > 2"),
    "STU-008": ("student", "sex is null or sex not in ('Male', 'Female')"),
    "STU-009": ("student", "not race and hispanic is not true"),
    "STU-010": ("student", "lastsurname is null or btrim(lastsurname) = ''"),
    "STU-011": (
        "student",
        r"firstname ~* '^\s*(TEST|UNKNOWN|XXX|BABY)\s*$' or lastsurname ~* '^\s*(TEST|UNKNOWN|XXX|BABY)\s*$'"
        " or firstname ~ '[0-9]' or lastsurname ~ '[0-9]'",
    ),
    "STU-012": ("student", r"lastsurname ~* '[ ,](JR|SR|II|III|IV)\.?\s*$'"),
    "STU-015": ("student", "postalcode is null or postalcode !~ '^[0-9]{5}(-?[0-9]{4})?$'"),
    "ORG-007": ("enrollment", "grade < low or grade > high"),
    "ENR-002": ("enrollment", "entrydate not between '2016-07-01' and '2017-06-30'"),
    "ENR-003": ("enrollment", "exitwithdrawdate < entrydate"),
    "ENR-004": ("enrollment", "exitwithdrawdate > '2017-06-30'"),
    "ENR-005": ("enrollment", "(exitwithdrawdate is null) <> (exit_type is null)"),
    "ENR-006": ("enrollment", "exit_type = 'Graduated' and grade < 11"),
    "ENR-007": (
        "enrollment",
        """exists (select 1 from enrollment o where o.studentusi = row.studentusi and o.schoolid = row.schoolid
                   and o.entrydate < row.entrydate and coalesce(o.exitwithdrawdate, 'infinity') > row.entrydate)""",
    ),
    "ENR-009": (
        "enrollment",
        """primaryschool and exists (select 1 from enrollment o where o.studentusi = row.studentusi and o.lea <> row.lea
           and o.primaryschool and o.entrydate < coalesce(row.exitwithdrawdate, 'infinity')
           and row.entrydate < coalesce(o.exitwithdrawdate, 'infinity'))""",
    ),
    "ATT-001": ("attendance", "not enrolled"),
    "ATT-002": ("attendance", "not instructional"),
    "SPE-001": (
        "program",
        "type = 'Special Education' and coalesce(enddate, 'infinity') >= '2016-10-01' and (not disability or setting is null)",
    ),
    "SPE-004": ("program", "type = 'Special Education' and (exitdate is null) <> (exitreason is null)"),
    "PRG-005": ("program", "type = 'Homeless' and residence is null"),
    "STF-003": ("staff", "equivalency > 2.0"),
}

COUNTS = {
    code: f"{_DISTRICT} select district, count(*) from {view} as row where {condition} group by district order by district"
    for code, (view, condition) in _CONDITIONS.items()
}
