"""The rooms of the house. Each folder is one Flask Blueprint; `app.py` registers them all.

From the top of the house down:

operator    how people choose, what was shown when, what a browser really sees
rights      what is a visitor's own: history, receipt, erasure, retention
proof       the tamper-evident log: seals, heads, the verifier
consent     the heart: ask, record, enforce
sessions    server-side sessions, one per visitor, made at the first choice and changed in place
database    the SQLAlchemy object, the base of all models, migrations
article     read the article
security    response headers, the Content-Security-Policy, the cross-origin check, caching, files
serving     settings, the site's own log, the production server: how it starts and stops
languages   English and Portuguese: addresses, translations, dates
site        what it is called, what it looks like
pages       error pages, health, the pages for machines, privacy and accessibility

Who may import whom: `app` imports every room, and nobody imports `app`. The first five import those
below them, down to `database`, and never those above: what a lower room has to tell it says as a
signal (`choice_recorded`). The other rooms import no room. `operator`, then `rights`, then `proof`
can be left out of the list in `app.py`, and the rest works. Inside a room `views -> forms,
services -> models, choices, registry`; `choices` and `registry` import only the standard library.
Rooms meet in templates, and in what `security` and `consent` offer on `flask.g`. What may not be
installed, or only some sites or commands need, is loaded by `import_module` where it is needed: a
worker would hold half as much again (`tests/whole_site/test_memory.py`).
`tests/whole_site/test_architecture.py` walks the imports.
"""
