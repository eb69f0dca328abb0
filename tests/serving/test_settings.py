"""What is set wrongly stops the start with one sentence, whatever kind of wrong it is."""

import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from conftest import MakeSite
from documents import README, read

from app import DEFAULTS, create_app

ROOT = Path(__file__).parents[2]
WORKING = {"SECRET_KEY": "k" * 32, "SQLALCHEMY_DATABASE_URI": "sqlite:///"}
# A secret may be of digits.
OF_ITS_KIND = {("SECRET_KEY", "-1.5"), ("SECRET_KEY_FALLBACKS", "[]"), ("DRAFTS", "true")}
OF_EVERY_KIND = ["true", "-1.5", "[]", '"a\\u0000b"', '"\\ud800"']


def sentence_of_start(**overrides: object) -> str:
    with pytest.raises(SystemExit) as stopped:
        create_app(WORKING | overrides)
    sentence = str(stopped.value)
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("value", OF_EVERY_KIND)
@pytest.mark.parametrize("name", [*chain(*DEFAULTS.values())])
def test_a_value_of_the_wrong_kind_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for setting, working in WORKING.items():
        monkeypatch.setenv(f"FLASK_{setting}", working)
    monkeypatch.setenv(f"FLASK_{name}", value)
    if (name, value) in OF_ITS_KIND:
        create_app()
        return
    with pytest.raises(SystemExit) as stopped:
        create_app()
    assert name in str(stopped.value)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("TRUSTED_HOST", "TRUSTED_HOSTS"),
        ("SQLALCHEMY_DATABASE_URL", "SQLALCHEMY_DATABASE_URI"),
        ("DATABASE_URI", "SQLALCHEMY_DATABASE_URI"),
        ("port", "PORT"),
        ("PORT__X", "PORT"),
        ("CONSENT_LIFETIME_MONTH", "CONSENT_LIFETIME_MONTHS"),
    ],
)
def test_a_misspelt_name_is_told_with_the_one_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    monkeypatch.setenv(f"FLASK_{misspelt}", "1")
    told = sentence_of_start()
    assert told == f"FLASK_{misspelt} is no setting of this site; did you mean FLASK_{meant}?"


def test_the_names_of_flask_itself_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APP", "DEBUG", "ENV", "RUN_PORT", "RUN_FROM_CLI", "SKIP_DOTENV"):
        monkeypatch.setenv(f"FLASK_{name}", "0")
    create_app(WORKING)


@pytest.mark.parametrize("name", ["SERVER_NAME", "TESTING", "SESSION_COOKIE_NAME"])
def test_a_name_that_readme_does_not_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"FLASK_{name}", "5")
    assert sentence_of_start().startswith(f"FLASK_{name} is no setting of this site")


NO_NAMES = ["a..b", "a" * 64 + ".pt", "%00"]
NO_ADDRESSES = [*NO_NAMES, "127.0.0.1:99999", "127.0.0.1:0", "[::1"]
STORES = [
    *(("REDIS_URL", f"redis://{host}/0") for host in NO_ADDRESSES),
    *(("SQLALCHEMY_DATABASE_URI", f"postgresql+psycopg://u@{host}/n") for host in NO_ADDRESSES),
    *(("SQLALCHEMY_DATABASE_URI", f"postgresql+psycopg://u@/n?host={host}") for host in NO_NAMES),
]


@pytest.mark.parametrize(("name", "address"), STORES)
def test_a_store_at_a_host_that_cannot_be_is_refused(name: str, address: str) -> None:
    told = sentence_of_start(**{name: address})
    assert told.startswith(f"FLASK_{name} must be an address with a possible host and port")


@pytest.mark.parametrize(
    "host",
    [
        "/var/run/a-folder.of-one/with-a-name-that-is-longer-than-any/label-of-a-host/",
        "/a/../b",
        "@x",
    ],
)
def test_a_database_may_be_at_a_socket(tmp_path: Path, host: str) -> None:
    address = f"postgresql+psycopg://u@/name?host={host}"
    site = create_app({**WORKING, "SQLALCHEMY_DATABASE_URI": address, "INSTANCE": str(tmp_path)})
    assert site.test_client().get("/").status_code == 200


@pytest.mark.parametrize("text", [None, "[[", "x = 3", f"x = {'9' * 4301}", "x = { y = 3 }"])
@pytest.mark.parametrize("name", ["CONSENT_NOTICE", "MESSAGES", "SITE", "TOPICS"])
def test_a_file_that_cannot_be_used_is_named_with_its_setting(
    tmp_path: Path, name: str, text: str | None
) -> None:
    file = tmp_path / "mine.toml"
    if text:
        file.write_text(text, encoding="utf-8")
    assert sentence_of_start(**{name: str(file)}).startswith(f"FLASK_{name}, mine.toml, is wrong: ")


