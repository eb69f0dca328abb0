"""Where a visitor may be sent back to."""

import re
from urllib.parse import urlsplit

# Browsers read a backslash as a slash and drop control characters: both could hide another host.
TREACHEROUS = re.compile(r"[\x00-\x20\x7f\\]")


def safe_path(address: str | None, *, but_not: str | None = None) -> str | None:
    """Return the address if it is a path on this site, else None (OWASP ASVS 5.0, 3.7.2).

    `but_not` is a path to leave out.
    """
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if TREACHEROUS.search(address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc or parts.path == but_not else address
