"""The registry: what it refuses, and when it asks every visitor again."""

from pathlib import Path

import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from registries import FILLED_IN, FILM, MATOMO, NEW_PURPOSE, SHIPPED, shipped_with

from blueprints.consent.cookies import OURS
from blueprints.consent.registry import Registry
from blueprints.consent.registry_checks import RegistryError
from blueprints.consent.registry_file import read_registry
from blueprints.consent.toml_file import TomlFileError, read_table

# The line of the last purpose, which the cases below spoil.
LINE = len(shipped_with(more=MATOMO).splitlines())
MANY_HOSTS = "{ img = [" + ", ".join(f'"https://{n}.stats.example.pt"' for n in range(99)) + "] }"
MODE = 'consent_mode = ["ad_storage", "analytics_storage"]'
SCRIPT = "https://stats.example.pt/s.js"
TWO_WAYS = """script = { address = "https://stats.example.pt/s.js" }
pixel = { address = "https://stats.example.pt/p.gif" }"""

PROCESSOR = (
    'processors = [{{ name = "X", country = "PT", task = {{ en = "x" {} }} {} }}]\naddress ='
)
STORES = 'storage = "cookie"\nparty = "first"\nlifetime = "P13M"'
MATOMO_PURPOSE = 'purpose = "personalization"\nname = "Matomo"'
LONGEST_SENTENCE = 1000
FONTS = """
[[services]]
id = "fonts"
purpose = "necessary"
name = "Fonts"
vendor = "Fonts Ltd"
country = "IE"
privacy = "https://fonts.test/privacy"
hosts = { font = ["https://fonts.test"] }
justification = { en = "It is needed.", pt = "Faz falta." }
"""


def with_hosts(more: str) -> tuple[str, str]:
    """Put more beside the hosts of the service."""
    return "hosts = {", f"{more}\nhosts = {{"


def of_ours(name: str, old: str, new: str) -> tuple[str, str]:
    """Change what the shipped registry says of a cookie of the site itself."""
    shipped = SHIPPED.read_text(encoding="utf-8")
    told = shipped[shipped.index(f'name = "{name}"') :].partition("purpose =")[0]
    return told, told.replace(old, new)


def whole(beginning: str) -> str:
    """Return the text of the shipped registry that begins so, in its quotation marks."""
    _before, quoted = SHIPPED.read_text(encoding="utf-8").split(f'"{beginning}', 1)
    return f'"{beginning}{quoted.partition(chr(34))[0]}"'


