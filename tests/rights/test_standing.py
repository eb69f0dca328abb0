"""Whether a record counts, as a table: what became of it -> how it stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from log import decision
from registries import SHIPPED

from blueprints.consent.choices import Model, Status
from blueprints.consent.coverage import Additions
from blueprints.consent.methods import CONTINUED_USE
from blueprints.consent.registry_file import read_registry
from blueprints.rights.standing import OVER, Standing, standing

REGISTRY = read_registry(SHIPPED)
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
UNTIL = AT + timedelta(days=181)
GIVEN = dict.fromkeys(REGISTRY.optional_ids, Status.GIVEN)
VALID = decision(
    decided_at=AT,
    expires_at=UNTIL,
    policy_version=REGISTRY.policy_version,
    statuses=GIVEN,
    model=Model.OPT_IN,
)
OLD = replace(VALID, policy_version="older")
ASSUMED = replace(
    VALID, method=CONTINUED_USE, statuses=dict.fromkeys(REGISTRY.optional_ids, Status.ASSUMED)
)
LATER = AT + timedelta(days=1)
BOTH = frozenset(REGISTRY.optional_ids)
MORE: Additions = {"advertising": (("data", "Age"),)}
ALL_MORE: Additions = dict.fromkeys(BOTH, (("controller", "Town"),))
COUNTS = Standing(counts=True)


@pytest.mark.parametrize(
    ("record", "newer_at", "now", "added", "stands"),
    [
        (VALID, None, LATER, {}, COUNTS),
        (VALID, None, UNTIL - timedelta(seconds=1), {}, COUNTS),
        (VALID, None, UNTIL, {}, OVER),
        (VALID, LATER, LATER, {}, Standing(replaced_at=LATER)),
        (VALID, LATER, UNTIL, {}, Standing(replaced_at=LATER)),
        (VALID, UNTIL, UNTIL, {}, OVER),
        (VALID, UNTIL + timedelta(days=9), UNTIL + timedelta(days=9), {}, OVER),
        (OLD, None, LATER, {}, COUNTS),
        (OLD, None, LATER, MORE, Standing(counts=True, opened=frozenset({"advertising"}))),
        (OLD, None, LATER, ALL_MORE, Standing(opened=BOTH)),
        (OLD, None, LATER, None, Standing(opened=BOTH)),  # Nobody knows what it covered.
        (OLD, None, UNTIL, ALL_MORE, OVER),
        (OLD, LATER, LATER, ALL_MORE, Standing(replaced_at=LATER)),
        (
            replace(VALID, statuses=dict.fromkeys(BOTH, Status.WITHDRAWN)),
            None,
            LATER,
            {},
            COUNTS,  # It spares the question.
        ),
        (ASSUMED, None, LATER, {}, Standing(opened=BOTH)),  # Nothing is assumed any more.
    ],
)
def test_a_record_counts_until_it_is_replaced_or_over_or_covers_less_than_there_is_now(
    record: Any,  # noqa: ANN401 - a decision
    newer_at: datetime | None,
    now: datetime,
    added: Additions | None,
    stands: Standing,
) -> None:
    found = standing(record, newer_at, REGISTRY, Model.OPT_IN, now=now, added=lambda _: added)
    assert found == stands


def test_what_was_assumed_counts_while_it_is_assumed_here() -> None:
    model = Model.IMPLIED
    assert standing(ASSUMED, None, REGISTRY, model, now=LATER, added=lambda _: {}) == COUNTS
