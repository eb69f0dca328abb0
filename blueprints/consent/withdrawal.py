"""What was taken back and could not be recorded yet, as the visitor's browser keeps it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from blueprints.consent.methods import WITHDRAWING

TOKEN = re.compile(r"[0-9a-f]{16}")
PURPOSE = re.compile(r"[a-z][a-z0-9_-]*")
VERSION, NOTICE = re.compile(r"[0-9a-f]{12}"), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Withdrawal:
    """Something was taken back, and could not be recorded yet. It counts all the same.

    `kept` are the purposes that were not taken back; what was not given before is not among what
    counts, whatever stands here. `unsaved` are those accepted with the same act, in vain, and
    `refused` all others that there were: one that is new has not been answered, and one that is
    gone has been. By its token a session knows whether it has been answered: by its own record, or
    by a later choice.
    """

    kept: frozenset[str]
    method: str
    token: str
    unsaved: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    language: str = ""  # of the page; empty where an older version of the site has written it
    gpc: bool = False
    policy_version: str = ""  # then; empty where an older version of the site has written it
    notice: str = ""  # that the page showed, where that is known

    @classmethod
    def read(cls, text: str, purposes: frozenset[str]) -> "Withdrawal | None":
        """Read it from a cookie of the browser; None where that holds none.

        `purposes` are the optional ones of now, for one that does not say which there were.
        """
        method, token, *told = f"{text}:".split(":")
        if method not in WITHDRAWING or not TOKEN.fullmatch(token):
            return None
        marked = {mark: [each[1:] for each in told if each[:1] == mark] for mark in "?!@=#"}
        kept, unsaved, refused = map(_purposes, (told, marked["?"], marked["!"]))
        return cls(
            kept=kept,
            method=method,
            token=token,
            unsaved=unsaved,
            refused=refused if marked["@"] else purposes - kept - unsaved,
            language=min(marked["@"], default=""),
            gpc="+gpc" in told,
            policy_version=min(filter(VERSION.fullmatch, marked["="]), default=""),
            notice=min(filter(NOTICE.fullmatch, marked["#"]), default=""),
        )

    @property
    def text(self) -> str:
        unsaved = (f"?{purpose}" for purpose in sorted(self.unsaved))
        refused = (f"!{purpose}" for purpose in sorted(self.refused))
        told = [f"@{self.language}", f"={self.policy_version}", *(["+gpc"] if self.gpc else [])]
        told += [f"#{self.notice}"] if self.notice else []
        return ":".join((self.method, self.token, *sorted(self.kept), *unsaved, *refused, *told))

    @property
    def wanted(self) -> frozenset[str]:
        return self.kept | self.unsaved


def _purposes(told: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(PURPOSE.fullmatch, told))
