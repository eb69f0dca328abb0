"""The registry: what it refuses, and when it asks every visitor again."""

from pathlib import Path

import pytest
from conftest import MakeSite

from blueprints.consent.registry import Registry
from blueprints.consent.registry_file import RegistryError, read

SHIPPED = Path(__file__).parents[2] / "blueprints/consent/registry.toml"
MATOMO = """
[[services]]
id = "matomo"
purpose = "personalization"
name = "Matomo"
vendor = "InvestPorto"
country = "PT"
privacy = "https://stats.example.pt/privacy"
hosts = { script = ["https://stats.example.pt"], img = ["https://stats.example.pt"] }

[[services.cookies]]
name = "_pk_id*"
storage = "cookie"
party = "first"
lifetime = "P13M"
purpose = { en = "Counts visits", pt = "Conta visitas" }
"""


def shipped_with(*changes: tuple[str, str], more: str = "") -> str:
    """The shipped registry with each text replaced once, and a purpose's id wherever it stands."""
    text = SHIPPED.read_text(encoding="utf-8") + more
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
        if old.startswith("id = "):
            text = text.replace(f"purpose = {old[5:]}", f"purpose = {new[5:].splitlines()[0]}")
    return text


def registry(tmp_path: Path, text: str) -> Registry:
    file = tmp_path / "registry.toml"
    file.write_text(text, encoding="utf-8")
    return read(file)


def test_a_service_with_hosts_and_a_pattern_is_read(tmp_path: Path) -> None:
    found = registry(tmp_path, shipped_with(more=MATOMO)).services[-1]
    assert found.hosts["script"] == ("https://stats.example.pt",)
    (cookie,) = found.cookies
    assert cookie.matches("_pk_id.1.1fff")
    assert not cookie.matches("_pk_ses")
    assert cookie.lifetime_parts == {"months": 13}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "advertising"', 'id = "personalization"', "the purpose 'personalization' stands"),
        ('id = "advertising"', 'id = "Ads!"', "the purpose id 'Ads!' is not"),
        ("optional = false", "optional = true", "there is no necessary purpose"),
        ('purpose = "necessary"', 'purpose = "fun"', "names the unknown purpose 'fun'"),
        ('lifetime = "P6M"', 'lifetime = "half a year"', "a lifetime that is neither"),
        ('lifetime = "P6M"', 'lifetime = "P"', "a lifetime that is neither"),
        ('lifetime = "P6M"', "lifetime = 6", "lifetime has a value of the wrong kind"),
        ('storage = "cookie"', 'storage = "biscuit"', "has a storage that is none of"),
        ('party = "first"', 'party = "second"', "has a party that is none of"),
        ('name = "session"', 'name = "*"', "has a name that is not one name"),
        ('name = "session"', 'nome = "session"', "has the unknown key 'nome'"),
        ('country = "PT"', "", "service 'choice' lacks 'country'"),
        ("justification =", "# justification =", "strictly necessary without a justification"),
        ('en = "Strictly necessary", ', "", "needs words in each of en, pt"),
        ('"_pk_id*"', '"session"', "the cookie 'session' stands there twice"),
        ('["https://stats.example.pt"]', '["https://*.example.pt"]', "without wildcard"),
        ('["https://stats.example.pt"]', '["http://stats.example.pt"]', "not an https origin"),
        ('["https://stats.example.pt"]', '["https://a.pt/path"]', "not an https origin"),
        ("script = [", "scripts = [", "which is no kind of load"),
        ('privacy = "https://', 'privacy = "http://', "no https 'privacy' address"),
        ("[controller]", "[controller", "it cannot be read"),
        ('"PersonalisedAdvertising"', '"pretty ads"', "names 'pretty ads', which is no DPV term"),
        ('["Preference"]', '["dpv:X"]', "names 'dpv:X', which is no DPV term"),
    ],
)
def test_a_contradiction_is_named_in_one_sentence(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        registry(tmp_path, shipped_with((old, new), more=MATOMO))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_registry_stops_the_start(make_site: MakeSite, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[[purposes]]\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^The cookie registry mine.toml is wrong: .*\.$"):
        make_site(CONSENT_REGISTRY=str(file))
    with pytest.raises(SystemExit, match=r"^The cookie registry none.toml is wrong: "):
        make_site(CONSENT_REGISTRY=str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id = "advertising"', 'id = "ads"'),
        ('lifetime = "P6M"', 'lifetime = "P5M"'),
        ('lifetime = "P13M"', 'lifetime = "P12M"'),
        ('name = "_pk_id*"', 'name = "_pk_ses*"'),
        ('purpose = "personalization"', 'purpose = "advertising"'),
        (
            'vendor = "InvestPorto"\ncountry = "PT"\nprivacy',
            'vendor = "X"\ncountry = "PT"\nprivacy',
        ),
        ("img = [", "connect = ["),
    ],
)
def test_a_change_of_substance_changes_the_policy_version(
    tmp_path: Path, old: str, new: str
) -> None:
    before = registry(tmp_path, shipped_with(more=MATOMO)).policy_version
    assert registry(tmp_path, shipped_with((old, new), more=MATOMO)).policy_version != before


def test_wording_and_order_do_not_change_the_policy_version(tmp_path: Path) -> None:
    before = registry(tmp_path, shipped_with(more=MATOMO)).policy_version
    words = (
        ("Keep your text size", "Remember your text size"),
        ("Conta visitas", "Conta as visitas"),
        ("Set only when", "Written only when"),
    )
    assert registry(tmp_path, shipped_with(*words, more=MATOMO)).policy_version == before
    swapped = (
        ('script = ["https://stats.example.pt"], ', ""),
        (
            'img = ["https://stats.example.pt"]',
            'img = ["https://stats.example.pt"], script = ["https://stats.example.pt"]',
        ),
    )
    assert registry(tmp_path, shipped_with(*swapped, more=MATOMO)).policy_version == before
