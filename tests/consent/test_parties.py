"""Who is named with a safeguard, and what is missing of who is responsible."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from blueprints.consent.completeness import missing_of, wrong_of
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


@pytest.mark.parametrize("country", ["CH", "GB", "US", "BR", ""])
def test_elsewhere_it_does_not(country: str) -> None:
    assert Processor("Hosting", {}, country).is_outside_eea


def test_what_the_law_demands_and_is_not_filled_in_is_missing() -> None:
    assert missing_of(WHOLE) == []
    assert WHOLE.dated_on == date(2026, 11, 26)
    for name in ("tax_number", "telephone", "officer", "dated"):
        without: dict[str, Any] = {name: ""}
        assert missing_of(replace(WHOLE, **without)) == [name]
    assert missing_of(replace(WHOLE, processors=())) == ["processors"]
    for nobody in (
        "privacy@city.example",
        "privacy@city.EXAMPLE",
        "https://x.example/a",
        "Write to a@b.example.",
        " \t",
    ):
        assert missing_of(replace(WHOLE, contact=nobody)) == ["contact"]
    blank = Processor(" ", {"en": "Hosting", "pt": "Alojamento"}, "DE")
    assert missing_of(replace(WHOLE, processors=(*WHOLE.processors, blank))) == ["processors"]
    assert replace(WHOLE, dated="").dated_on is None


@pytest.mark.parametrize(
    "value",
    [
        *(
            "TODO",
            "A preencher pelo município",
            "a  designar",
            "To be confirmed",
            "Em falta",
            "todo",
            " ToDo. ",
            "TODO: street",
            "TODO (ask Maria)",
            "TO DO",
            "TODO - ask",
            "[TODO]",
        ),
        *(
            "TBD",
            "t.b.d.",
            "tba",
            "TBC",
            "xxx",
            "XX",
            "xxxxx",
            "...",
            "\u2026",
            "-",
            "\u2013",
            "--",
            "?",
            "_",
        ),
        *(
            "n/a",
            "N/A",
            "FIXME",
            "changeme",
            "fill in",
            "<name>",
            "[address]",
            "{{address}}",
            "none",
        ),
        *(
            "a definir",
            "por preencher",
            "A indicar: morada",
            "exemplo",
            "lorem ipsum",
            "000",
            "X.example",
        ),
    ],
)
def test_what_only_holds_a_place_is_missing_wherever_it_stands(value: str) -> None:
    for name in ("name", "address", "contact", "tax_number", "telephone", "officer"):
        placed: dict[str, Any] = {name: value}
        assert missing_of(replace(WHOLE, **placed)) == [name]
    (hosting,) = WHOLE.processors
    for part in ({"name": value}, {"country": value}, {"task": {"en": "Hosting", "pt": value}}):
        changed: dict[str, Any] = part
        processors = (hosting, replace(hosting, **changed))
        assert missing_of(replace(WHOLE, processors=processors)) == ["processors"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Todo o Terreno, Lda.",
            "TODO-O-TERRENO, S. A.",
            "TBD Media",
            "NA",
            "X",
            "XXI, Lda.",
            "Xx1",
        ),
        *(
            "None Such Ltd",
            "Unknown Pleasures",
            "Example City Council",
            "C. M. P. (Porto)",
            "1",
            "\u6771",
        ),
    ],
)
def test_what_is_somebodys_name_is_none_that_holds_a_place(name: str) -> None:
    assert missing_of(replace(WHOLE, name=name, address=name)) == []


TODAY = datetime.now(UTC).astimezone().date()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contact", "x"),
        ("contact", "@porto.test"),
        ("contact", "privacy@porto"),
        ("contact", "http://www.porto.test/"),
        ("officer", "x"),
        ("officer", "Maria Silva"),
        ("officer", "https://porto"),
        ("telephone", "..."),
        ("telephone", "+351 220 00"),
        ("telephone", "22000000, 0"),
        ("tax_number", "0"),
        ("tax_number", "50123456"),
        ("tax_number", "5012345678"),
        ("tax_number", "ES501234567"),
        ("dated", str(TODAY + timedelta(days=1))),
    ],
)
def test_what_cannot_be_right_is_missing(name: str, value: str) -> None:
    spoilt: dict[str, Any] = {name: value}
    assert missing_of(replace(WHOLE, **spoilt)) == [name]
    assert wrong_of(replace(WHOLE, **spoilt)) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contact", "geral@câmara-porto.pt"),
        ("contact", "Encarregado <epd@cm-porto.pt>"),
        ("contact", "https://www.cm-porto.pt/contactos?a=1"),
        ("contact", "dados@www.example.pt"),
        ("contact", "dados@www.example-porto.pt"),
        ("officer", "Maria Silva, epd@cm-porto.pt"),
        ("officer", "HTTPS://cm-porto.pt"),
        ("telephone", "222097000"),
        ("telephone", "(+351) 222-097-000"),
        ("telephone", "+351.22.209.70.00"),
        ("telephone", "Tel. +351\u00a0222\u00a0097\u00a0000 (chamada para a rede fixa nacional)"),
        ("telephone", "222 097 000 / 222 097 001"),
        ("tax_number", "PT501234567"),
        ("tax_number", " pt 501 234 567 "),
        ("tax_number", "501.234.567"),
        ("dated", str(TODAY)),
    ],
)
def test_whatever_a_city_would_write_is_taken(name: str, value: str) -> None:
    written: dict[str, Any] = {name: value}
    assert missing_of(replace(WHOLE, **written)) == []


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("dpo@porto.test", "mailto:dpo@porto.test"),
        ("Maria <dpo@porto.test>, https://porto.test/", "mailto:dpo@porto.test"),
        ("https://www.porto.test/contacts.", "https://www.porto.test/contacts"),
        ("x", "mailto:x"),
    ],
)
def test_who_is_named_with_a_web_address_is_linked_by_it(words: str, link: str) -> None:
    assert replace(WHOLE, contact=words, officer=words).contact_link == link
    assert replace(WHOLE, contact=words, officer=words).officer_link == link
