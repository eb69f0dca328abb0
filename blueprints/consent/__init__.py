"""Consent: ask, record, withdraw, prove.

`registry.toml` declares every purpose, service and cookie; `choices.py` holds the rules;
`services.py` is the only writer. There is one way in, `POST /cookies` and the paths below it,
with or without JavaScript, and nothing says "saved" before the record is committed.

What proves it, from the bottom up: `notices.py` writes down what is shown, `digest.py` and
`merkle.py` make the numbers, `seals.py` closes the log, `log_rows.py` and `verifier.py` check it,
`erasure.py` and `retention.py` erase without breaking it. `flask consent` is in the `cli` modules.
"""

from blueprints.consent.setup import blueprint as blueprint

__all__ = ["blueprint"]
