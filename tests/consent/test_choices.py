"""The rules of consent as a table: what counts of a decision, whatever came between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from registries import SHIPPED

from blueprints.consent import registry_file
from blueprints.consent.choices import (
    Choice,
    Decision,
    Model,
    Status,
    decided_statuses,
    lessened,
    present_choice,
    read_decision,
    said_statuses,
    withdrawn,
)
from blueprints.consent.methods import CONTINUED_USE
from blueprints.consent.services import months_after
from blueprints.consent.withdrawal import Withdrawal

REGISTRY = registry_file.read_registry(SHIPPED)
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ENDS = datetime(2027, 5, 24, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
GIVEN, REFUSED, WITHDRAWN = Status.GIVEN, Status.REFUSED, Status.WITHDRAWN
BOTH = {"personalization": GIVEN, "advertising": GIVEN}
ONE = {"personalization": GIVEN, "advertising": REFUSED}
NONE = {"personalization": REFUSED, "advertising": WITHDRAWN}
UNKNOWN, EXPIRED = (dict.fromkeys(BOTH, status) for status in (Status.UNKNOWN, Status.EXPIRED))

DECISION = Decision(
    id="01a20d6d-9498-7a78-b848-90e6e8389789",
    subject="f7f4b032-560f-4011-983d-603b00ea1681",
    decided_at=AT,
    expires_at=ENDS,
    policy_version=REGISTRY.policy_version,
    language="en",
    model=Model.OPT_IN,
    method="banner.accept_all",
    gpc=False,
    statuses=BOTH,
)
ALL_ASSUMED = dict.fromkeys(BOTH, Status.ASSUMED)
ASSUMED = replace(DECISION, method=CONTINUED_USE, model=Model.IMPLIED, statuses=ALL_ASSUMED)


@pytest.mark.parametrize(
    ("decision", "asked", "statuses", "is_open"),
    [
        (None, (Model.OPT_IN, False, AT), UNKNOWN, True),
        (None, (Model.IMPLIED, False, AT), UNKNOWN, True),
        (DECISION, (Model.OPT_IN, False, AT), BOTH, False),
        # What was expressed outranks the signal, which only speaks for who has not chosen.
        (DECISION, (Model.OPT_IN, True, AT), BOTH, False),
        (DECISION, (Model.IMPLIED, True, AT), BOTH, False),
        (replace(DECISION, statuses=ONE), (Model.OPT_IN, False, AT), ONE, False),
        (replace(DECISION, statuses=NONE), (Model.OPT_IN, False, AT), NONE, False),
        (DECISION, (Model.OPT_IN, False, ENDS - TICK), BOTH, False),
        (DECISION, (Model.OPT_IN, False, ENDS), EXPIRED, True),
        (DECISION, (Model.OPT_IN, False, ENDS + timedelta(days=1)), EXPIRED, True),
        (replace(DECISION, statuses=NONE), (Model.OPT_IN, False, ENDS), EXPIRED, True),
        (replace(DECISION, policy_version="0" * 12), (Model.OPT_IN, False, AT), EXPIRED, True),
        (replace(DECISION, policy_version="f" * 12), (Model.OPT_IN, False, AT), EXPIRED, True),
        # A clock that was set back ends nothing.
        (DECISION, (Model.OPT_IN, False, AT - timedelta(days=1)), BOTH, False),
        # What a decision does not name is asked about; what nobody declares is not there.
        (
            replace(DECISION, statuses={"personalization": GIVEN}),
            (Model.OPT_IN, False, AT),
            {"personalization": GIVEN, "advertising": Status.UNKNOWN},
            True,
        ),
        (replace(DECISION, statuses=BOTH | {"x": GIVEN}), (Model.OPT_IN, False, AT), BOTH, False),
        (replace(DECISION, statuses={}), (Model.OPT_IN, False, AT), UNKNOWN, True),
        (ASSUMED, (Model.IMPLIED, False, AT), ALL_ASSUMED, False),
        (ASSUMED, (Model.IMPLIED, True, AT), UNKNOWN, True),
        (ASSUMED, (Model.OPT_IN, False, AT), UNKNOWN, True),
        (ASSUMED, (Model.IMPLIED, False, ENDS), EXPIRED, True),
    ],
)
def test_what_counts_now(
    decision: Decision | None,
    asked: tuple[Model, bool, datetime],
    statuses: dict[str, Status],
    *,
    is_open: bool,
) -> None:
    model, gpc, now = asked
    choice = present_choice(decision, REGISTRY, model, gpc=gpc, now=now)
    assert choice.statuses == statuses
    assert choice.is_open is is_open
    is_settled = any(status not in {"unknown", "expired"} for status in statuses.values())
    assert choice.counts is is_settled
    accepted = {key for key, status in statuses.items() if status in {GIVEN, Status.ASSUMED}}
    assert choice.given == accepted
    for purpose in ("necessary", "personalization", "advertising", "x", ""):
        assert choice.allows(purpose) is (purpose in accepted)


@pytest.mark.parametrize(
    "method", ["banner.accept_all", "settings.reject", "embed.always", "settings.erase", "a", "z"]
)
def test_whatever_somebody_pressed_is_an_act_and_going_on_is_none(method: str) -> None:
    assert replace(DECISION, method=method).is_consent
    assert not replace(DECISION, method=CONTINUED_USE).is_consent


@pytest.mark.parametrize(
    ("statuses", "accepts"),
    [(BOTH, True), (ONE, True), (ALL_ASSUMED, True), (NONE, False), (UNKNOWN, False), ({}, False)],
)
def test_what_lets_something_optional_happen(statuses: dict[str, Status], *, accepts: bool) -> None:
    assert replace(DECISION, statuses=statuses).accepts is accepts


def test_of_what_was_recorded_by_going_on_only_the_given_was_assumed() -> None:
    every = {status.value: status.value for status in Status}
    for method in ("banner.accept_all", "settings.accept_all"):
        assert said_statuses(every, method) == every
    assert said_statuses(every, CONTINUED_USE) == every | {"given": Status.ASSUMED}


def test_nobody_knows_what_was_added_once_a_choice_has_ended() -> None:
    old = replace(DECISION, policy_version="0" * 12)

    def never(_decision: Decision) -> None:
        raise AssertionError("it has ended, so nothing is looked up")

    for late in (timedelta(0), timedelta(days=1)):
        now = ENDS + late
        found = present_choice(old, REGISTRY, Model.OPT_IN, gpc=False, now=now, added=never)
        assert found.statuses == EXPIRED


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        (UNKNOWN, {"personalization", "advertising"}, BOTH),
        (UNKNOWN, set(), {"personalization": REFUSED, "advertising": REFUSED}),
        (BOTH, set(), {"personalization": WITHDRAWN, "advertising": WITHDRAWN}),
        (BOTH, {"personalization"}, {"personalization": GIVEN, "advertising": WITHDRAWN}),
        (ONE, set(), {"personalization": WITHDRAWN, "advertising": REFUSED}),
        (NONE, set(), {"personalization": REFUSED, "advertising": REFUSED}),
        (EXPIRED, set(), {"personalization": REFUSED, "advertising": REFUSED}),
        (UNKNOWN, {"necessary", "x"}, {"personalization": REFUSED, "advertising": REFUSED}),
    ],
)
def test_what_is_recorded(
    before: dict[str, Status], given: set[str], after: dict[str, Status]
) -> None:
    choice = Choice(before, None)
    for method in ("banner.accept_selected", "settings.accept_selected"):
        assert decided_statuses(choice, frozenset(given), method) == after
    assumed = {
        purpose: Status.ASSUMED if status is GIVEN else status for purpose, status in after.items()
    }
    assert decided_statuses(choice, frozenset(given), CONTINUED_USE) == assumed


@pytest.mark.parametrize(
    ("statuses", "kept", "after"),
    [
        (BOTH, set(), {"personalization": WITHDRAWN, "advertising": WITHDRAWN}),
        (BOTH, {"advertising"}, {"personalization": WITHDRAWN, "advertising": GIVEN}),
        # What was ticked, and cannot be saved, was not refused; what never was on is not withdrawn.
        (ONE, {"advertising"}, {"personalization": WITHDRAWN, "advertising": Status.UNKNOWN}),
        (ONE, set(), {"personalization": WITHDRAWN, "advertising": REFUSED}),
        ({}, {"advertising"}, {"personalization": REFUSED, "advertising": Status.UNKNOWN}),
        (NONE, set(), NONE),
        (ALL_ASSUMED, set(BOTH), UNKNOWN),
    ],
)
def test_a_withdrawal_that_waits_takes_back_and_never_gives(
    statuses: dict[str, Status], kept: set[str], after: dict[str, Status]
) -> None:
    refused = frozenset(after) - kept
    waits = Withdrawal(frozenset(kept), "banner.reject", "0" * 16, refused=refused)
    before = Choice(UNKNOWN | statuses, replace(DECISION, statuses=statuses))
    choice = withdrawn(before, waits)
    assert choice.statuses == after == lessened(before, waits.wanted, waits)
    assert choice.given <= before.given
    assert not choice.is_open
    assert withdrawn(before, None) == before


def test_a_withdrawal_that_waits_answers_for_no_purpose_that_came_later() -> None:
    waits = Withdrawal(frozenset({"personalization"}), "banner.accept_selected", "0" * 16)
    then = replace(DECISION, statuses={"personalization": GIVEN})
    grown = Choice(UNKNOWN | {"personalization": Status.EXPIRED}, then)
    assert withdrawn(grown, waits).statuses == grown.statuses
    assert lessened(grown, waits.wanted, waits) == {"personalization": GIVEN}


MARK = "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"settings.withdraw:{MARK}", set()),
        (f"banner.accept_selected:{MARK}:advertising", {"advertising"}),
        (f"banner.accept_selected:{MARK}:advertising:X:-:é", {"advertising"}),
        # One that is gone, or made up: no rule finds it among what there is.
        (f"banner.accept_selected:{MARK}:advertising:gone", {"advertising", "gone"}),
        (f"banner.accept_selected:{MARK}:?advertising:?x:=ee56b615fe03:=\x00", set()),
        (f"settings.reject:{MARK}:!advertising:!x:@pt:+gpc", set()),
        (f"banner.accept_all:{MARK}:personalization", {"personalization"}),
        (f"embed.always:{MARK}", None),
        (f"continued_use:{MARK}", None),
        ("banner.reject", None),
        ("banner.reject:", None),
        (f"banner.reject:{MARK.upper()}", None),
        (f"banner.reject:{MARK}0", None),
        ("", None),
    ],
)
def test_a_withdrawal_is_read_only_as_it_is_written(text: str, kept: set[str] | None) -> None:
    found = Withdrawal.read(text, frozenset(REGISTRY.optional_ids))
    assert (found.kept if found else None) == kept
    assert found is None or Withdrawal.read(found.text, frozenset(REGISTRY.optional_ids)) == found


KEPT = {
    **{name: getattr(DECISION, name) for name in DECISION.__dataclass_fields__},
    "model": "opt_in",
    "statuses": {"personalization": "given", "advertising": "refused"},
}


@pytest.mark.parametrize(
    ("kept", "is_read"),
    [
        (KEPT, True),
        ({key: value for key, value in KEPT.items() if key != "notice"}, True),
        ({key: value for key, value in KEPT.items() if key != "subject"}, False),
        (KEPT | {"more": 1}, False),
        (KEPT | {"id": "nobody"}, False),
        (KEPT | {"subject": "nobody"}, False),
        (KEPT | {"expires_at": "tomorrow"}, False),
        (KEPT | {"notice": 7}, False),
        (KEPT | {"model": "opt_out"}, False),
        (KEPT | {"statuses": {"advertising": "yes"}}, False),
        (KEPT | {"statuses": None}, False),
        (KEPT | {"statuses": ["given"]}, False),
        ("given", False),
        (1, False),
        (None, False),
    ],
)
def test_a_session_of_another_shape_holds_no_decision(kept: object, *, is_read: bool) -> None:
    decision = read_decision({"decision": kept})
    assert (decision is not None) is is_read
    if decision:
        assert decision.statuses == ONE
        assert decision.model is Model.OPT_IN
        assert decision.is_consent


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2026-11-24", 6, "2027-05-24"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2027-08-31", 6, "2028-02-29"),
        ("2026-12-31", 12, "2027-12-31"),
        ("2026-11-30", 13, "2027-12-30"),
        ("2028-02-29", -12, "2027-02-28"),
        ("2026-01-15", -36, "2023-01-15"),
    ],
)
def test_a_choice_lasts_to_the_same_day_of_a_later_month_or_to_its_last(
    day: str, months: int, then: str
) -> None:
    time = "T12:30:01.000002+00:00"
    moment = datetime.fromisoformat(day + time)
    assert months_after(moment, months) == datetime.fromisoformat(then + time)
