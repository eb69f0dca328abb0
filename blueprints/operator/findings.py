"""The self-audit, pure: what a browser saw in each state against what the registry declares."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import NamedTuple

from blueprints.consent.choices import Model
from blueprints.consent.cookies import Cookie, duration
from blueprints.consent.registry import Registry

ROUNDING = timedelta(minutes=1)  # between setting a cookie and looking at it
HOST = "host"
NEVER_SEEN = "never seen"


@dataclass(frozen=True)
class State:
    """A situation of a visitor, and the optional purposes given in it."""

    name: str
    given: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Seen:
    """A stored item or a contacted origin. `kind` is a storage of the registry, or "host"."""

    state: State
    kind: str
    name: str
    lifetime: timedelta | None = None  # of a cookie; None: until the browser is closed


@dataclass(frozen=True, order=True)
class Finding:
    kind: str
    name: str
    problem: str  # undeclared, not allowed, too long, never seen
    where: str  # the state, or empty

    @property
    def is_note(self) -> bool:
        """Whether it contradicts nothing: some items are stored only when something goes wrong."""
        return self.problem == NEVER_SEEN


def states(registry: Registry, model: Model) -> list[State]:
    """Return every state to visit: none, refused, each purpose alone, all, withdrawn.

    Of a visitor who only goes on from page to page, `implied` assumes everything. Where nothing is
    optional there is nothing to press either.
    """
    everything = frozenset(registry.optional_ids)
    no_choice = State("no choice", everything if model is Model.IMPLIED else frozenset())
    if not everything:
        return [no_choice]
    alone = [
        State(f"only {purpose}", frozenset({purpose}))
        for purpose in registry.optional_ids
        if len(everything) > 1
    ]
    return [
        no_choice,
        State("refused"),
        *alone,
        State("accepted", everything),
        State("withdrawn"),
    ]


class Declared(NamedTuple):
    kind: str
    name: str
    purpose: str
    cookie: Cookie | None = None  # None: a host

    def is_of(self, item: Seen) -> bool:
        is_named = self.cookie.matches(item.name) if self.cookie else self.name == item.name
        return self.kind == item.kind and is_named

    def is_outlasted_by(self, item: Seen) -> bool:
        if self.kind != "cookie" or not self.cookie or item.lifetime is None:
            return False
        # A declared month may be a long one.
        return item.lifetime > duration(self.cookie.lifetime, year=366, month=31) + ROUNDING


def compare(seen: Iterable[Seen], registry: Registry) -> list[Finding]:
    """Return every contradiction between what was seen and what is declared, in a fixed order."""
    found: set[Finding] = set()
    never_seen = {each[:2] for each in _declared(registry)}
    for item in seen:
        declared = [each for each in _declared(registry) if each.is_of(item)]
        never_seen -= {each[:2] for each in declared}
        allowed = {*registry.necessary_ids, *item.state.given}
        if not declared:
            found.add(Finding(item.kind, item.name, "undeclared", item.state.name))
        elif not any(each.purpose in allowed for each in declared):
            found.add(Finding(item.kind, item.name, "not allowed", item.state.name))
        if any(each.is_outlasted_by(item) for each in declared):
            found.add(Finding(item.kind, item.name, "too long", item.state.name))
    found |= {Finding(kind, name, NEVER_SEEN, "") for kind, name in never_seen}
    return sorted(found)


def purposes_of(item: Seen, registry: Registry) -> list[str]:
    """Return the purposes under which the registry declares the item."""
    return sorted({each.purpose for each in _declared(registry) if each.is_of(item)})


def _declared(registry: Registry) -> Iterator[Declared]:
    for service in registry.services:
        for host in chain(*service.hosts.values()):
            yield Declared(HOST, host, service.purpose)
        for cookie in service.cookies:
            yield Declared(cookie.storage, cookie.name, service.purpose, cookie)
