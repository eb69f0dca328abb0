"""Consent: ask, record, withdraw, prove.

`registry.toml` declares every purpose, service and cookie; `choices.py` holds the rules;
`services.py` is the only writer. There is one way in, `POST /cookies` and the paths below it,
with or without JavaScript, and nothing says "saved" before the record is committed.

log/       what proves a consent: digests, notices, seals, the verifier
own/       the visitor's own: history and receipt
audit/     the declared cookies against what a real browser sees
report/    numbers and dossiers for the operator
commands/  `flask consent ...`
"""

from blueprints.consent.setup import blueprint

__all__ = ["blueprint"]