@pytest.mark.parametrize(
    ("address", "option"),
    [
        ("postgresql+psycopg://site@127.0.0.1/site?autocommit=1", "autocommit"),
        ("postgresql+psycopg://site@127.0.0.1/site?sslmode=require&foo=1", "foo"),
        ("postgresql+psycopg://site@127.0.0.1/site?client_encoding=LATIN1", "client_encoding"),
        ("sqlite:////tmp/site.db?mode=ro", "mode"),
    ],
)
def test_an_option_that_a_database_has_not_is_refused(address: str, option: str) -> None:
    told = sentence_of_start(SQLALCHEMY_DATABASE_URI=address)
    assert told == f"FLASK_SQLALCHEMY_DATABASE_URI cannot be used: it has no option {option}."


def test_a_database_without_a_name_that_can_be_is_refused() -> None:
    told = sentence_of_start(SQLALCHEMY_DATABASE_URI="sqlite:////tmp/a%00b.db")
    assert told.startswith("FLASK_SQLALCHEMY_DATABASE_URI must be ")


@pytest.mark.parametrize("hops", [-1, 11, 10**20])
def test_proxies_are_few(hops: int) -> None:
    assert sentence_of_start(PROXY_HOPS=hops).startswith("FLASK_PROXY_HOPS must be ")


def test_a_shared_cache_keeps_a_page_for_an_hour_at_most(make_site: MakeSite) -> None:
    for seconds in (-1, 3601):
        told = sentence_of_start(SHARED_CACHE_SECONDS=seconds)
        assert told.startswith("FLASK_SHARED_CACHE_SECONDS must be ")
    for seconds in (0, 3600):
        sent = make_site(SHARED_CACHE_SECONDS=seconds).test_client().get("/").headers
        assert sent["Cache-Control"].endswith(f", s-maxage={seconds}")


@pytest.mark.parametrize(
    "address",
    [
        "redis://127.0.0.1:99999/0",
        "redis://127.0.0.1:x/0",
        "redis://127.0.0.1:0/0",
        "redis://127.0.0.1:6379/sessions",
        "redis://127.0.0.1:6379/99999999999",
        "redis://[::1",
        "//[::1",
        "redis://%2Ftmp%2Fredis.sock/0",
        "redis://one,two/0",
        "http://127.0.0.1:6379",
        "memory://",
        "nonsense",
    ],
)
def test_a_redis_address_that_cannot_be_is_refused(address: str) -> None:
    assert sentence_of_start(REDIS_URL=address).startswith("FLASK_REDIS_URL must be ")


@pytest.mark.parametrize(
    "option",
    [
        *("foo=1", "db=x", "socket_timeout=x", "socket_timeout=60", "decode_responses=true"),
        *("protocol=9", "retry=5", "ssl_foo=1", "ssl_cert_reqs=none"),
    ],
)
def test_an_option_of_redis_that_cannot_be_is_refused(option: str) -> None:
    told = sentence_of_start(REDIS_URL=f"redis://127.0.0.1:6379/0?{option}")
    name = option.partition("=")[0]
    assert told == f"FLASK_REDIS_URL has an option that cannot be: {name}."
    if name != "ssl_cert_reqs":
        told = sentence_of_start(REDIS_URL=f"rediss://127.0.0.1:6379/0?{option}")
        assert told == f"FLASK_REDIS_URL has an option that cannot be: {name}."


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "ssl_ca_certs=/etc/ssl/own.pem"])
def test_the_options_of_a_redis_behind_tls_are_taken(tmp_path: Path, option: str) -> None:
    url = f"rediss://127.0.0.1:6379/0?{option}"
    site = create_app(WORKING | {"REDIS_URL": url, "INSTANCE": str(tmp_path)})
    assert site.test_client().get("/").status_code == 200


@pytest.mark.parametrize(
    "hosts",
    [
        *("", ",", "a b", "https://www.example.pt", "www.example.pt,x..y", "*"),
        *(
            "-",
            "a_b.pt",
            "-a.pt",
            "a-.pt",
            "www.example.pt:08443",
            "www.example.pt:0",
            "www.example.pt:65536",
            "[::1]:123456",
        ),
        *([""], ["a,b"], ["xn--ÿ"], [1]),
    ],
)
def test_trusted_hosts_are_names(hosts: object) -> None:
    assert sentence_of_start(TRUSTED_HOSTS=hosts).startswith("FLASK_TRUSTED_HOSTS must be ")


