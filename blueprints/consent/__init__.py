"""Consent, the heart of the house: ask, record, enforce.

`registry.toml` declares every purpose, service and cookie; `choices.py` holds the rules;
`services.py` writes them down. A choice comes in by `POST /cookies` and the paths below it, with or
without JavaScript, and nothing says "saved" before the record is committed.

The way of a choice, from the form to the record and back to the page:

views.choose, forms.ChoiceForm      what was pressed, on which notice: a grant, a refusal, or less
recording.save                      in its turn: what counted, what is answered, the record
choices.py, services.py             the rules for that, and the row of the log
taking_back.py, settling.py         where it cannot be written: a cookie says so; written later
visitor.current_choice              the next request: what counts of session and cookie
page_consent.py, enforcement.py     what its page may show and load, what its answer carries

And around it:

registry.py, cookies.py, parties.py what the site stores, by whom, for what
registry_checks.py, completeness.py what contradicts itself there, and what is missing
notices.py, notice_store.py         what was shown, word for word
digest.py, models.py, records.py    a record as it is written down, kept and read
coverage.py                         what has been added since a purpose was shown
known.py                            who comes back, for pages that are sent before Flask begins
continued_use.py, cookie_check.py   the `implied` model; whether the browser keeps cookies
"""

from blueprints.consent.setup import blueprint

__all__ = ["blueprint"]
