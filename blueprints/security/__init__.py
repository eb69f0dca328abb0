"""What every answer must carry, and what no request may do. Read the folder and you have read
the policy.

request_head.py a head that everybody reads alike; /health and /ready under any host name
origin.py       a request that changes something must come from this site
headers.py      the headers of every answer, the Content-Security-Policy, who may keep a copy
first_view.py   the stylesheet in the page itself, for whoever comes for the first time
files.py        static files, each under an address that changes with its bytes
page_cache.py   pages that are the same for everybody in one state, kept ready to send
compression.py  what is made smaller on its way, and what never is
limits.py       how much and how often
counts.py       where it is counted how often

Other rooms speak to it on `flask.g`: `g.csp_sources` (directive -> set of hosts) widens the policy
of the response at hand; `g.count_grant()`, `g.count_first_refusal()` and `g.count_first_page()`
count what could fill the log, `g.count_number()` what could be guessing. A room whose pages may
change while the site runs says so by `app.extensions["page_cache"].depend_on(version)`. A view
whose page is the same for all visitors in one state says so by `g.page_state`, names in
`g.page_cookies` the cookies that everybody in it is sent, and its room says by `know_states_by()`
who is in it.
"""

from blueprints.security.setup import blueprint

__all__ = ["blueprint"]
