"""The self-audit, pure: what a browser saw in each state against what the registry declares."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from blueprints.consent.choices import Model
from blueprints.consent.cookies import Cookie
from blueprints.consent.registry import Registry, Service

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


@dataclass(frozen=True)
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


def compare(seen: Iterable[Seen], registry: Registry) -> list[Finding]:
    """Return every contradiction between what was seen and what is declared, in a fixed order."""
    found: set[Finding] = set()
    met: set[tuple[str, str]] = set()
    for item in seen:
        declared = _declarations(item, registry)
        allowed = {*registry.necessary_ids, *item.state.given}
        met |= {(item.kind, name) for _service, name, _cookie in declared}
        if not declared:
            found.add(Finding(item.kind, item.name, "undeclared", item.state.name))
        elif not any(service.purpose in allowed for service, *_ in declared):
            found.add(Finding(item.kind, item.name, "not allowed", item.state.name))
        for _service, _name, cookie in declared:
            if cookie and item.kind == "cookie" and _too_long(item, cookie):
                found.add(Finding(item.kind, item.name, "too long", item.state.name))
    for kind, name in _everything(registry) - met:
        found.add(Finding(kind, name, NEVER_SEEN, ""))
    return sorted(found, key=lambda finding: (finding.kind, finding.name, finding.problem))


def purposes_of(item: Seen, registry: Registry) -> list[str]:
    """Return the purposes under which the registry declares the item."""
    return sorted({service.purpose for service, *_ in _declarations(item, registry)})


def _declarations(item: Seen, registry: Registry) -> list[tuple[Service, str, Cookie | None]]:
    if item.kind == HOST:
        return [
            (service, item.name, None)
            for service in registry.services
            if any(item.name in hosts for hosts in service.hosts.values())
        ]
    return [
        (service, cookie.name, cookie)
        for service in registry.services
        for cookie in service.cookies
        if cookie.storage == item.kind and cookie.matches(item.name)
    ]


def _everything(registry: Registry) -> set[tuple[str, str]]:
    items = {
        (cookie.storage, cookie.name) for service in registry.services for cookie in service.cookies
    }
    hosts = {
        (HOST, host)
        for service in registry.services
        for group in service.hosts.values()
        for host in group
    }
    return items | hosts


def _too_long(item: Seen, cookie: Cookie) -> bool:
    # A declared month may be a long one.
    longest = cookie.lasts(year=366, month=31) + ROUNDING
    return item.lifetime is not None and item.lifetime > longest
