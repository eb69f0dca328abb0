"""Where the pages of the site are, for tests that visit all of them."""

from collections.abc import Iterator, Mapping

from flask import Flask

FILES = {"static", "article.picture_file"}
SLUGS = {
    "en": "porto-is-one-of-the-smart-cities-in-european-initiative",
    "pt": "porto-e-uma-das-cidades-inteligentes-em-iniciativa-europeia",
}


def addresses(site: Flask, slugs: Mapping[str, str] = SLUGS) -> Iterator[str]:
    """Every address that answers to GET, but for files."""
    for rule in site.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in FILES:
            language = (rule.defaults or {}).get("language", "en")
            with site.test_request_context():
                notice = site.extensions["notices"].in_force[language].id
                examples = {"slug": slugs[language], "notice_id": notice, "number": 1}
                values = {key: examples[key] for key in rule.arguments if key in examples}
                yield str(rule.build({**values, **(rule.defaults or {})})[1])  # type: ignore[index]
