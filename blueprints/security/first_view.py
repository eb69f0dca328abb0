"""The stylesheet in the page itself, for whoever comes for the first time.

A browser paints nothing until it has the stylesheet, and to ask for it takes another round trip: on
a telephone a good part of the wait (`tests/benchmarks paint`). Whoever sends cookies has been here
before, and is sent a link to the file; the script has asked for it after their choice. The policy
lets in this one text by its SHA-256 (Content Security Policy Level 3, 6.7.3.3), and no other style
that stands in a page.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from flask import Flask, g
from markupsafe import Markup


def offer(app: Flask, stylesheet: Path) -> None:
    """Let templates put the stylesheet, our own as they are, into the page as it is served."""
    text = stylesheet.read_text("utf-8")
    source = f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    style = Markup(f"<style>{text}</style>")  # noqa: S704 # nosec B704

    def inlined_style() -> Markup:
        g.setdefault("csp_sources", {}).setdefault("style-src", set()).add(source)
        return style

    app.jinja_env.globals["inlined_style"] = inlined_style
