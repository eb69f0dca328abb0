"""The files that `flask deploy` prints, tried with the programs that read them."""

import getpass
import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from threading import Event
from time import monotonic, sleep, time
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

import another_city
import pytest
from certificate import certify
from conftest import MakeSite, leave_out
from documents import BLOCK, read
from registries import FILLED_IN, shipped_with
from served import ROOT, Served, free_port, serving

HOST = "www.example.pt"
Asked = tuple[int, dict[str, str], str]  # status, headers and content of an answer
Ask = partial[Asked]


def printed(make_site: MakeSite, what: str, **settings: object) -> str:
    runner = make_site(TRUSTED_HOSTS=HOST, **settings).test_cli_runner()
    result = runner.invoke(args=["deploy", what])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_without_a_name_nothing_is_printed(make_site: MakeSite) -> None:
    result = make_site().test_cli_runner().invoke(args=["deploy", "nginx"])
    assert result.exit_code == 2
    assert "FLASK_TRUSTED_HOSTS" in result.output


def test_systemd_takes_the_unit_and_finds_it_hardened(make_site: MakeSite, tmp_path: Path) -> None:
    systemd = shutil.which("systemd-analyze") or leave_out("systemd-analyze")
    unit = tmp_path / "microsite.service"
    own = another_city.write(tmp_path / "our 100% own")
    unit.write_text(printed(make_site, "systemd", **own))
    assert f'ExecStart="{sys.executable}" "{ROOT}/app.py"' in unit.read_text()
    assert "/root is\n# closed to it" in unit.read_text()  # It has an account of its own.
    for check in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        done = subprocess.run(  # noqa: S603 - our own file
            [systemd, *check, unit], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "microsite.service:" not in done.stderr  # nor a word about a line


@pytest.mark.parametrize("what", ["systemd", "timers", "container"])
def test_whatever_runs_the_site_is_told_of_the_operators_own_files(
    make_site: MakeSite, tmp_path: Path, what: str
) -> None:
    own = another_city.write(tmp_path / "our 100% $own")
    text = printed(make_site, what, **own)
    for name, file in own.items():
        in_a_unit = 'Environment="FLASK_{}={}"'.format(name, file.replace("%", "%%"))
        in_an_image = 'ENV FLASK_{}="{}"'.format(name, file.replace("$", "\\$"))
        assert f"\n{in_an_image if what == 'container' else in_a_unit}\n" in text
    if what == "container":  # and sees them, with what stands beside them
        run = shlex.split(text.splitlines()[0].partition("&& ")[2])
        folders = {str(tmp_path / "our 100% $own"), own["ARTICLES"]}
        assert {f"--volume={each}:{each}:ro" for each in folders} < set(run)


@pytest.mark.parametrize("what", ["systemd", "timers"])
def test_who_prints_a_service_is_told_what_it_cannot_reach(
    make_site: MakeSite, tmp_path: Path, what: str
) -> None:
    own = another_city.write(tmp_path / "own")
    closed = tmp_path / "own"
    for mode, count in ((0o700, 1), (0o711, 0)):
        closed.chmod(mode)
        runner = make_site(TRUSTED_HOSTS=HOST, **own).test_cli_runner()
        told = runner.invoke(args=["deploy", what]).stderr.splitlines()
        assert sum(f"may not enter {closed}:" in line for line in told) == count


def ask(
    port: int, certificate: Path, method: str, path: str, body: str = "", **headers: str
) -> Asked:
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False  # It is asked at its address.
    connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    sent = {"Host": f"{HOST}:{port}"} | {
        name.replace("__", "-"): value for name, value in headers.items()
    }
    connection.request(method, path, body or None, sent)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, content


def address_of(ask: Ask) -> str:
    return f"https://{HOST}:{ask.args[0]}"


def test_nginx_listens_on_the_port_that_the_name_of_the_site_has(make_site: MakeSite) -> None:
    runner = make_site(TRUSTED_HOSTS=f"{HOST}:8443").test_cli_runner()
    lines = [line.strip() for line in runner.invoke(args=["deploy", "nginx"]).output.splitlines()]
    assert {"listen 8443 ssl;", "listen [::]:8443 ssl;"} < set(lines)
    assert lines.count(f"server_name {HOST};") == 2
    assert f"ssl_certificate /etc/letsencrypt/live/{HOST}/fullchain.pem;" in lines
    assert f"return 301 https://{HOST}:8443$request_uri;" in lines


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("nginx", "server_name www.example.pt example.pt .example.org;"),
        ("caddy", "www.example.pt, example.pt {"),
        ("systemd", "FLASK_TRUSTED_HOSTS=www.example.pt,example.pt,.example.org "),
        ("container", "FLASK_TRUSTED_HOSTS=www.example.pt,example.pt,.example.org\n"),
    ],
)
def test_the_site_answers_under_all_its_names(make_site: MakeSite, what: str, line: str) -> None:
    runner = make_site(TRUSTED_HOSTS=f"{HOST},example.pt,.example.org").test_cli_runner()
    assert line in runner.invoke(args=["deploy", what]).output


