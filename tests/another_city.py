"""The instance of another city: all that its web team has changed, outside of the checkout."""

import io
from pathlib import Path

from PIL import Image
from registries import FILM, SHIPPED

NAME = "Invista em Braga"
SLUGS = {"en": "the-tram", "pt": "o-eletrico"}
DAY, NIGHT = "#7a1f1f", "#f2a9a9"
SITE = f"""
name = "{NAME}"

[accessibility]
published = 2026-05-01
assessed = 2026-05-02

[colours]
blue = {{ light = "{DAY}", dark = "{NIGHT}" }}

[picture]
file = "bom-jesus.svg"
at_night = "bom-jesus.svg"
preview = "bom-jesus.png"
width = 900
height = 300
alt = {{ en = "A stairway up a hill", pt = "Um escadório" }}
caption = {{ en = "Drawing: {{name}} & its 573 steps", pt = "Desenho: {{name}}" }}
name = "Bom Jesus"
"""
# Who runs the site stands in [controller] alone.
OF_THE_REGISTRY = {
    'name = "InvestPorto"\n': f'name = "{NAME}"\n',
    "Porto, Portugal": "Praça do Município, Braga",
    "privacy@investporto.example": "dados@braga.test",
    "Remember the choice": "Remember what you choose",
}
ARTICLE = """---
title: The tram of Braga
slug: {slug}
date: 2026-01-02
summary: It comes back.
topics: [trams]
{image}---
![A yellow tram](tram.png)

![A film about the tram](embed:player/tram)

It comes back.
"""
COVER = "image: tram.png\nimage_alt: A tram\n"
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 3"><path d="M0 3h9V0"/></svg>'
MESSAGES = """
[[messages]]
title = { en = "Braga Tram", pt = "Elétrico de Braga" }
text = { en = "It comes back.", pt = "Está de volta." }
address = "https://tram.braga.test/"
topics = ["trams"]
"""
TOPICS = 'trams = { en = "Trams, all of them", pt = "Elétricos" }\n'


def write(folder: Path) -> dict[str, str]:
    """Write all of its files, and return the settings that name them."""
    for inside in ("texts/en", "texts/pt", "texts/images", "img"):
        (folder / inside).mkdir(parents=True)
    notice = (SHIPPED.parent / "notice.toml").read_text("utf-8")
    registry = SHIPPED.read_text("utf-8") + FILM
    for old, new in OF_THE_REGISTRY.items():
        assert registry.count(old) == 1
        registry = registry.replace(old, new)
    texts = {
        "site.toml": SITE,
        "registry.toml": registry,
        "notice.toml": notice,
        "messages.toml": MESSAGES,
        "topics.toml": TOPICS,
        "img/bom-jesus.svg": DRAWING,
        "texts/en/tram.md": ARTICLE.format(slug=SLUGS["en"], image=""),
        "texts/pt/tram.md": ARTICLE.format(slug=SLUGS["pt"], image=COVER),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("img/bom-jesus.png", "texts/images/tram.png"):
        (folder / name).write_bytes(picture())
    return {
        "SITE": f"{folder}/site.toml",
        "ARTICLES": f"{folder}/texts",
        "TOPICS": f"{folder}/topics.toml",
        "MESSAGES": f"{folder}/messages.toml",
        "CONSENT_REGISTRY": f"{folder}/registry.toml",
        "CONSENT_NOTICE": f"{folder}/notice.toml",
    }


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (900, 300), "#c9a227").save(file, "PNG")
    return file.getvalue()
