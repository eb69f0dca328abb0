"""What a test looks at behind the pages: the log, the sessions, receipts, the shipped registry."""

import json
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from browserlike import Visitor
from flask import Flask
from sqlalchemy import func, select

from blueprints.consent.choices import Decision
from blueprints.consent.models import ConsentRecord
from blueprints.consent.records import read_record, select_records
from blueprints.database import db
from blueprints.sessions.models import StoredSession

REGISTRY = Path(__file__).parents[1] / "blueprints/consent/registry.toml"
ARTICLE = "/articles/porto-is-one-of-the-smart-cities-in-european-initiative"


# What an erased record has none of.
FIELDS = (*(field.name for field in fields(Decision)), "is_consent", "salt")


def records(site: Flask) -> list[Any]:
    with site.app_context(), db.engine.connect() as connection:
        order = ConsentRecord.decided_at, ConsentRecord.id
        rows = connection.execute(select_records().order_by(*order))
        return [SimpleNamespace(**{**dict.fromkeys(FIELDS), **read_record(row)}) for row in rows]


def count_sessions(site: Flask) -> int:
    with site.app_context(), db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(StoredSession)) or 0


def session_cookie(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    return cookie.value


def given(visitor: Visitor) -> set[str | None]:
    """What the settings show as accepted."""
    return {box.get("value") for box in visitor.get("/cookies").all("input", checked="")}


def receipt(visitor: Visitor) -> Any:  # noqa: ANN401 - JSON of any shape
    answer = visitor.raw_get("/cookies/receipt")
    assert answer.status_code == 200
    return json.loads(answer.data)
