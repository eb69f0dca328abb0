"""A name may end in a full stop, as those of companies do: no sentence has two for that."""

from pathlib import Path

import pytest
from browserlike import Visitor
from conftest import MakeSite
from log import run
from registries import shipped_with

from blueprints.consent.commands import ended

PURPOSE = 'name = { en = "Personalised content", pt = "Conteúdo personalizado" }'
TASK = 'task = { en = "Hosting by Y, Lda.", pt = "Alojamento da Y, Lda." }'
PROCESSORS = f'processors = [{{ name = "Y, Lda.", country = "US", {TASK} }}]'
WHY = 'justification = { en = "Forms need it.", pt = "Os formulários precisam." }'
STOPPED = (
    ('name = "InvestPorto"\n', 'name = "Porto, E. M."\n'),
    ('address = "Porto, Portugal"', f'address = "Rua 1, 2.º Esq."\n{PROCESSORS}'),
    (PURPOSE, 'name = { en = "Content of X, S. A.", pt = "Conteúdo da X, S. A." }'),
)
OTHERS = f"""
[[services]]
id = "bank"
purpose = "necessary"
name = "Bank of X, S. A."
vendor = "X, S. A."
country = "US"
privacy = "https://bank.example/privacy"
hosts = {{ img = ["https://bank.example"] }}
{WHY}

[[services]]
id = "x"
purpose = "personalization"
name = "Content of X, S. A."
vendor = "X, S. A."
country = "US"
privacy = "https://x.example/privacy"
hosts = {{ img = ["https://x.example"] }}
"""
PATHS = ("/", "/cookies", "/privacy", "/accessibility", "/cookies/history", "/cookies/records")
PORTUGUESE = ("/pt/", "/pt/cookies", "/pt/privacidade", "/pt/acessibilidade", "/pt/cookies/history")


def test_a_sentence_is_ended_once() -> None:
    assert [ended(words) for words in ("Y, Lda.", "Y", "Y.Z")] == ["Y, Lda.", "Y.", "Y.Z."]


@pytest.mark.parametrize("model", ["opt_in", "implied"])
@pytest.mark.needs("operator")
@pytest.mark.needs("rights")
def test_no_sentence_ends_twice_where_names_end_in_a_full_stop(
    make_site: MakeSite, tmp_path: Path, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    registry = tmp_path / "registry.toml"
    settings = {"CONSENT_REGISTRY": str(registry), "CONSENT_MODEL": model}
    registry.write_text(shipped_with(*STOPPED), encoding="utf-8")
    before = Visitor(make_site(**settings))
    before.choose("accept_all", path="/pt/")
    registry.write_text(shipped_with(*STOPPED, more=OTHERS), encoding="utf-8")
    site = make_site(**settings)
    visitor = Visitor(site)
    cookie = before.client.get_cookie("session")
    assert cookie is not None
    visitor.client.set_cookie("session", cookie.value)
    told = [visitor.get(path).text for path in (*PATHS, *PORTUGUESE)]
    assert "new since your choice: content of x, s. a. now also" in told[0].lower()
    diff = run(site, "policy", "diff").output
    assert diff.splitlines()[-1].endswith("vendor X, S. A.")
    for text in (*told, diff, *caplog.messages):
        assert ".." not in text
    # Nothing of it has lost the stop that it had.
    assert "Rua 1, 2.º Esq. Write to" in told[2]
    assert "X, S. A. Data may go outside" in told[2]
    assert "Forms need it. Data may go outside" in told[2]
    assert "Hosting by Y, Lda. Data may go outside" in told[2]
