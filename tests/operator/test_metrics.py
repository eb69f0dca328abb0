"""The numbers for Prometheus: those of all workers together, and of no visitor."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import time
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from conftest import MakeSite
from evidence import ARTICLE
from prometheus_client.parser import text_string_to_metric_families
from served import ROOT, WORKERS, Served, free_port, listening, patiently

pytestmark = pytest.mark.slow

WRONG = ["9090", "127.0.0.1", "localhost:9090", "127.0.0.1:0", "127.0.0.1:65536", "[::1:9090", ":9"]


class Asked(Served):
    """A served site, and who asks it for its numbers."""

    def __init__(self, folder: Path) -> None:
        self.database, self.metrics_port = folder / "site.db", free_port()
        self.settings = {
            "METRICS_ADDRESS": f"127.0.0.1:{self.metrics_port}",
            "SECRET_KEY": "k" * 32,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{self.database}",
            "INSTANCE": str(folder / "instance"),
        }
        super().__init__(**self.settings)

    def ask(self, path: str, data: dict[str, str] | None = None, **headers: str) -> int:
        body = urlencode(data).encode() if data else None
        request = Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urlopen(request, timeout=20) as answer:  # noqa: S310 - our own
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def text(self) -> str:
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=20) as answer:
            text: str = answer.read().decode()
        return text

    def numbers(self) -> dict[str, float]:
        return {
            " ".join(
                (sample.name.removeprefix("microsite_"), *sample.labels.values())
            ): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }


@pytest.fixture
def asked(make_site: MakeSite, tmp_path: Path) -> Iterator[Asked]:
    make_site()  # migrates the database
    asked = Asked(tmp_path)
    asked.start(TMPDIR=str(tmp_path))
    patiently(lambda: listening(asked.metrics_port) == WORKERS)
    yield asked
    asked.stop()
    assert not list(tmp_path.glob("metrics-*"))


def test_what_all_workers_did_is_added_up_and_outlives_them(asked: Asked) -> None:
    for _ in range(40):
        assert asked.ask(ARTICLE) == 200
    assert asked.ask("/nobody/knows/this?who=i-am-someone", Cookie="session=my-secret") == 404
    assert asked.ask("/cookies", {"choice": "nothing"}) == 400
    for choice in ("accept_all", "reject", "reject"):
        assert (
            asked.ask("/cookies", {"choice": choice, "next": "/"}, Accept="application/json") == 200
        )
    for _ in range(8):
        found = asked.numbers()
        assert found["requests_total article.article 200"] == 40
        assert found["requests_total none 404"] == 1
        assert found["requests_total consent.choose 400"] == 1
        assert found["requests_total consent.choose 200"] == 3
        assert 30 <= found["page_cache_hits_total"] <= 38
        assert found["choices_total banner.accept_all"] == 1
        assert found["choices_total banner.reject"] == 2
        assert found["open_records"] == 3
        assert 0 <= time() - found["oldest_open_record_timestamp_seconds"] < 60
        assert "last_seal_timestamp_seconds" not in found
    text = asked.text()
    for of_a_visitor in ("nobody", "someone", "my-secret", "session", ARTICLE, "127.0.0.1"):
        assert of_a_visitor not in text

    before = asked.workers()
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    patiently(lambda: not set(before) & set(asked.workers()) and listening(asked.metrics_port) == 2)
    for _ in range(10):
        assert asked.ask(ARTICLE) == 200
    for _ in range(4):
        assert asked.numbers()["requests_total article.article 200"] == 50
    (folder,) = asked.database.parent.glob("metrics-*")
    assert len(list(folder.glob("*.db"))) == 2


def failures(found: dict[str, float]) -> dict[str, float]:
    return {name: found[name] for name in found if name.startswith("store_errors_total")}


def test_failures_of_each_store_are_told_as_none_before_the_first(
    asked: Asked, redis_url: str
) -> None:
    stores = ["database", "database_for_writing", "limits"]
    assert failures(asked.numbers()) == {f"store_errors_total {name}": 0 for name in stores}
    stores += ["redis", "redis_for_changes"]
    for url in (redis_url, f"redis://127.0.0.1:{free_port()}/0"):
        asked.stop()
        asked.start(TMPDIR=str(asked.database.parent), FLASK_REDIS_URL=url)
        patiently(lambda: listening(asked.metrics_port) == WORKERS)
        asked.ask("/cookies", {"choice": "reject"})
        found = failures(asked.numbers())
        assert found.keys() == {f"store_errors_total {name}" for name in stores}
        assert any(found.values()) == (url != redis_url)


def test_a_store_that_fails_is_counted_and_what_it_knows_is_left_out(asked: Asked) -> None:
    before = asked.numbers()
    assert "open_records" in before
    for file in asked.database.parent.glob("site.db*"):
        file.unlink()
    assert asked.ask("/cookies", {"choice": "reject"}) == 503
    found = asked.numbers()
    assert found["store_errors_total database_for_writing"] >= 1
    assert failures(found).keys() == failures(before).keys()
    assert "open_records" not in found
    assert found["choices_total banner.reject"] == 0


def test_who_asks_for_the_numbers_and_goes_silent_holds_up_nobody(asked: Asked) -> None:
    silent = [socket.create_connection(("127.0.0.1", asked.metrics_port)) for _ in range(4)]
    assert asked.ask(ARTICLE) == 200
    patiently(lambda: asked.numbers()["requests_total article.article 200"] == 1)
    for connection in silent:
        connection.close()


def test_an_address_that_is_taken_stops_the_start(asked: Asked) -> None:
    settings = {f"FLASK_{name}": value for name, value in asked.settings.items()}
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, ROOT / "app.py"],
        env=os.environ | settings | {"FLASK_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    told = "FLASK_METRICS_ADDRESS cannot be used, 127.0.0.1 port [0-9]+: Address already in use."
    assert re.fullmatch(told, done.stderr.strip())


@pytest.mark.parametrize("address", WRONG)
def test_an_address_that_is_none_stops_the_start(make_site: MakeSite, address: str) -> None:
    with pytest.raises(
        SystemExit, match=r"FLASK_METRICS_ADDRESS must be an IP address with a port"
    ):
        make_site(METRICS_ADDRESS=address)


SETTINGS = {"SECRET_KEY": "k" * 32, "SQLALCHEMY_DATABASE_URI": "sqlite:///"}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("address", [None, "127.0.0.1:9090"])
def test_the_library_is_loaded_only_where_it_is_wanted(address: str | None) -> None:
    make = f"app.create_app({SETTINGS | {'METRICS_ADDRESS': address}})"
    done = run_python(f"import sys, app; {make}; print('prometheus_client' in sys.modules)")
    assert done.stdout.strip() == str(address is not None)


def test_a_missing_library_is_told_with_its_extra() -> None:
    make = f"app.create_app({SETTINGS | {'METRICS_ADDRESS': '[::1]:9090'}})"
    done = run_python(f"import sys, app; sys.modules['prometheus_client'] = None; {make}")
    told = "FLASK_METRICS_ADDRESS needs a library: pip install '.[metrics]'."
    assert done.stderr.splitlines()[-1] == told
    assert "Traceback" not in done.stderr
