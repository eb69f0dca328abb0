"""What a registry must hold together, each rule with its sentence."""

import re
from collections import Counter
from datetime import timedelta

from blueprints.consent.cookies import INTERESTS, LIFETIME, NEEDED, OURS, Cookie, duration
from blueprints.consent.parties import Controller, Text
from blueprints.consent.registry import CONSENT_MODE, Purpose, Registry, Service

LANGUAGES = ("en", "pt")
CONTROLLER = "{controller}"  # in the name or vendor of a service it stands for who runs the site
ID = re.compile(r"[a-z][a-z0-9_-]*")
ATTRIBUTE = re.compile(r"data-[a-z0-9-]+|id|defer|async|type|crossorigin")
TAG = re.compile(r"[A-Z]{1,3}-[A-Z0-9-]{4,20}")
COOKIE_PATH = re.compile(r"(?=.{1,64}$)/[A-Za-z0-9._~/-]*")
COUNTRY = re.compile(r"[A-Z]{2}")
COOKIE_NAME = re.compile(r"[!-:<>-~]{1,128}")  # what a browser can hold, and no tracker has more
OUTLIVE_THE_SESSION = ("localStorage", "indexedDB", "cache")
TERM = re.compile(r"[A-Z][A-Za-z0-9-]*")
# A loopback host may be plain: browsers trust it, and the tests have their partner there.
ORIGIN = re.compile(r"(https://[a-z0-9-]+(\.[a-z0-9-]+)+|http://(localhost|127\.0\.0\.1))(:\d+)?")
WORDS = {
    "storage": ("cookie", "localStorage", "sessionStorage", "indexedDB", "cache"),
    "party": ("first", "third"),
    "set_by": ("server", "script"),
}
UNJUSTIFIED = "strictly necessary without a justification"  # that a visitor could read
LONGEST = 500  # characters of a sentence, whatever words of the file it repeats
SHORT_AT_MOST = 60  # characters, of what stands in the banner on a phone
HOST_BYTES_AT_MOST = 1000  # of the 4 kB that a proxy holds of all headers
KINDS_OF_LOAD = ("script", "img", "frame", "connect", "style", "font", "media")
LONGEST_LIFETIME = timedelta(days=396)  # 13 months, as CNIL has it for what is optional


class RegistryError(ValueError):
    """The registry is broken or contradicts itself; the message is one sentence."""

    def __init__(self, sentence: str) -> None:
        if len(sentence) > LONGEST:
            sentence = f"{sentence[:LONGEST]}…"
        super().__init__(sentence)


def check(registry: Registry) -> None:
    """Raise RegistryError, naming the entry that is wrong."""
    _check_controller(registry.controller)
    if not registry.necessary_ids:
        raise RegistryError("there is no necessary purpose (optional = false)")
    _refuse_twice("purpose", [purpose.id for purpose in registry.purposes])
    for language in LANGUAGES:
        _refuse_twice("purpose", [purpose.name.get(language, "") for purpose in registry.purposes])
    _refuse_twice("service", [service.id for service in registry.services])
    for purpose in registry.purposes:
        _check_purpose(purpose)
    cookies = [cookie for service in registry.services for cookie in service.cookies]
    _refuse_twice("cookie", [cookie.name for cookie in cookies])
    _check_policy_length(registry)
    for service in registry.services:
        where, necessary = f"service '{service.id}'", service.purpose in registry.necessary_ids
        _check_id("service", service.id)
        _check_names(service, where)
        _check_country(service.country, where)
        if not necessary and service.purpose not in registry.optional_ids:
            raise RegistryError(f"{where} names the unknown purpose {service.purpose!r}")
        _check_hosts(service, where)
        _check_entry(service, where)
        _check_google(service, where)
        _check_text(service.safeguard, f"{where} safeguard")
        _check_text(service.justification, f"{where} justification")
        if necessary and service.hosts and not service.justification:
            raise RegistryError(f"{where} contacts others as {UNJUSTIFIED}")
        for cookie in service.cookies:
            _check_cookie(cookie, f"{where} cookie '{cookie.name}'", necessary=necessary)


def _check_controller(controller: Controller) -> None:
    _refuse_blank(controller.name, "the controller's name")
    for processor in controller.processors:
        where = f"processor '{processor.name}'"
        _refuse_blank(processor.name, "the name of a processor")
        _check_country(processor.country, where)
        _check_text(processor.task, f"{where} task")
        _check_text(processor.safeguard, f"{where} safeguard")
    try:
        _day = controller.dated_on
    except ValueError:
        raise RegistryError("the controller is dated with no day such as 2026-11-26") from None


def _check_purpose(purpose: Purpose) -> None:
    where = f"purpose '{purpose.id}'"
    _check_id("purpose", purpose.id)
    _check_text(purpose.name, f"{where} name")
    _check_text(purpose.description, f"{where} description")
    _check_text(purpose.short, f"{where} short")
    for language, words in (purpose.short or {}).items():
        if len(words) > SHORT_AT_MOST:
            raise RegistryError(
                f"{where} short.{language} is longer than {SHORT_AT_MOST} characters"
            )
    if purpose.meaning < 1:
        raise RegistryError(f"{where} meaning must be 1 or more")
    for term in (purpose.dpv, *purpose.personal_data):
        if not TERM.fullmatch(term):
            raise RegistryError(f"{where} names {term!r}, which is no DPV term")