def test_nginx_listens_on_the_ports_of_all_names(make_site: MakeSite) -> None:
    runner = make_site(TRUSTED_HOSTS=f"{HOST},example.pt:8443").test_cli_runner()
    lines = [line.strip() for line in runner.invoke(args=["deploy", "nginx"]).output.splitlines()]
    assert {"listen 443 ssl;", "listen 8443 ssl;", "listen [::]:8443 ssl;"} < set(lines)


@pytest.mark.parametrize("what", ["nginx", "caddy"])
def test_on_port_80_no_file_speaks_tls(make_site: MakeSite, what: str) -> None:
    runner = make_site(TRUSTED_HOSTS=f"{HOST},example.pt:80").test_cli_runner()
    result = runner.invoke(args=["deploy", what])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "On port 80 readers are led to https" in result.stderr


@pytest.mark.parametrize("what", ["systemd", "timers"])
def test_a_unit_names_a_checkout_with_a_percent_sign_and_refuses_what_it_cannot_name(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/100% ours")
    assert f'"{tmp_path}/100%% ours" ' in printed(make_site, what)
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/$ours")
    result = make_site(TRUSTED_HOSTS=HOST).test_cli_runner().invoke(args=["deploy", what])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "A unit cannot name a checkout with $" in result.stderr


def test_a_container_is_reached_through_the_proxy_alone(make_site: MakeSite) -> None:
    run = printed(make_site, "container", PORT=8080).splitlines()[0]
    assert " -p 127.0.0.1:8080:8000 " in run


@pytest.mark.parametrize("what", ["nginx", "caddy", "systemd", "container"])
def test_a_name_in_another_alphabet_is_written_as_browsers_send_it(
    make_site: MakeSite, what: str
) -> None:
    runner = make_site(TRUSTED_HOSTS="évora.example.pt").test_cli_runner()
    text = runner.invoke(args=["deploy", what]).output
    assert "xn--vora-9oa.example.pt" in text
    assert "évora" not in text


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def registry(tmp_path: Path) -> str:
    file = tmp_path / "registry.toml"
    file.write_text(shipped_with(*FILLED_IN), encoding="utf-8")
    return str(file)


@pytest.fixture
def sites(tmp_path: Path, registry: str) -> tuple[Served, Served]:
    """The site, and another one of the same settings that can stand in for it."""
    settings = {
        "CONSENT_REGISTRY": registry,
        "INSTANCE": str(tmp_path / "instance"),
        "PREFERRED_URL_SCHEME": "https",
        "PROXY_HOPS": "1",
        "TRUSTED_HOSTS": HOST,
        "ARTICLES": str(shutil.copytree(ROOT / "blueprints/article/texts", tmp_path / "texts")),
        "SHARED_CACHE_SECONDS": "2",
    }
    return Served(**settings), Served(**settings)


@pytest.fixture
def behind(
    make_site: MakeSite, tmp_path: Path, sites: tuple[Served, Served]
) -> Iterator[tuple[Ask, Served]]:
    """How to ask the site behind nginx, over TLS, and the site itself."""
    program = shutil.which("nginx") or leave_out("nginx")
    site, spare = sites
    certificate, _key = certify(tmp_path, HOST)
    port, plain = free_port(), free_port()
    text = printed(make_site, "nginx", PORT=site.port)
    for old, new in {
        f"/etc/letsencrypt/live/{HOST}": str(tmp_path),
        "/var/cache/nginx/microsite": f"{tmp_path}/cache",
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        f"server 127.0.0.1:{site.port + 1} ": f"server 127.0.0.1:{spare.port} ",
        "    listen [::]:443 ssl;\n": "",
        "    listen [::]:80;\n": "",
    }.items():
        assert old in text
        text = text.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"daemon off;\nuser {getpass.getuser()};\n"
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log {tmp_path}/access.log;\n{temporary}{text}}}\n"
    )
    subprocess.run([program, "-t", "-q", "-c", file], check=True)  # noqa: S603 - our own file
    site.start()
    running = subprocess.Popen([program, "-c", file])  # noqa: S603 - our own file
    try:
        until = monotonic() + 10
        while not listens(port) and monotonic() < until:
            sleep(0.05)
        yield partial(ask, port, certificate), site
    finally:
        running.terminate()
        running.wait()
        site.stop()


