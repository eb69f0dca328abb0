"""Writes many decisions and sessions, as realistic as they need be, to measure and to look at.

    export FLASK_SQLALCHEMY_DATABASE_URI=sqlite:////tmp/many.db
    .venv/bin/flask db upgrade && .venv/bin/python tests/generate.py 100000 --seal

They are spread over the last eighteen months, with more of them by day and lately than by night and
long ago, under two policy versions, in both languages; some visitors come back and withdraw.
`--seal` seals them. `--sessions N` gives so many visitors whose choice holds the session that it
left in the database; its cookie is their number. The same number and seed give the same decisions.
Inventions do not belong into anybody's log: the database must be named, and one that holds other
records is refused.
"""

import argparse
import os
import random
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask import Flask, current_app
from sqlalchemy import String, cast, insert, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from app import create_app
from blueprints.consent.choices import Decision, Model, Status
from blueprints.consent.models import ConsentRecord
from blueprints.consent.notices import write_notice
from blueprints.consent.registry import Registry
from blueprints.consent.services import columns_of, months_after
from blueprints.database import db, problem
from blueprints.proof.seals import seal_open_records
from blueprints.sessions import Content
from blueprints.sessions.models import StoredSession
from blueprints.sessions.store import encode, key_of

SPAN = timedelta(days=548)
BATCH = 5000
MARK = "1e57da7a"  # ends the id of each invention, and is kept when that is erased
METHODS = {  # method -> how often of a hundred, and what becomes of each optional purpose
    "banner.accept_all": (34, "given"),
    "banner.reject": (29, "refused"),
    "banner.accept_selected": (18, None),
    "settings.accept_selected": (8, None),
    "settings.reject": (6, "refused"),
    "settings.withdraw": (5, "withdrawn"),
}


def decisions(
    site: Flask, number: int, now: datetime, seed: int
) -> Iterator[tuple[Decision, bytes]]:
    """Make them, each with its salt, in the order of time."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    new: Registry = site.extensions["registry"]
    old = _earlier(new)
    notices = {
        (registry.policy_version, language): write_notice(
            registry, words, language, Model(site.config["CONSENT_MODEL"])
        )
        for registry in (old, new)
        for language, words in site.extensions["notice_words"].items()
    }
    for notice in notices.values():
        site.extensions["notices"].keep(notice, now - SPAN)
    methods, weights = list(METHODS), [weight for weight, _status in METHODS.values()]
    visitors: deque[UUID] = deque(maxlen=1000)
    months = site.config["CONSENT_LIFETIME_MONTHS"]
    for at in _times(number, now, dice):
        registry = old if at < now - SPAN / 3 else new
        language = "pt" if dice.random() < 0.7 else "en"
        (method,) = dice.choices(methods, weights)
        comes_back = method.startswith("settings") and visitors
        subject = dice.choice(visitors) if comes_back else _uuid(dice, dice.getrandbits(48), 4)
        visitors.append(subject)
        status = METHODS[method][1]
        decision = Decision(
            id=str(_marked(_uuid(dice, int(at.timestamp() * 1000), 7))),
            subject=str(subject),
            decided_at=at,
            expires_at=months_after(at, months),
            policy_version=registry.policy_version,
            language=language,
            model=Model(site.config["CONSENT_MODEL"]),
            method=method,
            gpc=dice.random() < 0.08,
            statuses={
                purpose: Status(status or dice.choice(("given", "refused")))
                for purpose in registry.optional_ids
            },
            notice=notices[registry.policy_version, language].id,
        )
        yield decision, dice.randbytes(16)


def _earlier(registry: Registry) -> Registry:
    """The registry as it might have been: its first optional cookie lasted longer."""
    optional = (each for each in registry.services if each.purpose in registry.optional_ids)
    service = next(service for service in optional if service.cookies)
    cookies = (replace(service.cookies[0], lifetime="P13M"), *service.cookies[1:])
    changed = replace(service, cookies=cookies)
    services = tuple(changed if one is service else one for one in registry.services)
    return replace(registry, services=services)


def _times(number: int, now: datetime, dice: random.Random) -> list[datetime]:
    def once() -> datetime:
        day = int(SPAN.days * dice.random() ** 0.7)
        hour = min(max(dice.gauss(15, 4), 0), 23.99)
        return now - SPAN + timedelta(days=day, hours=hour, microseconds=dice.randrange(10**6))

    return sorted(min(once(), now) for _ in range(number))


def _uuid(dice: random.Random, first_48_bits: int, version: int) -> UUID:
    value = first_48_bits << 80 | version << 76 | dice.getrandbits(12) << 64
    return UUID(int=value | 0b10 << 62 | dice.getrandbits(62))


def _marked(made: UUID) -> UUID:
    return UUID(hex=made.hex[: -len(MARK)] + MARK)


def _session_of(decision: Decision, registry: Registry, now: datetime) -> dict[str, Any] | None:
    """Make the row of the session that a first choice left; None where it holds no longer."""
    is_later = decision.method.startswith("settings")
    if is_later or decision.policy_version != registry.policy_version or decision.expires_at <= now:
        return None
    content = Content({"decision": asdict(decision)}, decision.expires_at)
    return {
        "key": key_of(decision.subject),
        "data": encode(content.stored),
        "expires_at": decision.expires_at,
        "subject": UUID(decision.subject),
    }


def write(  # noqa: PLR0913 - what there is to say, by name
    site: Flask,
    number: int,
    *,
    seed: int = 1,
    seal: bool = False,
    sessions: int = 0,
    until: datetime | None = None,
) -> None:
    """Write that many decisions, the last of them `until` then, into the database of the site."""
    now = datetime.now(UTC)
    registry = site.extensions["registry"]
    with site.app_context():
        made = decisions(site, number, until or now, seed)
        while batch := list(islice(made, BATCH)):
            left = (_session_of(decision, registry, now) for decision, _salt in batch)
            rows = list(islice(filter(None, left), sessions))
            sessions -= len(rows)
            with db.engine.begin() as connection:
                connection.execute(insert(ConsentRecord), [columns_of(*each) for each in batch])
                if rows:
                    connection.execute(insert(StoredSession), rows)
        while seal and seal_open_records(now, current_app.config["CONSENT_SEAL_RECORDS"]):
            pass


def refuse_others(site: Flask) -> None:
    """Stop where the database is not ready, or holds what this program did not write.

    Raises:
        SystemExit: with one sentence.

    """
    with site.app_context():
        if wrong := problem():
            raise SystemExit(wrong)
        invented = cast(ConsentRecord.id, String).endswith(MARK)
        if db.session.scalar(select(ConsentRecord.id).where(~invented).limit(1)):
            raise SystemExit("The database holds records of others: nothing was written.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("number", type=int, help="how many decisions")
    parser.add_argument("--seal", action="store_true", help="seal them")
    parser.add_argument("--sessions", type=int, default=0, metavar="N", help="how many sessions")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not os.environ.get("FLASK_SQLALCHEMY_DATABASE_URI"):
        raise SystemExit("FLASK_SQLALCHEMY_DATABASE_URI must name a scratch database.")
    with click.Context(click.Command("generate"), info_name="generate"):
        site = create_app()  # Like a command, it keeps no notice by starting.
    refuse_others(site)
    write(site, options.number, seed=options.seed, seal=options.seal, sessions=options.sessions)


if __name__ == "__main__":
    main()
