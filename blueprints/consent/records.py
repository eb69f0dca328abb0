"""A consent record as it is read: its columns, and what its content says."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, select

from blueprints.consent.choices import Decision, said_statuses
from blueprints.consent.digest import utc_text
from blueprints.consent.models import ConsentRecord

# By name: the columns (id and subject as UUID, times as datetime, digest as bytes, content as
# text), and beside them each value of the content as JSON has it, the statuses by their true names.
# One that was erased has no more than its columns, with `subject` and `content` None.
Record = Mapping[str, Any]

# What a record says that is older than a field of a decision.
DEFAULTS = {field.name: field.default for field in fields(Decision) if field.default is not MISSING}


def fields_of_a_decision(**kinds: Any) -> list[tuple[str, Any, Any]]:  # noqa: ANN401 - types
    """Return each as msgspec reads it: name, kind and default; `kinds` are read as others."""
    return [
        (of.name, kinds.get(of.name, of.type), DEFAULTS.get(of.name, msgspec.NODEFAULT))
        for of in fields(Decision)
    ]


def select_records() -> Select[*tuple[Any, ...]]:
    return select(ConsentRecord.__table__)


def read_record(row: Any) -> Record:  # noqa: ANN401 - a row of any query of whole records
    """Return the record in a row.

    Raises:
        ValueError: its content is none that this site has written.

    """
    columns = row._mapping  # noqa: SLF001 - a public name of SQLAlchemy
    try:
        said = DEFAULTS | json.loads(columns["content"]) if columns["content"] else {}
        if said.get("method"):
            said["statuses"] = dict(said_statuses(said["statuses"], said["method"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"the content of record {columns['id']} cannot be read") from None
    return {**said, **columns}


def as_text(value: Any) -> str:  # noqa: ANN401 - a value of any column
    """Write what JSON has no word for: a time, a digest, a number."""
    if isinstance(value, datetime):
        return utc_text(value)
    return value.hex() if isinstance(value, bytes) else str(value)