@pytest.mark.parametrize(
    "secrets", ["of-before", ["a", ""], ["a\nb"], [1], {"a": "b"}, ["a"] * 6, [["a"]]]
)
def test_secrets_before_are_a_list_of_texts(secrets: object) -> None:
    told = sentence_of_start(SECRET_KEY_FALLBACKS=secrets)
    assert told.startswith("FLASK_SECRET_KEY_FALLBACKS must be a JSON list of secrets")
    assert "of-before" not in told


def test_a_folder_without_an_article_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "none", tmp_path / "file"):
        assert sentence_of_start(ARTICLES=str(folder)).startswith("FLASK_ARTICLES must be ")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"a\x00b", None])
def test_a_kept_secret_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret_key"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    assert str(file) in sentence_of_start(SECRET_KEY=None, INSTANCE=str(tmp_path))


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_an_instance_folder_that_cannot_be_made_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    told = sentence_of_start(SECRET_KEY=None, INSTANCE=str(tmp_path / folder))
    assert str(tmp_path / folder) in told


def test_an_instance_folder_that_takes_no_file_is_named() -> None:
    assert "/proc/self/secret_key" in sentence_of_start(SECRET_KEY=None, INSTANCE="/proc/self")


def test_all_that_the_site_writes_goes_to_the_instance_folder(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    folder = tmp_path / "place" / "instance"
    make_site(INSTANCE=str(folder), SECRET_KEY=None, SQLALCHEMY_DATABASE_URI=None)
    assert {"secret_key", "site.db", "static"} <= {path.name for path in folder.iterdir()}
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.slow
def test_the_instance_folder_is_beside_the_program_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "import runpy, sys; sys.path.insert(0, sys.argv[1]);"
        "names = runpy.run_path(sys.argv[1] + '/app.py', run_name='__mp_main__');"
        "print(names['create_app']({'SECRET_KEY': 'k' * 32,"
        " 'SQLALCHEMY_DATABASE_URI': 'sqlite:///'}).instance_path)"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(ROOT / "instance")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver", "extra", "setting", "value"),
    [
        ("psycopg", "postgresql", "SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://127.0.0.1:1/x"),
        ("redis", "redis", "REDIS_URL", "redis://127.0.0.1:1/0"),
    ],
)
def test_a_missing_driver_is_told_with_its_extra(
    driver: str, extra: str, setting: str, value: str
) -> None:
    without = f"import sys; sys.modules[{driver!r}] = None; import app; "
    start = f"app.create_app({WORKING | {setting: value}!r})"
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", without + start],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"pip install '.[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_number_is_a_text_where_a_text_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLASK_METRICS_ADDRESS", "9090")
    with pytest.raises(SystemExit, match="must be an IP address with a port, such as"):
        create_app()


@pytest.mark.parametrize("command", [["consent", "verify"], ["deploy", "nginx"], ["db", "upgrade"]])
def test_a_command_ends_with_2_where_a_setting_is_wrong(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "flask", *command],
        check=False,
        cwd=ROOT,
        env=os.environ | {"FLASK_PORT": "0"},
        capture_output=True,
        text=True,
    )
    told = "FLASK_PORT must be a port number.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_an_older_python_is_told_before_anything_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (check,) = re.findall(r"^python3 -c '(.+)' &&$", read(README), re.MULTILINE)
    for version, status in (((3, 10, 14), "Python 3.11 or later is needed."), ((3, 11, 0), 0)):
        monkeypatch.setattr(sys, "version_info", version)
        with pytest.raises(SystemExit) as end:
            exec(check)  # noqa: S102 - README's own line
        assert end.value.code == status


@pytest.mark.parametrize("name", ["REDIS_URL", "SQLALCHEMY_DATABASE_URI", "INSTANCE", "ARTICLES"])
def test_an_empty_setting_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"FLASK_{name}", "")
    with pytest.raises(SystemExit, match=f"FLASK_{name} is empty: leave it out"):
        create_app()


@pytest.mark.parametrize("value", ["", '""', "null"])
@pytest.mark.parametrize("name", ["SECRET_KEY", "TRUSTED_HOSTS", "REDIS_URL", "HOST", "PORT"])
def test_an_empty_setting_of_any_kind_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FLASK_{name}", value)
    with pytest.raises(SystemExit, match=f"^FLASK_{name} "):
        create_app()


def test_a_host_may_have_any_alphabet_a_port_and_a_dot_before(make_site: MakeSite) -> None:
    hosts = ["WWW.example.pt", ".example.pt", "são-joão.pt", ".évora.pt:8443", "localhost:8000"]
    site = make_site(TRUSTED_HOSTS=hosts)
    sent = ["www.example.pt", ".example.pt", "xn--so-joo-3tae.pt", ".xn--vora-9oa.pt:8443"]
    assert site.config["TRUSTED_HOSTS"] == [*sent, "localhost:8000"]
