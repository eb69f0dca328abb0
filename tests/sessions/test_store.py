"""What stands in a session, and what of it is read, without any store."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
import time_machine

from blueprints.sessions.session import VisitorSession
from blueprints.sessions.store import (
    EXPIRES_AT,
    LATEST,
    Content,
    decode,
    encode,
    key_of,
    new_id,
    subject_of,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SUBJECT = UUID(int=7)


@pytest.mark.parametrize(
    ("until", "is_read"),
    [
        (NOW.timestamp() + 0.001, True),
        (NOW.timestamp(), False),
        (NOW.timestamp() - 1, False),
        (LATEST - 1, True),
        (LATEST, False),
        (float("inf"), False),
        (float("nan"), False),
        (int(NOW.timestamp()) + 1, False),  # The site writes a float.
        ("tomorrow", False),
        (None, False),
    ],
)
def test_a_session_is_read_until_it_is_over(until: object, *, is_read: bool) -> None:
    values = {"seen": True, EXPIRES_AT: until}
    with time_machine.travel(NOW, tick=False):
        assert decode(encode(values)) == (values if is_read else {})


@pytest.mark.parametrize("data", [None, b"", b"\x01", b"\xc1", encode({}), b"\x81\x01\x02"])
def test_what_is_no_session_holds_nothing(data: bytes | None) -> None:
    assert decode(data) == {}


def test_a_content_says_until_when_it_is_kept_and_is_read_as_it_was_stored() -> None:
    content = Content({"seen": True, EXPIRES_AT: 0.0}, NOW)
    assert content.stored == {"seen": True, EXPIRES_AT: NOW.timestamp()}
    with time_machine.travel(NOW.timestamp() - 1, tick=False):
        assert decode(encode(content.stored)) == content.stored


@pytest.mark.parametrize(
    ("decision", "subject"),
    [
        ({"subject": str(SUBJECT)}, SUBJECT),
        ({"subject": "nobody"}, None),
        ({"subject": 7}, None),
        ({"subject": None}, None),
        ({}, None),
        ([str(SUBJECT)], None),
        (str(SUBJECT), None),
        (None, None),
    ],
)
def test_a_session_is_of_the_subject_of_its_decision(
    decision: object, subject: UUID | None
) -> None:
    assert subject_of({"decision": decision}) == subject
    assert subject_of({}) is None


def test_an_id_is_long_and_another_each_time_and_only_its_hash_is_a_key() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) >= 43  # 32 random bytes
    assert key_of("é\udc80") == hashlib.sha256("é\\udc80".encode()).hexdigest()


def session(found: bytes | None, asked: list[int] | None = None) -> VisitorSession:
    def find() -> bytes | None:
        if asked is not None:
            asked.append(1)
        return found

    return VisitorSession("id", find)


def test_the_store_is_asked_once_and_only_when_somebody_looks() -> None:
    asked: list[int] = []
    ours = session(None, asked)
    assert (ours.stored, asked) == (None, [])
    assert (len(ours), list(ours), ours.get("seen")) == (0, [], None)
    assert asked == [1]
    assert not ours.modified
    assert not ours.is_changed


def test_a_session_is_a_mapping_of_what_is_stored_and_knows_what_a_page_changed() -> None:
    stored: dict[str, Any] = {"seen": True, "confirm": 1, EXPIRES_AT: LATEST - 1}
    ours = session(encode(stored))
    assert dict(ours) == stored
    assert ours.stored == encode(stored)
    assert not ours.modified
    assert ours.pop("confirm") == 1
    assert ours.modified
    again = session(encode(stored))
    again["more"] = 2
    assert again.modified
    assert (again["more"], len(again)) == (2, 4)
    assert not again.is_changed


@pytest.mark.parametrize("session_id", ["new", None])
def test_a_session_that_was_stored_is_what_it_became(session_id: str | None) -> None:
    ours = session(encode({"seen": True, EXPIRES_AT: LATEST - 1}))
    ours["more"] = 2
    ours.become(session_id, {"seen": False})
    assert (ours.id, dict(ours)) == (session_id, {"seen": False})
    assert ours.is_changed
    assert not ours.modified


def test_nothing_but_msgpack_is_written() -> None:
    assert msgspec.msgpack.decode(encode({"a": [1, None, "é"]})) == {"a": [1, None, "é"]}
