"""Who is named with a safeguard, and what is missing of who is responsible."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from blueprints.consent.parties import Controller, Processor

COUNTRIES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE"
WHOLE = Controller(
    name="Porto",
    address="Rua 1",
    contact="privacy@porto.test",
    tax_number="501234567",
    telephone="+351 220 000 000",
    officer="dpo@porto.test",
    processors=(Processor("Hosting", {"en": "Hosting", "pt": "Alojamento"}, "DE"),),
    dated="2026-11-26",
)


@pytest.mark.parametrize("country", [*COUNTRIES.split(), "SI", "SK"])
def test_within_the_eea_the_gdpr_holds_by_itself(country: str) -> None:
    assert not Processor("Hosting", {}, country).is_outside_eea


@pytest.mark.parametrize("country", ["CH", "GB", "US", "BR", "", "pt"])
def test_elsewhere_it_does_not(country: str) -> None:
    assert Processor("Hosting", {}, country).is_outside_eea


def test_what_the_law_demands_and_is_not_filled_in_is_missing() -> None:
    assert WHOLE.missing == ()
    assert WHOLE.dated_on == date(2026, 11, 26)
    for name in ("tax_number", "telephone", "officer", "dated"):
        without: dict[str, Any] = {name: ""}
        assert replace(WHOLE, **without).missing == (name,)
    assert replace(WHOLE, processors=()).missing == ("processors",)
    for nobody in ("privacy@city.example", "privacy@city.EXAMPLE", " \t"):
        assert replace(WHOLE, contact=nobody).missing == ("contact",)
    blank = Processor(" ", {"en": "Hosting", "pt": "Alojamento"}, "DE")
    assert replace(WHOLE, processors=(*WHOLE.processors, blank)).missing == ("processors",)
    assert replace(WHOLE, dated="").dated_on is None