def _check_policy_length(registry: Registry) -> None:
    """See that the hosts of all services fit the header of an answer, which a proxy must hold."""
    hosts = {
        (kind, host)
        for service in registry.services
        for kind, of_kind in service.hosts.items()
        for host in of_kind
    }
    if sum(len(f" {host}") for _kind, host in hosts) > HOST_BYTES_AT_MOST:
        raise RegistryError(f"all hosts together are longer than {HOST_BYTES_AT_MOST} bytes")


def _check_names(service: Service, where: str) -> None:
    for key in ("name", "vendor"):
        _refuse_blank(getattr(service, key), f"{where} {key}")
        if "{" in getattr(service, key).replace(CONTROLLER, ""):
            raise RegistryError(f"{where} has another brace than that of {CONTROLLER} in its {key}")


def _check_hosts(service: Service, where: str) -> None:
    for kind, hosts in service.hosts.items():
        if kind not in KINDS_OF_LOAD:
            raise RegistryError(f"{where} has hosts for {kind!r}, which is no kind of load")
        for host in hosts:
            if not ORIGIN.fullmatch(host):
                raise RegistryError(
                    f"{where} has the host '{host}', which is not an https origin without wildcard"
                )
    if service.hosts and not service.privacy.startswith("https://"):
        raise RegistryError(f"{where} has hosts of others, but no https 'privacy' address")


def _check_entry(service: Service, where: str) -> None:
    if len(service.ways) > 1:
        raise RegistryError(
            f"{where} enters by {' and '.join(service.ways)}: make a service of each"
        )
    for way in service.ways.values():
        origin = "/".join(way.address.split("/")[:3])
        if origin not in service.hosts.get(way.loaded_as, ()):
            host = f"{way.loaded_as} host"
            raise RegistryError(f"{where} loads {way.address}, but has no such {host}")
    if service.embed and "{id}" not in service.embed.address:
        raise RegistryError(f"{where} has an embed address without {{id}}")
    if service.embed and not (service.embed.width > 0 and service.embed.height > 0):
        raise RegistryError(f"{where} has an embed without width and height")
    for name in service.script.attributes if service.script else ():
        if not ATTRIBUTE.fullmatch(name):
            raise RegistryError(f"{where} has the script attribute {name!r}, which is not data-...")


def _check_google(service: Service, where: str) -> None:
    for name in service.consent_mode:
        if name not in CONSENT_MODE:
            raise RegistryError(f"{where} has the unknown consent_mode parameter {name!r}")
    if service.tag_id and not TAG.fullmatch(service.tag_id):
        raise RegistryError(f"{where} has the tag_id {service.tag_id!r}, which is not as G-ABC123")
    if service.tag_id and not (service.script and service.consent_mode):
        raise RegistryError(f"{where} has a tag_id without a script and consent_mode")


def _check_cookie(cookie: Cookie, where: str, *, necessary: bool) -> None:
    for key, words in WORDS.items():
        if getattr(cookie, key) not in words:
            raise RegistryError(f"{where} has a {key} that is none of {', '.join(words)}")
    _check_name(cookie, where, necessary=necessary)
    if cookie.lifetime == "session":
        if cookie.storage in OUTLIVE_THE_SESSION:
            raise RegistryError(f"{where} has the lifetime 'session', which its storage outlives")
    elif not LIFETIME.fullmatch(cookie.lifetime):
        raise RegistryError(f"{where} has a lifetime that is neither ISO 8601 nor 'session'")
    elif not cookie.lifetime_parts:
        raise RegistryError(f"{where} has a lifetime of nothing")
    if not COOKIE_PATH.fullmatch(cookie.path):
        raise RegistryError(f"{where} has a path that is not / and what may stand in an address")
    if not necessary and duration(cookie.lifetime) > LONGEST_LIFETIME:
        raise RegistryError(f"{where} is optional, and has a lifetime of more than 13 months")
    _check_text(cookie.purpose, f"{where} purpose")
    if necessary and not cookie.justification:
        raise RegistryError(f"{where} is {UNJUSTIFIED}")
    _check_text(cookie.justification, f"{where} justification")


def _check_name(cookie: Cookie, where: str, *, necessary: bool) -> None:
    name = cookie.name
    is_possible = cookie.storage != "cookie" or COOKIE_NAME.fullmatch(name)
    if name in {"", "*"} or "*" in name[:-1] or {"?", "["} & set(name) or not is_possible:
        raise RegistryError(f"{where} has a name that is not one name, or a beginning and '*'")
    told = (cookie.storage, cookie.party, cookie.set_by, cookie.path)
    if name in OURS and told != ("cookie", "first", "server", "/"):
        raise RegistryError(f"{where} is this site's own: a cookie, first, set by the server for /")
    if name in NEEDED and not necessary:
        raise RegistryError(f"{where} is part of each choice, and under an optional purpose")
    if name == INTERESTS and necessary:
        raise RegistryError(f"{where} tells what somebody reads, and is never strictly necessary")


def _check_id(kind: str, value: str) -> None:
    if not ID.fullmatch(value):
        raise RegistryError(f"the {kind} id {value!r} is not lower-case letters, digits, - and _")


def _check_country(country: str, where: str) -> None:
    if not COUNTRY.fullmatch(country):
        raise RegistryError(f"{where} has a country that is not two capital letters, such as PT")


def _check_text(text: Text | None, where: str) -> None:
    if text is None:
        return
    if set(text) != set(LANGUAGES) or not all(words.strip() for words in text.values()):
        raise RegistryError(f"{where} needs words in each of {', '.join(LANGUAGES)}")


def _refuse_blank(words: str, where: str) -> None:
    if not words.strip():
        raise RegistryError(f"{where} is empty")


def _refuse_twice(kind: str, names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise RegistryError(f"the {kind} {name!r} stands there twice")
