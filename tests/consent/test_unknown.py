"""What is unknown is off: absence is never read as permission."""

from datetime import UTC, datetime, timedelta

import pytest
from browserlike import Visitor
from conftest import MakeSite
from flask import Flask, g, render_template_string

from blueprints.consent.choices import Decision, Model, Status, present_choice
from blueprints.consent.registry import Registry

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def ask(site: Flask, purpose: str) -> str:
    with site.test_request_context("/health"):
        site.preprocess_request()
        return render_template_string("{{ consent.allows(purpose) }}", purpose=purpose)


@pytest.mark.parametrize("purpose", ["statistcs", "", "Necessary", "necessary ", "None"])
def test_a_purpose_that_is_not_declared_is_off_on_line_and_an_error_in_tests(
    make_site: MakeSite, purpose: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(make_site(TESTING=False), purpose) == "False"
    assert "a purpose that is not declared" in caplog.text
    with pytest.raises(LookupError):
        ask(make_site(), purpose)


def test_only_what_is_declared_as_not_optional_needs_no_asking(make_site: MakeSite) -> None:
    site = make_site()
    assert ask(site, "necessary") == "True"
    for purpose in ("personalization", "advertising"):
        assert ask(site, purpose) == "False"


def test_a_cookie_that_is_not_declared_is_never_kept(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with site.test_request_context("/health"):
        site.preprocess_request()
        assert not g.consent.keep("unheard_of", "1")
        assert g.consent.kept("unheard_of") == ""


def decision(registry: Registry, **changes: object) -> Decision:
    fields = {
        "id": "1",
        "subject": "2",
        "statuses": dict.fromkeys(registry.optional_ids, Status.GIVEN),
        "policy_version": registry.policy_version,
        "language": "en",
        "model": Model.OPT_IN,
        "method": "banner.accept_all",
        "gpc": False,
        "decided_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=1),
    }
    return Decision(**(fields | changes))  # type: ignore[arg-type]  # the changes are of any kind


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({}, {"personalization", "advertising"}),
        ({"statuses": {}}, set()),
        ({"statuses": {"advertising": Status.GIVEN}}, {"advertising"}),
        ({"statuses": {"unheard_of": Status.GIVEN}}, set()),
        ({"policy_version": ""}, set()),
        ({"expires_at": NOW}, set()),
        ({"method": "continued_use"}, set()),
    ],
)
def test_what_a_decision_does_not_say_is_not_given(
    make_site: MakeSite, changes: dict[str, object], given: set[str]
) -> None:
    registry = make_site().extensions["registry"]
    for gpc in (False, True):
        made = decision(registry, **changes)
        choice = present_choice(made, registry, Model.OPT_IN, gpc=gpc, now=NOW)
        assert choice.given == given
    assert present_choice(None, registry, Model.IMPLIED, gpc=False, now=NOW).given == set()
