"""What people call a time zone."""

# The zones of the states and territories by the names their people use; any other zone keeps its IANA name.
_NAMES = {
    "America/New_York": "Eastern Time",
    "America/Detroit": "Eastern Time",
    "America/Kentucky/Louisville": "Eastern Time",
    "America/Indiana/Indianapolis": "Eastern Time",
    "America/Chicago": "Central Time",
    "America/Denver": "Mountain Time",
    "America/Boise": "Mountain Time",
    "America/Phoenix": "Mountain Standard Time",
    "America/Los_Angeles": "Pacific Time",
    "America/Anchorage": "Alaska Time",
    "Pacific/Honolulu": "Hawaii Time",
    "America/Puerto_Rico": "Atlantic Time",
    "Pacific/Guam": "Chamorro Time",
    "Pacific/Pago_Pago": "Samoa Time",
    "UTC": "UTC",
}


def zone_name(zone: str) -> str:
    """Eastern Time for America/New_York: pages, messages, mails and reports say it alike."""
    return _NAMES.get(zone, zone.replace("_", " "))
