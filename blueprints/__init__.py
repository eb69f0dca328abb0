"""The rooms of the house. Each folder is one Flask Blueprint; `app.py` registers them all.

article     read the article
consent     ask, record, withdraw, prove
sessions    server-side sessions that do not exist before a choice
database    the SQLAlchemy object, the base of all models, migrations
security    response headers, the Content-Security-Policy, the cross-origin check, caching, files
languages   English and Portuguese: addresses, translations, dates
pages       error pages, health, the pages for machines, privacy and accessibility

Who may import whom: `app` imports every room; `consent` and `sessions` import `database`; the
other rooms import no room; nobody imports `app`. Inside a room `views -> forms, services -> models,
choices, registry`; `choices` and `registry` import only the standard library. Rooms meet in
templates, and in what `security` and `consent` offer on `flask.g`.
`tests/whole_site/test_architecture.py` walks the imports.
"""
