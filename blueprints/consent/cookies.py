"""What is declared of a cookie, or of any other stored item, and for how long it stays."""

import re
from dataclasses import dataclass
from datetime import timedelta

from blueprints.consent.parties import Text

LIFETIME = re.compile(
    r"P(?=.)(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)
YEAR = 365.2425  # days
# What this site itself keeps, and of that what each choice needs.
SESSION, WITHDRAWAL, INTERESTS = "session", "withdrawal", "interests"
OURS = (SESSION, WITHDRAWAL, "preferences", INTERESTS)
NEEDED = (SESSION, WITHDRAWAL)
# For so long a browser keeps what was taken back and is not yet recorded. No choice holds longer.
WITHDRAWAL_MONTHS = 13


@dataclass(frozen=True)
class Cookie:
    """A stored item of any kind. `name` may end in `*`. `lifetime` is ISO 8601, or `session`."""

    name: str
    storage: str
    party: str
    lifetime: str
    purpose: Text
    set_by: str = "script"
    justification: Text | None = None  # why it is strictly necessary
    path: str = "/"  # where a script keeps it besides, to find it when it is refused
    declared: str = ""  # its lifetime in the file, where a setting decides

    def matches(self, name: str) -> bool:
        if self.name.endswith("*"):
            return name.startswith(self.name[:-1])
        return name == self.name

    @property
    def lifetime_parts(self) -> dict[str, int]:
        return parts_of(self.lifetime)

    @property
    def max_age(self) -> timedelta:
        """The lifetime; a month counts 30 days and a year 365, never more."""
        return duration(self.lifetime, year=365, month=30)


def parts_of(lifetime: str) -> dict[str, int]:
    """Return the lifetime as unit -> number, without the zeros; empty for `session`."""
    match = LIFETIME.fullmatch(lifetime)
    parts = match.groupdict(default="0") if match else {}
    return {unit: int(number) for unit, number in parts.items() if int(number)}


def duration(lifetime: str, year: float = YEAR, month: float = YEAR / 12) -> timedelta:
    """Return the lifetime, where a year and a month count so many days."""
    parts = parts_of(lifetime)
    days = year * parts.pop("years", 0) + month * parts.pop("months", 0) + parts.pop("days", 0)
    return timedelta(days=days, **parts)
