"""Where a visitor may be sent back to."""

import re
from urllib.parse import quote, urlsplit

# Browsers read a backslash as a slash and drop control characters: both could hide another host.
TREACHEROUS = re.compile(r"[\x00-\x20\x7f\\]")
BYTES_AT_MOST = 1024  # of an address in the headers of an answer, which a proxy holds in 4 kB


def safe_path(address: str | None, *, but_not: str | None = None) -> str | None:
    """Return the address if it is a path on this site, else None (OWASP ASVS 5.0, 3.7.2).

    `but_not` is a path to leave out.
    """
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if TREACHEROUS.search(address) or len(quote(address)) > BYTES_AT_MOST:
        return None
    return None if urlsplit(address).path == but_not else address


def way_back(address: str | None) -> str | None:
    """Return the address, or its path where the rest cannot be sent along, or None.

    So a reader of a page with an endless query returns to that page.
    """
    return safe_path(address) or safe_path(re.split("[?#]", address or "", maxsplit=1)[0])
