"""The files that `flask deploy` prints, tried with the programs that read them."""

import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode

import pytest
from conftest import MakeSite
from served import ROOT, Served, free_port

HOST = "www.example.pt"
Asked = tuple[int, dict[str, str], str]  # status, headers and content of an answer


def printed(make_site: MakeSite, what: str, **settings: object) -> str:
    runner = make_site(TRUSTED_HOSTS=HOST, **settings).test_cli_runner()
    result = runner.invoke(args=["deploy", what])
    assert result.exit_code == 0, result.output
    return result.output


def test_without_a_name_nothing_is_printed(make_site: MakeSite) -> None:
    result = make_site().test_cli_runner().invoke(args=["deploy", "nginx"])
    assert result.exit_code == 2
    assert "FLASK_TRUSTED_HOSTS" in result.output


def test_systemd_takes_the_unit_and_finds_it_hardened(make_site: MakeSite, tmp_path: Path) -> None:
    systemd = shutil.which("systemd-analyze") or pytest.skip("no systemd-analyze")
    unit = tmp_path / "microsite.service"
    unit.write_text(printed(make_site, "systemd"))
    assert f'ExecStart="{sys.executable}" "{ROOT}/app.py"' in unit.read_text()
    for check in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        done = subprocess.run(  # noqa: S603 - our own file
            [systemd, *check, unit], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "microsite.service:" not in done.stderr  # nor a word about a line


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def nginx(make_site: MakeSite, tmp_path: Path) -> Iterator[int]:
    """The site behind nginx, over TLS, on the port that is given."""
    program = shutil.which("nginx") or pytest.skip("no nginx")
    openssl = shutil.which("openssl") or pytest.skip("no openssl")
    site = Served(
        INSTANCE=str(tmp_path / "instance"),
        PREFERRED_URL_SCHEME="https",
        PROXY_HOPS="1",
        TRUSTED_HOSTS=HOST,
    )
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    name = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    command = [openssl, "req", *made, *name]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    port, plain = free_port(), free_port()
    text = printed(make_site, "nginx", PORT=site.port)
    for old, new in {
        f"/etc/letsencrypt/live/{HOST}": str(tmp_path),
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "listen 80;": f"listen 127.0.0.1:{plain};",
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
        f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    subprocess.run([program, "-t", "-q", "-c", file], check=True)  # noqa: S603 - our own file
    site.start()
    running = subprocess.Popen([program, "-c", file])  # noqa: S603 - our own file
    try:
        until = monotonic() + 10
        while not listens(port) and monotonic() < until:
            sleep(0.05)
        yield port
    finally:
        running.terminate()
        running.wait()
        site.stop()


@pytest.mark.slow
def test_a_choice_is_made_through_nginx_over_tls(nginx: int, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
    context.check_hostname = False  # It is asked at its address.

    def ask(method: str, path: str, body: str = "", **headers: str) -> Asked:
        connection = HTTPSConnection("127.0.0.1", nginx, context=context, timeout=10)
        sent = {"Host": f"{HOST}:{nginx}"} | {
            name.replace("__", "-"): value for name, value in headers.items()
        }
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, content

    status, headers, content = ask("GET", "/")
    assert status == 200
    assert f'rel="canonical" href="https://{HOST}:{nginx}/' in content  # with its port
    assert headers["strict-transport-security"] == "max-age=63072000"
    form = {"Content__Type": "application/x-www-form-urlencoded"}
    origin = {"Origin": f"https://{HOST}:{nginx}"}
    choice = urlencode({"choice": "reject", "next": "/"})
    status, headers, _content = ask("POST", "/cookies", choice, **form, **origin)
    assert status == 303
    assert headers["set-cookie"].startswith("__Host-session=")
    session = headers["set-cookie"].partition(";")[0]
    assert ask("GET", "/cookies/receipt", Cookie=session)[0] == 200
    # What a client says of itself does not get through.
    assert ask("GET", "/", X__Forwarded__Host="evil.example")[0] == 200
    assert ask("GET", "/", X_Forwarded_Host="evil.example")[0] == 200
    assert ask("POST", "/cookies", choice, **form, Origin="https://evil.example")[0] == 403
