"""What is sent: near to what browsers send, with some of it replaced by what has broken sites.

Text that is only random is refused at the door and finds nothing, so names are real, and values are
mostly real ones, nasty ones, or both joined. The same requests go into the site and over a socket.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlencode

from flask import Flask, url_for
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

MARK = '"><i id=fuzz>'  # must never come back as it is
SPLIT = "\r\nX-Fuzz: 1"  # must never become a header
NASTY = [
    *("", " ", "\0", "\t", "\x7f", "\x85", "\ufeff", "\u2028", "é", "😀", "²", "٣", "½", "\ud800"),
    *(MARK, SPLIT, "'", "{{7*7}}", "%", "%00", "%ff", "%0d%0aX-Fuzz:%201", "%2e%2e/", "%25s"),
    *("9" * 4301, "9" * 19, "٣" * 20, "-1", "0", "1e999", "NaN", "null", "{}", "[]", "a" * 5000),
    *("..", "../..", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http://[::1"),
    *("a..b", ".a", "a" * 64, "a." * 30 + "pt", "xn--a", "xn--", "[::1]", "[::::]", "x:99999"),
    *("=", ";", ",", "*", ":", "/", "//", "?", "#", "&", "W/", '"', "bytes=", "a/" * 150),
]
ENDLESS_DATES = [
    f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT",
    f"Mon, 01 Jan 2020 00:00:00 +{'9' * 20}",
    *("Thu, 99 Nov 99999 00:00:00 GMT", "Thu, 1 Jan 0001 00:00:00 +9999"),
]
HEADERS = {
    "Host": ["localhost", "www.example.pt", "a.b.example.pt:443", "[::1]:80", "127.0.0.1:8000"],
    "Origin": ["http://localhost", "https://www.example.pt", "null", "http://localhost:99999"],
    "Referer": ["http://localhost/articles/film", "http://localhost/cookies?next=/", "about:blank"],
    "Sec-Fetch-Site": ["same-origin", "none", "cross-site", "same-site"],
    "Sec-Fetch-Mode": ["navigate", "cors"],
    "Sec-GPC": ["1", "0", "1, 1"],
    "X-Forwarded-For": ["192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "fe80::1%eth0", "a, b"],
    "X-Forwarded-Proto": ["http", "https", "https, http", "ftp"],
    "X-Forwarded-Host": ["www.example.pt", "localhost, a", "www.example.pt:8443"],
    "X-Forwarded-Port": ["443", "8211", "80, 443", "99999"],
    "X-Forwarded-Prefix": ["/x", "/"],
    "Forwarded": ["for=192.0.2.1;host=evil.example"],
    "Accept": ["text/html", "application/json", "*/*;q=0.1", "text/html;q=1e999", "a/b;q=-1"],
    "Accept-Encoding": ["br", "gzip", "identity;q=0", "*;q=0", "gzip;q=NaN", "br;q=0.5, gzip"],
    "Accept-Language": ["pt-PT", "x-y;q=9"],
    "If-None-Match": ['"abc"', 'W/"abc"', "*", '"'],
    "If-Match": ['"abc"', "*"],
    "If-Modified-Since": ["Thu, 26 Nov 2026 00:00:00 GMT", *ENDLESS_DATES],
    "If-Unmodified-Since": ["Thu, 01 Jan 1970 00:00:00 GMT", *ENDLESS_DATES],
    "If-Range": ['"abc"', "Thu, 26 Nov 2026 00:00:00 GMT", *ENDLESS_DATES],
    "Range": ["bytes=0-1", "bytes=-1", "bytes=9-1", "bytes=0-1,3-4", "bytes=0-0,-1", "lines=1-2"],
    "Content-Type": ["text/plain", "multipart/form-data; boundary=", "a/b; charset=utf-7", "x"],
    "Content-Length": ["0", "1", "99999999", "+1", "1_0", "0x1", "1, 1"],
    "Content-Encoding": ["gzip"],
    "Transfer-Encoding": ["chunked", "identity"],
    "Authorization": ["Basic x", "Basic w6k=", "Digest a=", "Bearer x"],
    "X-HTTP-Method-Override": ["DELETE"],
    "Expect": ["100-continue"],
    "User-Agent": ["Mozilla/5.0"],
}
COOKIES = {
    "session": ["x", "a" * 43],
    "withdrawal": ["banner.reject", "settings.withdraw:advertising", "settings.reject:x:y", "x"],
    "preferences": ["size=large&theme=dark&at=film:3", "at=long:2&at=long:99999", "size=x", "at="],
    "interests": ["smart-cities.jobs", ".".join("abcdefghijklmnop"), "a" * 4000],
    "_pt_id": ["1"],
    "_pk_id.1.1fff": ["a"],
    "_ga": ["GA1.1.1.1"],
}
FIELDS = {
    "choice": ["accept_all", "accept_selected", "reject"],
    "purposes": ["personalization", "advertising", "necessary"],
    "not_asked": ["advertising", "x"],
    "next": ["/", "/articles/film", "/pt/cookies?next=/", "/articles/a%20b#p5"],
    "notice": ["0" * 64],
    "csrf_token": ["x"],
    "purpose": ["personalization", "advertising"],
    "service": ["player", "pixel"],
    "size": ["large", "normal"],
    "theme": ["dark", "auto"],
    "slug": ["film", "long"],
    "place": ["3", "0", "999", "1000"],
    "before": ["2", "1"],
}
FORMS = {
    "consent.choose": ("choice", "purposes", "not_asked", "next", "notice"),
    "consent.allow": ("purpose", "next"),
    "article.article_with_embed": ("service",),
    "article.change_look": ("size", "theme", "next"),
    "article.remember_place": ("slug", "place"),
}
REFUSED = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
METHODS = ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "X" * 99]


@dataclass(frozen=True)
class Sent:
    method: str
    target: str  # path and query as they stand in the request line
    headers: list[tuple[str, str]]
    body: bytes

    def environ(self) -> dict[str, str]:
        """Return what the server makes of the request; what it refuses is left out."""
        path, _, query = REFUSED.sub("", self.target).partition("?")
        path = unquote_to_bytes(raw(path)).decode("latin-1")
        found = {"REQUEST_METHOD": self.method, "PATH_INFO": path}
        found["QUERY_STRING"] = raw(query).decode("latin-1")
        for name, value in self.headers:
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            found[key] = raw(REFUSED.sub("", value).strip()).decode("latin-1")
        return found

    def on_the_wire(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return b"\r\n".join([*map(raw, lines), b"", self.body])


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


rubbish = st.sampled_from(NASTY) | st.text(max_size=20)


def near(real: list[str]) -> SearchStrategy[str]:
    """Return something real, something nasty, or both joined."""
    valid = st.sampled_from(real)
    joined = st.builds(str.__add__, valid, rubbish) | st.builds(str.__add__, rubbish, valid)
    return valid | valid | joined | rubbish


def pairs(known: dict[str, list[str]], at_most: int) -> SearchStrategy[list[tuple[str, str]]]:
    pair = st.one_of([st.tuples(st.just(name), near(real)) for name, real in known.items()])
    return st.lists(pair | st.tuples(rubbish, rubbish), max_size=at_most)


PART = near(["1", "x"])
SOME_HEADERS = pairs(HEADERS, 4)


class Requests:
    """Near-valid requests for every route of a site; it has these sessions and notices."""

    def __init__(self, site: Flask, sessions: list[str], notices: list[str]) -> None:
        self._site = site
        rules = site.url_map.iter_rules()
        self._routes = sorted(
            {(rule.rule, rule.endpoint, m) for rule in rules for m in rule.methods or ()}
        )
        prefix = site.config["SESSION_COOKIE_NAME"].removesuffix("session")
        known = COOKIES | {"session": [*sessions, *sessions, *COOKIES["session"]]}
        ours = {"session", "withdrawal", "preferences", "interests"}
        self._cookies = {prefix + n if n in ours else n: values for n, values in known.items()}
        self._fields = FIELDS | {"notice": [*notices, *FIELDS["notice"]]}
        # Made once: a strategy that is new for each draw takes longer than the request.
        self._some_cookies, self._query = pairs(self._cookies, 4), pairs(self._fields, 3)
        self._bodies = {endpoint: self._body(endpoint) for _, endpoint, _ in self._routes}
        with site.test_request_context():
            _, _, digest, *_ = url_for("static", filename="x").split("/")
        self._parts = {
            "digest": near([digest]),
            "slug": near(["film", "long", "x"]),
            "notice_id": near([*notices, "0" * 64]),
            "filename": near(["css/site.css", "js/consent.js", "img/favicon.ico", "../app.py"]),
        }

    def _part(self, name: str) -> SearchStrategy[str]:
        return self._parts.get(name, PART)

    @property
    def strategy(self) -> SearchStrategy[Sent]:
        return st.composite(self._draw)()

    def _draw(self, draw: DrawFn) -> Sent:
        rule, endpoint, method = draw(st.sampled_from(self._routes))
        if draw(st.integers(0, 19)) == 0:
            method = draw(st.sampled_from(METHODS))
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: draw(self._part(part[1])), rule)
        if draw(st.integers(0, 9)) == 0:
            path = draw(near([path, path + "/", path.upper(), "/pt" + path, "/" + path]))
        if draw(st.integers(0, 4)):  # Else it goes as it is, which no browser does.
            path = quote(raw(path), safe="/%")
        query = urlencode(draw(self._query), errors="surrogatepass")
        query = draw(st.sampled_from([query, query, ""]) | rubbish)
        headers = [("Host", "localhost"), ("Sec-Fetch-Site", "same-origin")]
        headers += [("X-Forwarded-For", draw(st.ip_addresses().map(str)))]
        cookies = draw(self._some_cookies) * draw(st.sampled_from([1, 1, 1, 1, 1, 20]))
        if cookies:
            headers += [("Cookie", "; ".join(f"{name}={value}" for name, value in cookies))]
        body, kind = draw(self._bodies[endpoint]) if method == "POST" else (b"", "")
        if kind:
            headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
        headers = list(dict(headers + draw(SOME_HEADERS)).items())
        return Sent(method, path + "?" * bool(query) + query, headers, body)

    def _body(self, endpoint: str) -> SearchStrategy[tuple[bytes, str]]:
        own = {name: self._fields[name] for name in FORMS.get(endpoint, ("csrf_token",))}
        right = st.tuples(*(st.tuples(st.just(n), st.sampled_from(v)) for n, v in own.items()))
        forms = right.map(list) | right.map(list) | pairs(own, 5) | pairs(self._fields, 5)
        return forms.flatmap(_encoded) | st.tuples(
            st.binary(max_size=60), st.sampled_from(HEADERS["Content-Type"])
        )


def _encoded(form: list[tuple[str, str]]) -> SearchStrategy[tuple[bytes, str]]:
    text = urlencode(form, errors="surrogatepass").encode()
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form
    ]
    as_form = st.just((text, "application/x-www-form-urlencoded"))
    as_parts = st.just((raw("".join([*parts, "--b--\r\n"])), "multipart/form-data; boundary=b"))
    return as_form | as_form | as_parts