def registry(tmp_path: Path, text: str) -> Registry:
    file = tmp_path / "registry.toml"
    file.write_text(text, encoding="utf-8")
    return read_registry(file)


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
        ("optional = false", f"optional = {'9' * 4301}", "it cannot be read"),
        ("optional = false", f"optional = {'[' * 9999}", "it cannot be read"),
        ('purpose = "necessary"', 'purpose = "fun"', "names the unknown purpose 'fun'"),
        ('lifetime = "P6M"', 'lifetime = "half a year"', "a lifetime that is neither"),
        ('lifetime = "P6M"', 'lifetime = "P"', "a lifetime that is neither"),
        ('lifetime = "P6M"', "lifetime = 6", "lifetime has a value of the wrong kind"),
        ('storage = "cookie"', 'storage = "biscuit"', "has a storage that is none of"),
        ('party = "first"', 'party = "second"', "has a party that is none of"),
        ('name = "session"', 'name = "*"', "has a name that is not one name"),
        ('name = "session"', 'nome = "session"', "has the unknown key 'nome'"),
        ('name = "session"', f'"{"a" * 9999}" = "x"', "has the unknown key 'aaa"),
        ('name = "session"', '"na\\u200bme" = "x"', "has the unknown key 'na\\u200bme'"),
        ('country = "PT"', "", "service 'choice' lacks 'country'"),
        ('country = "PT"', 'country = "pt"', "a country that is not two capital letters"),
        ('country = "IE"', 'country = "Ireland"', "'player' has a country that is not two"),
        (STORES, STORES.replace("cookie", "localStorage").replace("P13M", "session"), "outlives"),
        (STORES, STORES.replace("cookie", "indexedDB").replace("P13M", "session"), "outlives"),
        (STORES, STORES.replace("cookie", "cache").replace("P13M", "session"), "outlives"),
        ("justification =", "# justification =", "strictly necessary without a justification"),
        ('en = "Strictly necessary", ', "", "needs words in each of en, pt"),
        ('en = "Strictly', 'fr = "x", en = "Strictly', "needs words in each of en, pt"),
        ('"_pk_id*"', '"session"', "the cookie 'session' stands there twice"),
        ('country = "PT"', 'country = "PT"\ntag_id = "g-abc1"', "'g-abc1', which is not as G-"),
        ('country = "PT"', 'country = "PT"\ntag_id = "G-ABC1"', "a tag_id without a script"),
        ('country = "PT"', 'country = "PT"\nsafeguard = { en = "x" }', "needs words in each of"),
        ('["https://stats.example.pt"]', '["https://*.example.pt"]', "without wildcard"),
        ('["https://stats.example.pt"]', '["http://stats.example.pt"]', "not an https origin"),
        ('["https://stats.example.pt"]', '["https://a.pt/path"]', "not an https origin"),
        ("script = [", "scripts = [", "which is no kind of load"),
        ('privacy = "https://', 'privacy = "http://', "no https 'privacy' address"),
        ("[controller]", "[controller", "it cannot be read"),
        ('"PersonalisedAdvertising"', '"pretty ads"', "names 'pretty ads', which is no DPV term"),
        ('["Preference"]', '["dpv:X"]', "names 'dpv:X', which is no DPV term"),
        ('en = "Counts visits"', 'en = "Counts\\u0007"', f"line {LINE} has a control character"),
        ("Counts visits", "Counts\x7f", f"(at line {LINE}, column "),
        ("Counts visits", "Counts\ufdd0", f"line {LINE} has a control character"),
        ("Counts visits", "Counts\\U0001fffe", f"line {LINE} has a control character"),
        ("Counts visits", "Counts\x85", f"line {LINE} has a control character"),
        ('lifetime = "P13M"', 'lifetime = "P13M"\npath = "x"', "a path that is not /"),
        ('lifetime = "P13M"', 'lifetime = "P13M"\npath = "/a;b"', "a path that is not /"),
        ("hosts = {", f"hosts = {MANY_HOSTS}\n# {{", "longer than 1000 bytes"),
        ("Your text size", "Your text size, " * 5, "short.en is longer than 60 characters"),
        ('lifetime = "P13M"', 'lifetime = "P397D"', "has a lifetime of more than 13 months"),
        ('lifetime = "P90D"', 'lifetime = "P2Y"', "has a lifetime of more than 13 months"),
        ('lifetime = "P13M"', 'lifetime = "P1Y2M"', "has a lifetime of more than 13 months"),
        ('lifetime = "P13M"', 'lifetime = "P395DT26H"', "has a lifetime of more than 13 months"),
        ('lifetime = "P13M"', 'lifetime = "P396DT1H"', "has a lifetime of more than 13 months"),
        ('lifetime = "P13M"', 'lifetime = "PT570241M"', "has a lifetime of more than 13 months"),
        ('lifetime = "P13M"', 'lifetime = "P396DT1S"', "has a lifetime of more than 13 months"),
        ('lifetime = "P13M"', 'lifetime = "years"', "a lifetime that is neither"),
        ('lifetime = "P13M"', 'lifetime = "P1000000D"', "a lifetime that is neither"),
        ('"_pk_id*"', '"_pk*id"', "has a name that is not one name"),
        ('"_pk_id*"', '"_pk**"', "has a name that is not one name"),
        ('"_pk_id*"', '"*id*"', "has a name that is not one name"),
        ('"_pk_id*"', '"_pk_i?"', "has a name that is not one name"),
        ('"_pk_id*"', '"_pk_i[d]"', "has a name that is not one name"),
        ('"_pk_id*"', '""', "has a name that is not one name"),
        ('"_pk_id*"', '"_pk;id"', "has a name that is not one name"),
        ('"_pk_id*"', '"_pk id"', "has a name that is not one name"),
        ('"_pk_id*"', f'"{"a" * 129}"', "has a name that is not one name"),
        ('lifetime = "P13M"', 'lifetime = "P0D"', "has a lifetime of nothing"),
        *(
            (f'name = "{name}"\nset_by = "server"', f'name = "{name}"{told}', "site's own")
            for name in OURS
            for told in ('\nset_by = "script"', "", '\nset_by = "server"\npath = "/a"')
        ),
        (
            'id = "partner-messages"\npurpose = "advertising"',
            'id = "partner-messages"\npurpose = "necessary"',
            "is never strictly necessary",
        ),
        (*of_ours("interests", 'party = "first"', 'party = "third"'), "site's own"),
        (*of_ours("preferences", 'storage = "cookie"', 'storage = "cache"'), "site's own"),
        ('"necessary"\nname', '"advertising"\nname', "'session' is part of each choice"),
        ("Publicidade personalizada", "Conteúdo personalizado", "'Conteúdo personalizado' stands"),
        (MATOMO_PURPOSE, 'name = "Matomo"\npurpose = "necessary"', "without a justification"),
        ('address = "Porto', 'dated = "July"\naddress = "Porto', "is dated with no day"),
        (*with_hosts(TWO_WAYS), "enters by script and pixel"),
        (
            *with_hosts('script = { address = "https://stats2.example.pt/s.js" }'),
            "loads https://stats2.example.pt/s.js, but has no such script host",
        ),
        (
            *with_hosts('pixel = { address = "https://stats.example.pt.evil.example/p" }'),
            "but has no such img host",
        ),
        (
            *with_hosts(f'script = {{ address = "{SCRIPT}", attributes = {{ onload = "x" }} }}'),
            "has the script attribute 'onload', which is not data-",
        ),
        (
            *with_hosts(f'tag_id = "G-ABC1"\nscript = {{ address = "{SCRIPT}" }}'),
            "has a tag_id without a script and consent_mode",
        ),
        (*with_hosts(f'tag_id = "G-ABC1"\n{MODE}'), "a tag_id without a script and consent_mode"),
        (*with_hosts('consent_mode = ["ad_everything"]'), "consent_mode parameter 'ad_everything'"),
        (*with_hosts('justification = { en = "x", pt = " " }'), "needs words in each of en, pt"),
        ("films.example/{id}", "films.example/", "has an embed address without {id}"),
        ("width = 560", "width = 0", "has an embed without width and height"),
        ("width = 560", "width = -1", "has an embed without width and height"),
        ("height = 315", "height = 0", "has an embed without width and height"),
        ("height = 315", "height = -1", "has an embed without width and height"),
        ("frame = [", "img = [", "but has no such frame host"),
        ('id = "matomo"', 'id = "choice"', "the service 'choice' stands there twice"),
        ('id = "matomo"', 'id = "Matomo!"', "the service id 'Matomo!' is not"),
        ("gpc = true", "gpc = true\nmeaning = 0", "meaning must be 1 or more"),
        (STORES, f'{STORES}\nset_by = "x"', "has a set_by that is none of server, script"),
        (STORES, f'{STORES}\njustification = {{ en = "x" }}', "needs words in each of en, pt"),
        ("address =", PROCESSOR.format("", ""), "processor 'X' task needs words"),
        ("address =", PROCESSOR.format("", "").replace("PT", "pt"), "processor 'X' has a country"),
        ('name = "InvestPorto"', 'name = ""', "the controller's name is empty"),
        ('vendor = "Films Ltd"', 'vendor = " "', "service 'player' vendor is empty"),
        ('name = "Film Player"', 'name = ""', "service 'player' name is empty"),
        (
            "address =",
            PROCESSOR.format(', pt = "x"', "").replace('"X"', '"\\t"'),
            "the name of a processor is empty",
        ),
        (
            "address =",
            PROCESSOR.format(', pt = "x"', ', safeguard = { en = "x" }'),
            "processor 'X' safeguard needs words",
        ),
    ],
)
def test_a_contradiction_is_named_in_one_sentence(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        registry(tmp_path, shipped_with((old, new), more=MATOMO + FILM))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < LONGEST_SENTENCE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"P13M"', '"P396D"'),
        ('"P13M"', '"P1Y1M"'),
        ('"P13M"', '"P395DT24H"'),
        ('"P13M"', '"session"'),
        (STORES, STORES.replace("cookie", "sessionStorage").replace("P13M", "session")),
        ('"_pk_id*"', '"_*"'),
        ("width = 560, height = 315", "width = 1, height = 1"),
        ('id = "matomo"', 'id = "m-1_a"'),
        ("gpc = true", "gpc = true\nmeaning = 1"),
        with_hosts(f'tag_id = "GT-A1B2"\nscript = {{ address = "{SCRIPT}" }}\n{MODE}'),
    ],
)
def test_what_is_just_within_the_rules_is_read(tmp_path: Path, old: str, new: str) -> None:
    assert registry(tmp_path, shipped_with((old, new), more=MATOMO + FILM))


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
        ('name = "InvestPorto"', 'name = "InvestLisboa"'),
    ],
)
def test_a_change_of_substance_changes_the_policy_version(
    tmp_path: Path, old: str, new: str
) -> None:
    before = registry(tmp_path, shipped_with(more=MATOMO)).policy_version
    assert registry(tmp_path, shipped_with((old, new), more=MATOMO)).policy_version != before


