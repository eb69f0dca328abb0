"""Consent, the heart of the house: ask, record, enforce.

`registry.toml` declares every purpose, service and cookie; `choices.py` holds the rules;
`services.py` writes them down. There is one way in, `POST /cookies` and the paths below it,
with or without JavaScript, and nothing says "saved" before the record is committed.

registry.py, cookies.py             what the site stores, by whom, for what
choices.py                          pure: decision + registry + signals + now -> what counts
notices.py, notice_store.py         what was shown, word for word
digest.py, models.py, records.py    a record as it is written down, kept and read
forms.py, services.py               what can be sent; how the log is written
visitor.py, recording.py            who is at hand and where they stand; how their choice is kept
page_consent.py, enforcement.py     what a page may do, what an answer carries
views.py                            the pages
continued_use.py, cookie_check.py   the `implied` model; whether the browser keeps cookies
"""

from blueprints.consent.setup import blueprint

__all__ = ["blueprint"]
