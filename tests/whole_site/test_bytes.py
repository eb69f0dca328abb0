"""The first view fits the first ten packets of a connection: 14,600 bytes in all, as sent."""

import pytest
from browserlike import Visitor
from conftest import MakeSite
from playwright.sync_api import Browser
from served import serving

BUDGET = 14_600  # ten packets of 1,460 bytes: the initial window of RFC 6928


@pytest.mark.parametrize("path", ["/", "/pt/"])
def test_the_first_view_fits_ten_packets(
    make_site: MakeSite, browser: Browser, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site()
    asked: list[str] = []
    with serving(site) as address:
        page = browser.new_page(base_url=address, viewport={"width": 390, "height": 844})
        page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
        page.goto(path, wait_until="networkidle")
        page.close()
    visitor = Visitor(site)
    icon = visitor.get(path).one("link", rel="icon").get("href") or ""
    files = list(dict.fromkeys([*asked, icon]))
    assert len(files) >= 5
    # gzip is what a browser accepts over plain HTTP; over TLS it accepts Brotli as well.
    sizes = {
        file: [len(visitor.raw_get(file, Accept_Encoding=coding).data) for coding in ("gzip", "br")]
        for file in files
    }
    totals = [sum(column) for column in zip(*sizes.values(), strict=True)]
    with capsys.disabled():
        print(f"\n  gzip Brotli  first view of {path}")  # noqa: T201 - for whoever watches
        for file, (gzipped, brotlied) in (sizes | {"in all": totals}).items():
            print(f"{gzipped:6} {brotlied:6}  {file}")  # noqa: T201
    assert max(totals) <= BUDGET
