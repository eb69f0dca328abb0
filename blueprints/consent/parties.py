"""Who is responsible for the site, who works for it, and where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

Text = Mapping[str, str]  # language -> words

EXAMPLE = re.compile(r"\.example\b", re.IGNORECASE)  # which nobody can write to (RFC 2606)

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
    contact: str
    tax_number: str = ""  # NIPC
    telephone: str = ""
    officer: str = ""  # address of the data protection officer (Lei 58/2019, Art. 12(2)(g))
    processors: tuple[Processor, ...] = ()
    dated: str = ""  # when the privacy page was last checked, ISO 8601

    @property
    def dated_on(self) -> date | None:
        return date.fromisoformat(self.dated) if self.dated else None

    @property
    def missing(self) -> tuple[str, ...]:
        """What the law demands and nobody has filled in, or only with an example."""
        return tuple(item.name for item in fields(self) if _is_no_answer(getattr(self, item.name)))


def _is_no_answer(value: str | tuple[Processor, ...]) -> bool:
    if isinstance(value, str):
        return not value.strip() or EXAMPLE.search(value) is not None
    return not value or any(_is_no_answer(processor.name) for processor in value)