WITH_A_SCRIPT = MATOMO.replace(
    "\n\n[[services.cookies]]",
    '\nscript = { address = "https://stats.example.pt/a.js" }\n\n[[services.cookies]]',
)
WITH_A_TAG = WITH_A_SCRIPT.replace(
    "\nscript =", '\ntag_id = "G-ABC1"\nconsent_mode = ["analytics_storage"]\nscript ='
)
ANOTHER_PURPOSE = """
[[purposes]]
id = "another"
optional = true
personal_data = ["Age"]
name = { en = "x", pt = "x" }
description = { en = "x", pt = "x" }
"""


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (MATOMO, 'party = "first"', 'party = "third"'),
        (MATOMO, 'storage = "cookie"', 'storage = "localStorage"'),
        (MATOMO, 'country = "PT"', 'country = "US"'),
        (MATOMO, 'id = "matomo"', 'id = "piwik"'),
        (MATOMO, 'script = ["https://stats.', 'script = ["https://stats2.'),
        (WITH_A_SCRIPT, "/a.js", "/b.js"),
        (WITH_A_TAG, "G-ABC1", "G-ABC2"),
        (WITH_A_TAG, 'tag_id = "G-ABC1"\n', ""),
        (WITH_A_TAG, '["analytics_storage"]', '["analytics_storage", "ad_user_data"]'),
        (ANOTHER_PURPOSE, "optional = true", "optional = false"),
        (ANOTHER_PURPOSE, "optional = true", "meaning = 2"),
        (ANOTHER_PURPOSE, '["Age"]', '["Age", "Name"]'),
        (ANOTHER_PURPOSE, ANOTHER_PURPOSE, ""),
        (MATOMO, MATOMO, ""),
    ],
)
def test_whatever_a_visitor_consented_to_makes_a_new_policy_version_when_it_changes(
    tmp_path: Path, text: str, old: str, new: str
) -> None:
    assert old in text
    before = registry(tmp_path, shipped_with(more=text)).policy_version
    after = registry(tmp_path, shipped_with(more=text.replace(old, new, 1))).policy_version
    assert after != before


