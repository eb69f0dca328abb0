"""Registries to test with: the shipped one, changed."""

from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "blueprints/consent/registry.toml"
MATOMO = """
[[services]]
id = "matomo"
purpose = "personalization"
name = "Matomo"
vendor = "InvestPorto"
country = "PT"
privacy = "https://stats.example.pt/privacy"
hosts = { script = ["https://stats.example.pt"], img = ["https://stats.example.pt"] }

[[services.cookies]]
name = "_pk_id*"
storage = "cookie"
party = "first"
lifetime = "P13M"
purpose = { en = "Counts visits", pt = "Conta visitas" }
"""

NEW_PURPOSE = """
[[purposes]]
id = "statistics"
name = { en = "Statistics", pt = "Estatística" }
description = { en = "Counts visits.", pt = "Conta visitas." }
"""

FILM = """
[[services]]
id = "player"
purpose = "personalization"
name = "Film Player"
vendor = "Films Ltd"
country = "IE"
privacy = "https://films.example/privacy"
hosts = { frame = ["https://films.example"] }
embed = { address = "https://films.example/{id}", width = 560, height = 315 }
"""


CONTROLLER = """dated = "2026-11-26"
tax_number = "501234567"
telephone = "+351 220 000 000"
officer = "dpo@porto.test"
processors = [
  { name = "Hosting Lda", country = "DE", task = { en = "Hosting", pt = "Alojamento" } },
]
address = "Rua 1, Porto"
"""
# What makes the shipped registry one with which a site can go on line.
FILLED_IN = (
    ('address = "Porto, Portugal"\n', CONTROLLER),
    ('"privacy@investporto.example"', '"privacy@porto.test"'),
)


def shipped_with(*changes: tuple[str, str], more: str = "") -> str:
    """The shipped registry with each text replaced once, and a purpose's id wherever it stands."""
    text = SHIPPED.read_text(encoding="utf-8") + more
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
        if old.startswith("id = "):
            text = text.replace(f"purpose = {old[5:]}", f"purpose = {new[5:].splitlines()[0]}")
    return text


def necessary_only() -> str:
    """The shipped registry without what is optional."""
    shipped = shipped_with()
    purposes = shipped[: shipped.index('[[purposes]]\nid = "personalization"')]
    services = shipped[shipped.index("[[services]]") :].partition('[[services]]\nid = "reading"')[0]
    return purposes + services
