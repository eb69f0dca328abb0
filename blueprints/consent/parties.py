"""Who is responsible for the site, who works for it, and where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

Text = Mapping[str, str]  # language -> words

NAME = r"(?:[\w-]+\.)+[\w-]{2,}"  # of a host
MAIL = re.compile(rf"[^\s@<>(),;:\"]+@{NAME}")
WEB = re.compile(rf"https://{NAME}(?:[/:?#][^\s<>\"]*[^\s<>\".,;)])?", re.IGNORECASE)

# The European Economic Area, beyond which a transfer needs a safeguard (GDPR Art. 44 to 46).
EEA = {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"}
EEA |= {"IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}


class Recipient:
    """Who receives something, somewhere: outside the EEA under a safeguard that is told."""

    name: str
    country: str  # ISO 3166-1 alpha-2
    safeguard: Text | None

    @property
    def is_outside_eea(self) -> bool:
        return self.country not in EEA


@dataclass(frozen=True)
class Processor(Recipient):
    """Somebody who works for the controller, such as the hosting (GDPR Art. 28)."""

    name: str
    task: Text
    country: str
    safeguard: Text | None = None


@dataclass(frozen=True)
class Controller:
    """Who is responsible; the privacy page names each of these (GDPR Art. 13(1))."""

    name: str
    address: str
    contact: str  # a mail address or an https one, perhaps among words
    tax_number: str = ""  # NIPC
    telephone: str = ""
    officer: str = ""  # likewise, of the data protection officer (Lei 58/2019, Art. 12(2)(g))
    processors: tuple[Processor, ...] = ()
    dated: str = ""  # when the privacy page was last checked, ISO 8601

    @property
    def dated_on(self) -> date | None:
        return date.fromisoformat(self.dated) if self.dated else None

    @property
    def contact_link(self) -> str:
        return link_to(self.contact)

    @property
    def officer_link(self) -> str:
        return link_to(self.officer)


def link_to(words: str) -> str:
    """Return the address of a link to whoever these words name."""
    mail, web = MAIL.search(words), WEB.search(words)
    return web[0] if web and not mail else f"mailto:{mail[0] if mail else words}"
