"""What a test looks at behind the pages: the log, the sessions, the shipped registry."""

from pathlib import Path
from typing import Any

from browserlike import Visitor
from flask import Flask
from sqlalchemy import func, select

from blueprints.consent.models import ConsentRecord
from blueprints.database import db
from blueprints.sessions.models import StoredSession

REGISTRY = Path(__file__).parents[1] / "blueprints/consent/registry.toml"
ARTICLE = "/articles/porto-is-one-of-the-smart-cities-in-european-initiative"


def records(site: Flask) -> list[Any]:
    with site.app_context(), db.engine.connect() as connection:
        order = ConsentRecord.decided_at, ConsentRecord.id
        return list(connection.execute(select(ConsentRecord.__table__).order_by(*order)))


def count_sessions(site: Flask) -> int:
    with site.app_context(), db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(StoredSession)) or 0


def session_cookie(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    return cookie.value
