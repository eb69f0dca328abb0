"""What was taken back and could not be recorded yet, as the visitor's browser keeps it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from blueprints.consent.methods import WITHDRAWING

TOKEN = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Withdrawal:
    """Something was taken back, and could not be recorded yet. It counts all the same.

    `kept` are the purposes that were not taken back; what was not given before is not among what
    counts, whatever stands here. `unsaved` are those accepted with the same act, in vain. By its
    token a session knows whether it has been answered: by its own record, or by a later choice.
    """

    kept: frozenset[str]
    method: str
    token: str
    unsaved: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str, purposes: Collection[str]) -> "Withdrawal | None":
        """Read it from a cookie of the browser; None where that holds none."""
        method, token, *told = f"{text}:".split(":")
        if method not in WITHDRAWING or not TOKEN.fullmatch(token):
            return None
        unsaved = {purpose for purpose in purposes if f"?{purpose}" in told}
        return cls(frozenset(told).intersection(purposes), method, token, frozenset(unsaved))

    @property
    def text(self) -> str:
        unsaved = (f"?{purpose}" for purpose in sorted(self.unsaved))
        return ":".join((self.method, self.token, *sorted(self.kept), *unsaved))

    @property
    def wanted(self) -> frozenset[str]:
        return self.kept | self.unsaved
