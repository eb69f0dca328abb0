"""Who is responsible for the site, who works for it, and where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

Text = Mapping[str, str]  # language -> words

# A host that nobody can reach (RFC 2606).
EXAMPLE = re.compile(r"\.example\b(?!\.?[\w-])", re.IGNORECASE)
# What stands where an answer is to come: no letter, something in brackets, or such a word, alone or
# before what it asks for. As a part of a name ("Todo o Terreno, Lda.") it is an answer.
TO_COME = re.compile(
    r"[\W_0]*|<.*>|\[.*\]|\{.*\}"
    r"|[\W_]*(?:to[ -]?do|t\.?b\.?[acd]|fix[ -]?me|change[ -]?me|fill[ -]?(?:me[ -]?)?in|x{2,}"
    r"|n[./][ad]|none|null|unknown|placeholder|example|exemplo|desconhecid[ao]|lorem ipsum"
    r"|(?:(?:a|por)\s+)?(?:definir|indicar|preencher|completar|designar|confirmar)(?:\s+(?:aqui|pel[ao]).*)?"
    r"|to\s+be\s+(?:defined|decided|confirmed|announced|done|filled\s+in)|em\s+falta)"
    r"(?:[\W_]*|\s*[:(].*|\s+[-\u2013\u2014].*)",
    re.IGNORECASE | re.DOTALL,
)

# What cannot be right is missing; whatever a city would write beside these is left to it.
NAME = r"(?:[\w-]+\.)+[\w-]{2,}"  # of a host
MAIL = re.compile(rf"[^\s@<>(),;:\"]+@{NAME}")
WEB = re.compile(rf"https://{NAME}(?:[/:?#][^\s<>\"]*[^\s<>\".,;)])?", re.IGNORECASE)
TELEPHONE = re.compile(r"(?:\d[\s()./\u2010-\u2013-]*){9}")  # "(+351) 222 097 000 (a local call)"
TAX_NUMBER = re.compile(r"\s*(?:PT)?(?:[\s.-]*\d){9}\s*", re.IGNORECASE)

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

    @property
    def missing(self) -> tuple[str, ...]:
        """What the law demands and nobody has filled in, or with what cannot be right."""
        empty = [item.name for item in fields(self) if is_no_answer(getattr(self, item.name))]
        return tuple(item.name for item in fields(self) if item.name in {*empty, *self.wrong})

    @property
    def wrong(self) -> dict[str, str]:
        """What is filled in and cannot be right; an example may be."""
        is_right = {
            "contact": _reaches(self.contact),
            "tax_number": TAX_NUMBER.fullmatch(self.tax_number),
            "telephone": TELEPHONE.search(self.telephone),
            "officer": _reaches(self.officer),
            "dated": self.dated_on and self.dated_on <= _today(),
        }
        told = {name: getattr(self, name) for name, right in is_right.items() if not right}
        return {name: value for name, value in told.items() if value.strip()}


def link_to(words: str) -> str:
    """Return the address of a link to whoever these words name."""
    mail, web = MAIL.search(words), WEB.search(words)
    return web[0] if web and not mail else f"mailto:{mail[0] if mail else words}"


def _reaches(words: str) -> bool:
    return bool(MAIL.search(words) or WEB.search(words))


def _today() -> date:
    """Return the day where the site runs."""
    return datetime.now(UTC).astimezone().date()


def is_no_answer(value: object) -> bool:
    """Whether nobody has answered, or not in each language, or not of each processor."""
    if isinstance(value, str):
        return bool(TO_COME.fullmatch(value.strip()) or EXAMPLE.search(value))
    if isinstance(value, Mapping):
        return any(map(is_no_answer, value.values()))
    if isinstance(value, Processor):  # The safeguard is asked for where one is needed.
        return any(map(is_no_answer, (value.name, value.task, value.country)))
    return not value or (isinstance(value, tuple) and any(map(is_no_answer, value)))
