"""Who is responsible for the site, and who works for it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

Text = Mapping[str, str]  # language -> words


@dataclass(frozen=True)
class Processor:
    """Somebody who works for the controller, such as the hosting (GDPR Art. 28)."""

    name: str
    task: Text
    country: str  # ISO 3166-1 alpha-2


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
        return tuple(
            item.name
            for item in fields(self)
            if not (value := getattr(self, item.name)) or ".example" in str(value)
        )
