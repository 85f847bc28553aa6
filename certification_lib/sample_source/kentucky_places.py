"""Counties of Kentucky: where a district lies and which clock it keeps."""

CENTRAL_COUNTIES = frozenset(
    """Adair Allen Ballard Barren Breckinridge Butler Caldwell Calloway Carlisle Christian Clinton Crittenden Cumberland
    Daviess Edmonson Fulton Graves Grayson Green Hancock Hart Henderson Hickman Hopkins Livingston Logan Lyon Marshall
    McCracken McLean Metcalfe Monroe Muhlenberg Ohio Russell Simpson Todd Trigg Union Warren Webster""".split()
)

# Districts that do not carry their county's name.
_COUNTY_OF = {
    "Anchorage Independent": "Jefferson",
    "Ashland Independent": "Boyd",
    "Augusta Independent": "Bracken",
    "Barbourville Independent": "Knox",
    "Bardstown Independent": "Nelson",
    "Beechwood Independent": "Kenton",
    "Bellevue Independent": "Campbell",
    "Berea Independent": "Madison",
    "Bowling Green Independent": "Warren",
    "Burgin Independent": "Mercer",
    "Campbellsville Independent": "Taylor",
    "Caverna Independent": "Hart",
    "Cloverport Independent": "Breckinridge",
    "Corbin Independent": "Whitley",
    "Covington Independent": "Kenton",
    "Craft Academy": "Rowan",
    "Danville Independent": "Boyle",
    "Dawson Springs Independent": "Hopkins",
    "Dayton Independent": "Campbell",
    "East Bernstadt Independent": "Laurel",
    "Elizabethtown Independent": "Hardin",
    "Eminence Independent": "Henry",
    "Erlanger-Elsmere Independent": "Kenton",
    "Fairview Independent": "Boyd",
    "Fort Thomas Independent": "Campbell",
    "Frankfort Independent": "Franklin",
    "Fulton Independent": "Fulton",
    "Glasgow Independent": "Barren",
    "Harlan Independent": "Harlan",
    "Hazard Independent": "Perry",
    "Jackson Independent": "Breathitt",
    "Jenkins Independent": "Letcher",
    "Kentucky School for the Blind": "Jefferson",
    "Kentucky School for the Deaf": "Boyle",
    "Kentucky Tech System": "Franklin",
    "Ludlow Independent": "Kenton",
    "Mayfield Independent": "Graves",
    "Middlesboro Independent": "Bell",
    "Murray Independent": "Calloway",
    "Newport Independent": "Campbell",
    "Owensboro Independent": "Daviess",
    "Paducah Independent": "McCracken",
    "Paintsville Independent": "Johnson",
    "Paris Independent": "Bourbon",
    "Pikeville Independent": "Pike",
    "Pineville Independent": "Bell",
    "Raceland-Worthington Independent": "Greenup",
    "Russell Independent": "Greenup",
    "Russellville Independent": "Logan",
    "Science Hill Independent": "Pulaski",
    "Silver Grove Independent": "Campbell",
    "Somerset Independent": "Pulaski",
    "Southgate Independent": "Campbell",
    "Walton-Verona Independent": "Boone",
    "West Point Independent": "Hardin",
    "Williamsburg Independent": "Whitley",
    "Williamstown Independent": "Grant",
}


def county_of(district_name: str) -> str:
    """County districts are called after their county, the independent ones are listed."""
    return _COUNTY_OF.get(district_name) or district_name.removesuffix(" County")