def test_without_a_tag_the_policy_version_is_what_it_was_before_there_were_tags(
    tmp_path: Path,
) -> None:
    services = registry(tmp_path, shipped_with(more=WITH_A_SCRIPT)).substance["services"]
    assert services["matomo"]["enters"] == ["https://stats.example.pt/a.js"]
    assert "consent_mode" not in services["matomo"]


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


def test_how_long_a_choice_holds_is_a_setting_and_no_substance() -> None:
    assert read_registry(SHIPPED, months=13).policy_version == read_registry(SHIPPED).policy_version


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    assert (
        registry(tmp_path, "\ufeff" + shipped_with()).policy_version
        == read_registry(SHIPPED).policy_version
    )


def test_a_service_takes_the_name_of_the_controller_from_where_it_stands(
    make_site: MakeSite, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    # As it was written out before: the same words, and nobody is asked again.
    file.write_text(shipped_with().replace("{controller}", "InvestPorto"), encoding="utf-8")
    ours, theirs = make_site(), make_site(CONSENT_REGISTRY=str(file))
    assert ours.extensions["registry"] == theirs.extensions["registry"]
    assert Visitor(ours).get("/cookies").response.data == (
        Visitor(theirs).get("/cookies").response.data
    )
    for language, notice in theirs.extensions["notices"].in_force.items():
        assert ours.extensions["notices"].in_force[language].id == notice.id
    renamed = registry(
        tmp_path,
        shipped_with(
            ('name = "InvestPorto"', 'name = "Município {X}"'),
            ('name = "{controller}"', 'name = "Cookies of {controller}"'),
        ),
    )
    first, *others = renamed.services
    assert first.name == "Cookies of Município {X}"
    assert {first.vendor, *(service.name for service in others)} == {"Município {X}"}


@pytest.mark.parametrize("key", ["name", "vendor"])
def test_another_brace_in_the_name_of_a_service_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(RegistryError) as refused:
        registry(tmp_path, shipped_with((f'{key} = "{{controller}}"', f'{key} = "{{site}}"')))
    told = "service 'choice' has another brace than that of {controller} in its "
    assert str(refused.value) == told + key


def test_the_words_of_the_notice_have_no_control_characters_either(tmp_path: Path) -> None:
    file = tmp_path / "notice.toml"
    file.write_text('\ufeff[en]\nheading = "Cookies"\n', encoding="utf-8")
    assert read_table(file) == {"en": {"heading": "Cookies"}}
    file.write_text('[en]\nheading = "Coo\\bkies"\n', encoding="utf-8")
    with pytest.raises(TomlFileError, match=r"^line 2 has a control character$"):
        read_table(file)


@pytest.mark.parametrize(("more", "told"), [("", 1), ('personal_data = ["Age"]\n', 0)])
def test_each_start_demands_the_personal_data_of_a_purpose_and_ends_without_under_https(
    make_site: MakeSite, more: str, told: int
) -> None:
    own = shipped_with(*FILLED_IN, more=NEW_PURPOSE + more)
    for scheme, heard in (("http", "told_at_start"), ("https", "stops_the_start")):
        site = make_site(registry=own, PREFERRED_URL_SCHEME=scheme)
        found = site.extensions[heard]
        assert len(found) == told
        assert all(sentence.endswith(": statistics.") for sentence in found)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("", "", None),
        (whole("Personalised c"), '"TODO"', "purpose 'personalization' name"),
        (whole("Guardar o t"), '"..."', "purpose 'personalization' description"),
        (whole("Advertising that fits"), '"TBD"', "purpose 'advertising' short"),
        ('name = "Fonts"', 'name = "<name>"', "service 'fonts' name"),
        ('"Fonts Ltd"', '"A definir"', "service 'fonts' vendor"),
        ('"Faz falta."', '"A preencher"', "service 'fonts' justification"),
        ("test/privacy", "example/privacy", "service 'fonts' privacy"),
        ('["https://fonts.test"]', '["https://x.example:8443"]', "host 'https://x.example:8443'"),
        (whole("Recognises your"), '"?"', "session' purpose"),
        ('["Preference"]', '["TODO"]', "purpose 'personalization' personal_data"),
        (whole("Só é criado"), '"..."', "withdrawal' justification"),
    ],
)
def test_what_only_holds_a_place_for_what_readers_are_told_is_named_and_ends_the_start_under_https(
    make_site: MakeSite, old: str, new: str, place: str | None
) -> None:
    own = shipped_with(*FILLED_IN, (old, new), more=FONTS)
    for scheme, heard in (("http", "told_at_start"), ("https", "stops_the_start")):
        found = make_site(registry=own, PREFERRED_URL_SCHEME=scheme).extensions[heard]
        assert len(found) == bool(place)
        assert all(sentence.endswith(f"{place}.") for sentence in found)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[pt]", "[fr]", "it needs the languages en and pt, and no other"),
        ("[pt.settings]", "[pt.x]", "[pt] has the unknown key 'x'"),
        ('heading = "Cookies Policy"', "", "[en] lacks the words of 'heading'"),
        ('heading = "Cookies Policy"', "heading = 3", "[en] lacks the words of 'heading'"),
        ('opt_in = "Se', 'opt_in = " " # "', "[pt.assumption] lacks the words of 'opt_in'"),
        (
            'reject = "Reject all"',
            'reject = "No"\nx = "X"',
            "[en.settings] has the unknown key 'x'",
        ),
        (
            'heading = "Cookies Policy"',
            'heading = "Cookies of {sight}"',
            "[en] has another brace than that of {site} in 'heading'",
        ),
        ("[en]", "[en", "it cannot be read: "),
    ],
)
def test_words_of_a_notice_that_are_missing_stop_the_start(
    make_site: MakeSite, tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = (SHIPPED.parent / "notice.toml").read_text(encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        make_site(CONSENT_NOTICE=str(file))
    assert str(stopped.value).startswith(f"FLASK_CONSENT_NOTICE, mine.toml, is wrong: {says}")


def test_the_notice_takes_the_name_of_the_site_from_where_it_stands(
    make_site: MakeSite, tmp_path: Path
) -> None:
    file = tmp_path / "site.toml"
    shipped = (SHIPPED.parents[1] / "site/site.toml").read_text(encoding="utf-8")
    file.write_text(shipped.replace("InvestPorto", "Invista em {site}"), encoding="utf-8")
    notices = [
        site.extensions["notices"].in_force for site in (make_site(), make_site(SITE=str(file)))
    ]
    for language, begins in (
        ("en", "To provide you with a better experience, InvestPorto, in collaboration"),
        ("pt", "Para lhe proporcionar uma melhor experiência, a InvestPorto, em colaboração"),
    ):
        ours, theirs = (notice[language].content["banner"]["introduction"] for notice in notices)
        assert ours.startswith(begins)
        assert theirs == ours.replace("InvestPorto", "Invista em {site}")


def test_a_renamed_controller_is_told_where_the_old_name_is_left(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    make_site()
    assert "as vendor of" not in caplog.text
    renamed = ('name = "InvestPorto"\naddress', 'name = "Invista em Braga"\naddress')
    text = shipped_with(renamed, more=MATOMO)
    make_site(registry=text)
    assert "as vendor of" not in caplog.text
    make_site(registry=text.replace("{controller}", "InvestPorto"))
    for service in ("choice", "reading", "partner-messages"):
        told = (
            f"names InvestPorto as vendor of {service!r}, a service of this site alone, and Invista"
        )
        assert told in caplog.text
    assert "'matomo'" not in caplog.text


def test_a_service_without_cookies_shows_whom_it_contacts(make_site: MakeSite) -> None:
    without_cookies = shipped_with(more=MATOMO.partition("[[services.cookies]]")[0])
    page = Visitor(make_site(registry=without_cookies)).get("/cookies")
    words = text_of(page.one("main"))
    assert "Matomo (PT): InvestPorto stores nothing on your device." in words
    assert "With your consent, your browser contacts: https://stats.example.pt" in words
    assert all(list(table.iter(HTML + "td")) for table in page.all("table"))
