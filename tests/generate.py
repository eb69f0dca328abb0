"""Writes many decisions, as realistic as they need be, to measure and to look at reports.

    FLASK_SQLALCHEMY_DATABASE_URI=sqlite:////tmp/many.db flask db upgrade
    FLASK_SQLALCHEMY_DATABASE_URI=sqlite:////tmp/many.db python tests/generate.py 100000

They are spread over the last eighteen months, with more of them by day and lately than by night and
long ago, under two policy versions, in both languages; some visitors come back and withdraw.
`--seal` seals them. The same number and seed give the same decisions.
"""

import argparse
import json
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import UUID

from dateutil.relativedelta import relativedelta
from flask import Flask, current_app
from sqlalchemy import insert

from app import create_app
from blueprints.consent.choices import Model
from blueprints.consent.log_rows import record_bytes
from blueprints.consent.models import ConsentRecord
from blueprints.consent.notices import write_notice
from blueprints.consent.registry import Registry
from blueprints.consent.seals import seal_open_records
from blueprints.consent.setup import NOTICE
from blueprints.database import db

SPAN = timedelta(days=548)
BATCH = 5000
METHODS = {  # method -> how often of a hundred, and what becomes of each optional purpose
    "banner.accept_all": (34, "given"),
    "banner.reject": (29, "refused"),
    "banner.accept_selected": (18, None),
    "settings.accept_selected": (8, None),
    "settings.reject": (6, "refused"),
    "settings.withdraw": (5, "withdrawn"),
}


def decisions(site: Flask, number: int, now: datetime, seed: int) -> Iterator[dict[str, Any]]:
    """Make the rows, in the order of time."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    new: Registry = site.extensions["registry"]
    old = _earlier(new)
    notices = {
        (registry.policy_version, language): write_notice(
            registry, words, language, Model(site.config["CONSENT_MODEL"])
        )
        for registry in (old, new)
        for language, words in NOTICE.items()
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
        yield _with_digest(
            {
                "id": _uuid(dice, int(at.timestamp() * 1000), 7),
                "subject": subject,
                "statuses": {
                    purpose: status or dice.choice(("given", "refused"))
                    for purpose in registry.optional_ids
                },
                "policy_version": registry.policy_version,
                "language": language,
                "model": site.config["CONSENT_MODEL"],
                "method": method,
                "is_consent": True,
                "gpc": dice.random() < 0.08,
                "decided_at": at,
                "expires_at": datetime.combine(_later(at.date(), months), at.timetz()),
                "notice": notices[registry.policy_version, language].id,
                "salt": dice.randbytes(16),
            }
        )


@lru_cache
def _later(day: date, months: int) -> date:
    return day + relativedelta(months=months)


def _earlier(registry: Registry) -> Registry:
    """The registry as it might have been: its first cookie lasted a month longer."""
    service = next(service for service in registry.services if service.cookies)
    cookies = (replace(service.cookies[0], lifetime="P7M"), *service.cookies[1:])
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


def _with_digest(row: dict[str, Any]) -> dict[str, Any]:
    values = (
        row["id"].hex,
        row["subject"].hex,
        json.dumps(row["statuses"]),
        *(row[name] for name in ("policy_version", "language", "model", "method")),
        row["is_consent"],
        row["gpc"],
        *(f"{row[name]:%Y-%m-%d %H:%M:%S.%f}" for name in ("decided_at", "expires_at")),
        row["notice"],
        row["salt"].hex(),
        None,
    )
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    row["digest"] = sha256(record_bytes(raw)).digest()
    return row


def write(
    site: Flask,
    number: int,
    *,
    seed: int = 1,
    seal: bool = False,
    until: datetime | None = None,
) -> None:
    """Write that many decisions, the last of them `until` then, into the database of the site."""
    now = datetime.now(UTC)
    with site.app_context():
        made = decisions(site, number, until or now, seed)
        while rows := list(islice(made, BATCH)):
            with db.engine.begin() as connection:
                connection.execute(insert(ConsentRecord), rows)
        while seal and seal_open_records(now, current_app.config["CONSENT_SEAL_RECORDS"]):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("number", type=int, help="how many decisions")
    parser.add_argument("--seal", action="store_true", help="seal them")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(create_app(), options.number, seed=options.seed, seal=options.seal)


if __name__ == "__main__":
    main()
