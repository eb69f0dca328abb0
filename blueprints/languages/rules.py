"""Pages that have an address in each language: `@blueprint.get("/cookies", pt="/pt/cookies")`."""

from collections.abc import Iterator
from typing import Any

from werkzeug import routing


class Rule(routing.Rule):
    """A rule of Flask's; where `pt` is given, it stands for two, each with its `language`."""

    def __init__(self, string: str, *, pt: str | None = None, **options: Any) -> None:  # noqa: ANN401 - passed on
        if pt:
            options["defaults"] = {**(options.get("defaults") or {}), "language": "en"}
        super().__init__(string, **options)
        self._portuguese = pt

    def get_rules(self, url_map: routing.Map) -> Iterator[routing.Rule]:
        yield self
        if self._portuguese:
            options = dict(self.get_empty_kwargs())
            options["defaults"] = {**options["defaults"], "language": "pt"}
            other = routing.Rule(self._portuguese, **options)
            # Flask sets it on the rule that it made.
            other.provide_automatic_options = self.provide_automatic_options  # type: ignore[attr-defined]
            yield other