@contextmanager
def caddy(make_site: MakeSite, tmp_path: Path, site_port: int, spare_port: int) -> Iterator[Ask]:
    """Run Caddy before what listens on these ports, and tell how it is asked, over TLS."""
    program = shutil.which("caddy") or leave_out("caddy")
    certificate, key = certify(tmp_path, HOST)
    port = free_port()
    text = printed(make_site, "caddy", PORT=site_port)
    for old, new in {
        f"{HOST} {{\n": f"{HOST}:{port} {{\n\ttls {certificate} {key}\n",
        "{\n": f"{{\n\tadmin off\n\tauto_https off\n\tdefault_sni {HOST}\n",
        f"127.0.0.1:{site_port + 1} ": f"127.0.0.1:{spare_port} ",
    }.items():
        assert old in text
        text = text.replace(old, new, 1)
    file = tmp_path / "Caddyfile"
    file.write_text(text)
    of_the_file = ["--config", str(file), "--adapter", "caddyfile"]
    own = os.environ | {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    subprocess.run([program, "validate", *of_the_file], check=True, capture_output=True, env=own)  # noqa: S603 - our own file
    with (tmp_path / "caddy.log").open("w") as log:
        running = subprocess.Popen(  # noqa: S603 - our own file
            [program, "run", *of_the_file], env=own, stderr=log
        )
    try:
        until = monotonic() + 10
        while not listens(port) and monotonic() < until:
            sleep(0.05)
        yield partial(ask, port, certificate)
    finally:
        running.terminate()
        running.wait()


@pytest.fixture
def behind_caddy(
    make_site: MakeSite, tmp_path: Path, sites: tuple[Served, Served]
) -> Iterator[Ask]:
    """How to ask the site behind Caddy, over TLS."""
    site, spare = sites
    site.start()
    try:
        with caddy(make_site, tmp_path, site.port, spare.port) as asked:
            yield asked
    finally:
        site.stop()


@pytest.mark.slow
def test_a_choice_is_made_through_nginx_over_tls(
    behind: tuple[Ask, Served], tmp_path: Path
) -> None:
    ask, site = behind
    make_a_choice(ask)
    assert ask("POST", "/cookies", "x" * 2_000_000)[0] == 413
    site.stop()
    assert ask("GET", "/privacy", Cookie="a=b")[0] == 502
    for log in ("access.log", "error.log"):
        assert "127.0.0.1" not in (tmp_path / log).read_text(), "nobody is told who read what"


@pytest.mark.slow
def test_a_choice_is_made_through_caddy_over_tls(
    behind_caddy: Ask, tmp_path: Path, sites: tuple[Served, Served]
) -> None:
    make_a_choice(behind_caddy)
    sites[0].stop()
    assert behind_caddy("GET", "/privacy")[0] in {502, 503}
    told = (tmp_path / "caddy.log").read_text()
    assert "serving initial configuration" in told
    assert "HTTP request failed" not in told, "that nobody listens on the second port"
    assert "remote_ip" not in told, "nobody is told who read what"


@pytest.mark.slow
def test_what_one_client_sends_through_caddy_ends_the_site_for_nobody(behind_caddy: Ask) -> None:
    form = {"Content__Type": "application/x-www-form-urlencoded"}
    origin = {"Origin": address_of(behind_caddy)}
    for _ in range(3):
        behind_caddy("POST", "/cookies", "choice=" + "x" * 20_000, **form, **origin)
        assert behind_caddy("GET", "/")[0] == 200
    # A receipt may be that large.
    number = "number=" + "0" * 40_000
    assert behind_caddy("POST", "/cookies/records", number, **form, **origin)[0] == 400


@pytest.mark.slow
def test_caddy_keeps_a_slow_body_to_itself_until_it_is_whole(
    make_site: MakeSite, tmp_path: Path
) -> None:
    bodies: list[bytes] = []

    def told(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            bodies.append(b"")  # as soon as it is told of one
            bodies[-1] = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start("200 OK", [])
        return []

    with serving(told) as address:
        port = int(address.rpartition(":")[2])
        with caddy(make_site, tmp_path, port, free_port()) as asked:
            assert asked("GET", "/")[0] == 200
            context = ssl.create_default_context(cafile=str(asked.args[1]))
            context.check_hostname = False
            connection = HTTPSConnection("127.0.0.1", asked.args[0], context=context, timeout=10)
            connection.putrequest("POST", "/cookies", skip_host=True)
            connection.putheader("Host", f"{HOST}:{asked.args[0]}")
            connection.putheader("Content-Length", "13")
            connection.endheaders(b"choice=")
            sleep(1)
            assert bodies == []
            connection.send(b"reject")
            assert connection.getresponse().status == 200
            connection.close()
    assert bodies == [b"choice=reject"]


def make_a_choice(ask: Ask) -> None:
    status, headers, content = ask("GET", "/")
    assert status == 200
    assert f'rel="canonical" href="{address_of(ask)}/' in content  # with its port
    assert headers["strict-transport-security"] == "max-age=63072000"
    form = {"Content__Type": "application/x-www-form-urlencoded"}
    origin = {"Origin": address_of(ask)}
    choice = urlencode({"choice": "reject", "next": "/"})
    status, headers, _content = ask("POST", "/cookies", choice, **form, **origin)
    assert status == 303
    assert headers["set-cookie"].startswith("__Host-session=")
    session = headers["set-cookie"].partition(";")[0]
    assert ask("GET", "/cookies/receipt", Cookie=session)[0] == 200
    # What a client says of itself does not get through.
    assert ask("GET", "/", X__Forwarded__Host="evil.example")[0] == 200
    for name in ("X_Forwarded_Host", "X__Forwarded_Host", "X_Forwarded__Host"):
        assert ask("GET", "/", **{name: "evil.example"})[0] == 200
    for name in ("X_Forwarded_Port", "X__Forwarded_Port", "X_Forwarded__Port"):
        assert ":4711" not in ask("GET", "/", **{name: "4711"})[2]
    assert ask("POST", "/cookies", choice, **form, Origin="https://evil.example")[0] == 403


@pytest.mark.slow
def test_what_everybody_sees_comes_from_the_cache_of_nginx_and_nothing_else_does(
    behind: tuple[Ask, Served], tmp_path: Path
) -> None:
    ask, site = behind
    form = {"Content__Type": "application/x-www-form-urlencoded", "Origin": address_of(ask)}
    _status, headers, first = ask("GET", "/")
    assert "s-maxage=2" in headers["cache-control"]
    session = {}
    for choice in ("reject", "accept_all"):
        headers = ask("POST", "/cookies", f"choice={choice}&next=/", **form)[1]
        session[choice] = headers["set-cookie"].partition(";")[0]
        ask("GET", "/", Cookie=session[choice])  # the confirmation
    pages = {choice: ask("GET", "/", Cookie=cookie)[2] for choice, cookie in session.items()}
    assert len({first, *pages.values()}) == 3
    for _ in range(2):
        assert ask("GET", "/")[2] == first
        for choice, cookie in session.items():
            assert ask("GET", "/", Cookie=cookie)[2] == pages[choice]
    # Nor is one kind of browser sent the page of another.
    assert "signal is honoured" in ask("GET", "/", Sec__GPC="1")[2]
    codings = [
        ask("HEAD", "/", Accept__Encoding=coding)[1].get("content-encoding")
        for coding in ("br", "gzip", "identity")
    ]
    assert codings == ["br", "gzip", None]
    assert ask("GET", "/")[2] == first
    assert 'lang="pt"' in ask("GET", "/pt/")[2]
    (text,) = (tmp_path / "texts/en").glob("*.md")
    text.write_text(text.read_text("utf-8").replace("title: Porto", "title: Gaia", 1), "utf-8")
    until = monotonic() + 20
    while "<h1>Gaia" not in ask("GET", "/")[2]:
        assert monotonic() < until, "a corrected text is seen"
        sleep(0.2)
    assert site.process is not None
    sleep(2)
    etag = ask("GET", "/")[1]["etag"]
    os.killpg(site.process.pid, signal.SIGSTOP)
    try:
        assert ask("GET", "/", If__None__Match=etag)[0] == 304
        assert "<h1>Gaia" in ask("GET", "/")[2], "it is the cache that answers"
    finally:
        os.killpg(site.process.pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_new_version_comes_in_without_a_failed_request(
    behind: tuple[Ask, Served], sites: tuple[Served, Served]
) -> None:
    ask, _site = behind
    first, spare = sites
    form = {"Content__Type": "application/x-www-form-urlencoded", "Origin": address_of(ask)}
    is_over = Event()

    def visit() -> list[int]:
        statuses = []
        while not is_over.is_set():
            statuses.append(ask("GET", "/", Cookie="a=b")[0])  # asked of the site, not the cache
            if len(statuses) < 100:  # fewer than the refusals that a client may send in a minute
                statuses.append(ask("POST", "/cookies", "choice=reject&next=/", **form)[0])
            is_over.wait(0.1)
        return statuses

    with ThreadPoolExecutor() as pool:
        visiting = pool.submit(visit)
        try:
            spare.start()
            first.stop()
            first.start()
        finally:
            spare.stop()
            is_over.set()
    statuses = visiting.result()
    assert set(statuses) == {200, 303}
    recorded = statuses.count(303)
    assert f"Intact: {recorded} records" in first.flask("consent", "verify").stdout


@pytest.mark.slow
@pytest.mark.parametrize("days", [30, 90])
def test_the_timers_are_taken_by_systemd_and_do_what_they_say(
    make_site: MakeSite, tmp_path: Path, days: int
) -> None:
    systemd = shutil.which("systemd-analyze") or leave_out("systemd-analyze")
    site = make_site(TRUSTED_HOSTS=HOST, CONSENT_BACKUP_DAYS=days)
    text = site.test_cli_runner().invoke(args=["deploy", "timers"]).stdout
    subprocess.run(["/bin/sh", "-s", tmp_path], input=text, text=True, check=True)  # noqa: S603 - our own file
    units = [tmp_path / f"microsite-daily.{kind}" for kind in ("service", "timer")]
    done = subprocess.run(  # noqa: S603 - our own files
        [systemd, "verify", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "microsite-daily" in done.stderr) == (0, False), done.stderr
    hardened = [systemd, "security", "--offline=true", "--threshold=20", str(units[0])]
    subprocess.run(hardened, check=True, capture_output=True)  # noqa: S603 - our own file
    unit = units[0].read_text(encoding="utf-8")
    # Each page and unit has the days from here, and /etc/microsite.env may say others to all.
    said = f"FLASK_CONSENT_BACKUP_DAYS={days}"
    for text in (unit, printed(make_site, "systemd", CONSENT_BACKUP_DAYS=days)):
        assert text.index(f"\nEnvironment={said}\n") < text.index("\nEnvironmentFile=")
    own = os.environ | {"FLASK_INSTANCE": str(tmp_path / "own")} | dict([said.split("=")])
    migrate = [sys.executable, "-m", "flask", "db", "upgrade"]
    subprocess.run(migrate, cwd=ROOT, env=own, check=True, capture_output=True)  # noqa: S603 - our own words
    (tmp_path / "own/backups").mkdir()
    # The last one is what a backup that was killed leaves behind.
    names = ("old.db", "older.db", "older.db.4711")
    old, older, killed = (tmp_path / "own/backups" / name for name in names)
    ages = ((old, days - 1.5), (older, days - 0.5), (killed, days - 0.5))
    for file, age in ages:  # It goes before it is that old.
        file.touch()
        os.utime(file, (time() - age * 86_400,) * 2)
    steps = [line.partition("=") for line in unit.splitlines() if line.startswith("Exec")]
    assert [kind for kind, _, _ in steps] == [*["ExecStart"] * 3, "ExecStopPost"]
    assert "-delete" in steps[-1][2]  # also where a step before it has failed
    starts = [start for _, _, start in steps]
    for start in starts:  # As systemd reads them: %% is a per cent sign, and $$ a dollar.
        command = start.replace("%%", "%").replace("$$", "$")
        command = command.replace("/var/lib/microsite", str(tmp_path / "own"))
        subprocess.run(command, shell=True, cwd=ROOT, env=own, check=True, capture_output=True)  # noqa: S602 - our own words
    assert old.exists()
    assert not older.exists()
    assert not killed.exists()
    (backup,) = set((tmp_path / "own/backups").iterdir()) - {old}
    assert backup.stat().st_mode & 0o777 == 0o600
    # A site that has moved to PostgreSQL: the timer of before copies nothing, and says so.
    moved = own | {"FLASK_SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://127.0.0.1:1/site"}
    command = starts[2].replace("%%", "%").replace("$$", "$")
    command = command.replace("/var/lib/microsite", str(tmp_path / "own"))
    night = ["/bin/sh", "-c", command]
    copied = subprocess.run(night, cwd=ROOT, env=moved, check=False, capture_output=True)  # noqa: S603 - our own words
    assert copied.returncode != 0
    assert copied.stdout.startswith(b"pg_dump ")
    site.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+psycopg://site@db.example/site"
    text = site.test_cli_runner().invoke(args=["deploy", "timers"]).stdout
    assert "consent purge" in text
    assert "consent backup" not in text
    assert "embedded database is copied" not in text


def test_both_services_read_the_settings_that_are_not_printed(make_site: MakeSite) -> None:
    """Where the database is, for one: or the site would begin an embedded one, and say nothing."""
    uri = "postgresql+psycopg://site:password@db.example/site"
    site = make_site(TRUSTED_HOSTS=HOST)
    site.config["SQLALCHEMY_DATABASE_URI"] = uri
    for what in ("systemd", "timers"):
        text = site.test_cli_runner().invoke(args=["deploy", what]).output
        assert "\nEnvironmentFile=-/etc/microsite.env\n" in text
        assert "password" not in text  # Everybody may read a unit.


def test_nginx_finds_the_folder_of_its_cache_where_debian_has_none(make_site: MakeSite) -> None:
    text = printed(make_site, "nginx")
    assert "proxy_cache_path /var/cache/nginx/microsite " in text
    for said in (
        text,
        (ROOT / "README.md").read_text(encoding="utf-8"),
        (ROOT / "blueprints/serving/ON_LINE.md").read_text(encoding="utf-8"),
    ):
        assert "mkdir -p /var/cache/nginx" in said


@pytest.mark.parametrize("document", ["README.md", "blueprints/serving/ON_LINE.md"])
def test_what_is_to_be_typed_starts_whatever_it_has_printed(tmp_path: Path, document: str) -> None:
    (block,) = (
        block for block in BLOCK.findall(read(ROOT / document)) if "deploy systemd" in block
    )
    units, nginx = tmp_path / "etc/systemd/system", tmp_path / "etc/nginx/conf.d"
    for folder in (units, nginx, tmp_path / "bin"):
        folder.mkdir(parents=True)
    for name in ("systemctl", "nginx"):  # each notes how it is called
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/called\n')
        program.chmod(0o700)
    text = "\n".join(block.splitlines()[1:-1])
    for old, new in {
        ".venv/bin/flask": f"{sys.executable} -m flask",
        "/etc/": f"{tmp_path}/etc/",
        "/var/": f"{tmp_path}/var/",
        "| sh": f"| sh -s {units}",
    }.items():
        text = text.replace(old, new)
    own = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    subprocess.run(["/bin/sh", "-euc", text], cwd=ROOT, env=own, check=True)  # noqa: S603 - our own words
    called = (tmp_path / "called").read_text().splitlines()
    assert called[-2:] == ["nginx -t", "systemctl reload nginx"]
    begun = {
        word.removesuffix(".service")
        for call in called[:-2]
        for word in call.removeprefix("systemctl enable --now ").split()
    }
    to_begin = {file for file in units.iterdir() if "\n[Install]\n" in file.read_text()}
    assert {file.name.removesuffix(".service") for file in to_begin} <= begun
    assert called[0] == "systemctl daemon-reload"


@pytest.mark.slow
def test_each_step_of_the_container_file_can_be_done(
    make_site: MakeSite, tmp_path: Path, registry: str
) -> None:
    text = printed(make_site, "container")
    steps = [line.partition(" ")[::2] for line in text.splitlines() if line[:1] not in {"#", ""}]
    for _copy, what in (step for step in steps if step[0] == "COPY"):
        assert all((ROOT / name).exists() for name in what.split()[:-1]), what
    (run,) = (what for step, what in steps if step == "RUN")
    assert run.startswith("pip install --no-cache-dir '.[postgresql,redis]'")
    own = dict(pair.split("=", 1) for step, what in steps if step == "ENV" for pair in what.split())
    assert own["FLASK_TRUSTED_HOSTS"] == HOST
    port = free_port()
    own |= {"FLASK_INSTANCE": str(tmp_path / "data"), "FLASK_PORT": str(port)}
    own |= {"FLASK_CONSENT_REGISTRY": registry}
    asked, begun = (
        json.loads(next(what for step, what in steps if step == name).removeprefix("CMD "))
        for name in ("HEALTHCHECK", "CMD")
    )
    asked[2] = asked[2].replace("8000", str(port))
    site = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, *begun[1:]], cwd=ROOT, env=os.environ | own, stdout=subprocess.DEVNULL
    )
    try:
        until = monotonic() + 30
        while not listens(port) and monotonic() < until:
            sleep(0.1)
        healthy = [sys.executable, *asked[1:]]
        assert subprocess.run(healthy, check=False).returncode == 0  # noqa: S603 - our own words
    finally:
        site.terminate()
        site.wait()
