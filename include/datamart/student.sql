/*
name: student
title: Student demographics
description: One row per student a district is responsible for, as the district describes the student.
source: edfi_ods
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Error
totals:
  by: [sex, race]
  flags: [hispanic_latino_ethnicity, english_learner, economic_disadvantaged]
  labels:
    rows: Students
schools: {through: enrollment, by: [student_unique_id]}
columns:
  district_id: District
  school_id: School
  row_key: Row
  student_unique_id: Student ID
  first_name: First name
  middle_name: Middle name
  last_surname: Last name
  generation_code_suffix: Suffix
  birth_date: Birth date
  sex: Sex
  hispanic_latino_ethnicity: Hispanic or Latino
  race: Race
  race_count: Races given
  english_learner: English learner
  economic_disadvantaged: Economically disadvantaged
  home_language: Home language
  postal_code: ZIP code
*/
with
state_number as (
    select code.educationorganizationid, min(code.identificationcode) as number
    from edfi.educationorganizationidentificationcode as code
    where code.educationorganizationidentificationsystemdescriptorid
        = any(array(select system.descriptorid from edfi.descriptor as system where system.codevalue = 'SEA'))
    group by code.educationorganizationid
),
district as not materialized (
    select
        agency.localeducationagencyid as educationorganizationid,
        coalesce(state_number.number, agency.localeducationagencyid::text) as district_id
    from edfi.localeducationagency as agency
    left join state_number on state_number.educationorganizationid = agency.localeducationagencyid
    where :districts is null
        or coalesce(state_number.number, agency.localeducationagencyid::text) = any(:districts)
),
race as (
    select
        given.educationorganizationid,
        given.studentusi,
        count(*) as number,
        case when count(*) > 1 then 'Two or more races' else min(name.codevalue) end as name
    from edfi.studenteducationorganizationassociationrace as given
    join edfi.descriptor as name on name.descriptorid = given.racedescriptorid
    where (:districts is null or given.educationorganizationid = any(array(select educationorganizationid from district)))
    group by given.educationorganizationid, given.studentusi
),
economic as (
    select distinct given.educationorganizationid, given.studentusi
    from edfi.studenteducationorganizationassociationstudentcharacteristic as given
    join edfi.descriptor as name on name.descriptorid = given.studentcharacteristicdescriptorid
    where name.codevalue = 'Economic Disadvantaged'
        and (:districts is null or given.educationorganizationid = any(array(select educationorganizationid from district)))
),
-- A language marked as spoken at home; where no use is told, the language given.
language as (
    select
        given.educationorganizationid,
        given.studentusi,
        coalesce(
            min(name.codevalue) filter (where use.codevalue = 'Home language'),
            min(name.codevalue) filter (where use.codevalue is null)
        ) as name
    from edfi.studenteducationorganizationassociationlanguage as given
    join edfi.descriptor as name on name.descriptorid = given.languagedescriptorid
    left join edfi.studenteducationorganizationassociationlanguageuse as given_use
        on given_use.educationorganizationid = given.educationorganizationid
        and given_use.studentusi = given.studentusi
        and given_use.languagedescriptorid = given.languagedescriptorid
    left join edfi.descriptor as use on use.descriptorid = given_use.languageusedescriptorid
    where (:districts is null or given.educationorganizationid = any(array(select educationorganizationid from district)))
    group by given.educationorganizationid, given.studentusi
),
home as (
    select given.educationorganizationid, given.studentusi, min(given.postalcode) as postal_code
    from edfi.studenteducationorganizationassociationaddress as given
    join edfi.descriptor as type on type.descriptorid = given.addresstypedescriptorid
    where type.codevalue = 'Home'
        and (:districts is null or given.educationorganizationid = any(array(select educationorganizationid from district)))
    group by given.educationorganizationid, given.studentusi
)
select
    district.district_id::text as district_id,
    null::text as school_id,
    student.studentuniqueid::text as row_key,
    student.studentuniqueid::text as student_unique_id,
    student.firstname::text as first_name,
    student.middlename::text as middle_name,
    student.lastsurname::text as last_surname,
    student.generationcodesuffix::text as generation_code_suffix,
    student.birthdate as birth_date,
    sex.codevalue::text as sex,
    about.hispaniclatinoethnicity as hispanic_latino_ethnicity,
    race.name::text as race,
    coalesce(race.number, 0)::integer as race_count,
    english.codevalue = 'Limited' as english_learner,
    economic.studentusi is not null as economic_disadvantaged,
    language.name::text as home_language,
    home.postal_code::text as postal_code
from edfi.studenteducationorganizationassociation as about
join district on district.educationorganizationid = about.educationorganizationid
join edfi.student as student on student.studentusi = about.studentusi
left join race
    on race.studentusi = about.studentusi and race.educationorganizationid = about.educationorganizationid
left join economic
    on economic.studentusi = about.studentusi and economic.educationorganizationid = about.educationorganizationid
left join language
    on language.studentusi = about.studentusi and language.educationorganizationid = about.educationorganizationid
left join home
    on home.studentusi = about.studentusi and home.educationorganizationid = about.educationorganizationid
left join edfi.descriptor as sex on sex.descriptorid = about.sexdescriptorid
left join edfi.descriptor as english on english.descriptorid = about.limitedenglishproficiencydescriptorid
