"""What the operator is told about the notices: which there were, and what changed in them."""

import json
import re

import pytest
from browserlike import Visitor
from conftest import MakeSite
from flask import Flask
from log import run, tampering, under_command
from registries import MATOMO, shipped_with
from sqlalchemy import func, update

from blueprints.consent.models import ConsentNotice
from blueprints.consent.notices import Notice
from blueprints.operator.notice_changes import substance_changes, word_changes

WORDS = "Keep your text size and colours, and where you stopped reading."
IN_PT = 'name = "Matomo"\nvendor = "InvestPorto"\ncountry = "PT"'
NEW_WORDS = WORDS.replace("Keep", "Remember")

ENTERING = MATOMO.replace(
    "hosts =",
    """script = { address = "https://stats.example.pt/a.js" }
tag_id = "G-ABC1"
consent_mode = ["ad_storage"]
hosts =""",
)


def site_with(make_site: MakeSite, *changes: tuple[str, str], more: str = "") -> Flask:
    return make_site(registry=shipped_with(*changes, more=more))


def kept_by(site: Flask) -> None:
    """Let somebody choose in each language, so that the notices are kept."""
    Visitor(site).choose("reject")
    Visitor(site).choose("reject", path="/pt/")


def test_a_change_of_substance_is_told_and_that_visitors_are_asked_again(
    make_site: MakeSite,
) -> None:
    before = site_with(make_site)
    kept_by(before)
    after = site_with(make_site, ('"P90D"', '"P80D"'), more=MATOMO)
    old = before.extensions["registry"].policy_version
    new = after.extensions["registry"].policy_version
    for command in ((), (old,), (before.extensions["notices"].in_force["en"].id[:8],)):
        result = run(after, "policy", "diff", *command)
        assert result.exit_code == 0
        lines = result.output.splitlines()
        assert (
            "Service 'partner-messages': cookie 'interests': lifetime was P90D, is P80D." in lines
        )
        assert "Service 'matomo' was added." in lines
        assert f"The policy version changes from {old} to {new}." in lines
        (said,) = [line for line in lines if " is asked again" in line]
        assert said.startswith("Who accepted 'personalization' is asked again; new: host https://")
        assert "lifetime" not in said, "what is shorter asks nobody"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("/a.js", "/b.js", "script address https://stats.example.pt/b.js"),
        ("G-ABC1", "G-ABC2", "tag G-ABC2"),
        ('["ad_storage"]', '["ad_storage", "ad_user_data"]', "grant ad_user_data"),
        # Of what was known it tells what is new of it.
        ("img = [", "font = [", "font host https://stats.example.pt"),
        (IN_PT, IN_PT.replace("PT", "US"), "country InvestPorto (US)"),
        ('_pk_id*"\nstorage = "cookie"', '_pk_id*"\nstorage = "cache"', "storage _pk_id*"),
    ],
)
def test_who_is_asked_again_about_another_way_in_is_told(
    make_site: MakeSite, old: str, new: str, says: str
) -> None:
    kept_by(site_with(make_site, more=ENTERING))
    after = site_with(make_site, (old, new), more=ENTERING)
    lines = run(after, "policy", "diff").output.splitlines()
    assert lines[-1] == f"Who accepted 'personalization' is asked again; new: {says}."


def test_a_new_purpose_is_told_and_what_only_shrinks_asks_nobody(make_site: MakeSite) -> None:
    before = site_with(make_site, more=MATOMO)
    kept_by(before)
    new_purpose = site_with(make_site, ('id = "advertising"', 'id = "ads"'), more=MATOMO)
    diff = run(new_purpose, "policy", "diff").output
    assert "Everybody is asked about the new purpose 'ads'." in diff
    smaller = site_with(make_site, ('"P13M"', '"P12M"'), more=MATOMO)
    old = before.extensions["registry"].policy_version
    lines = run(smaller, "policy", "diff", old).output.splitlines()
    assert lines[-1] == "Nobody is asked again: nothing was added to a purpose."


NECESSARY = ('dpv = "ServicePersonalisation"\n', "optional = false\n")
NEEDED = (  # as a registry asks it of what is necessary
    'name = "preferences"\n',
    'name = "preferences"\njustification = { en = "It must be.", pt = "Tem de ser." }\n',
)


def test_what_those_who_refused_it_get_all_the_same_is_told_plainly(make_site: MakeSite) -> None:
    before = site_with(make_site)
    kept_by(before)
    old = before.extensions["registry"].policy_version
    after = site_with(make_site, NECESSARY, NEEDED)
    lines = run(after, "policy", "diff", old).output.splitlines()
    assert lines[-3].startswith("Nobody is asked about 'personalization' any more: it is necessary")
    assert lines[-3].endswith(" and so on for everybody, also for those who refused it.")
    assert lines[-2:] == [
        "Service 'reading' runs for everybody now, also for those who refused 'personalization'.",
        "Nobody is asked again: nothing was added to a purpose.",
    ]
    moved = ('id = "reading"\npurpose = "personalization"', 'id = "reading"\npurpose = "necessary"')
    one = site_with(make_site, moved, NEEDED)
    assert run(one, "policy", "diff", old).output.splitlines()[-2:] == lines[-2:]


def test_a_purpose_that_was_necessary_is_not_called_new(make_site: MakeSite) -> None:
    kept_by(site_with(make_site, NECESSARY, NEEDED))
    after = site_with(make_site)
    last = run(after, "policy", "diff").output.splitlines()[-1]
    assert last == "Everybody is asked about 'personalization', which was necessary before."


CONTACTED = """
[[services]]
id = "tags"
purpose = "necessary"
name = "Tags"
vendor = "Tags Inc."
country = "US"
safeguard = { en = "Clauses.", pt = "Cláusulas." }
justification = { en = "It must be.", pt = "Tem de ser." }
privacy = "https://tags.example.com/privacy"
hosts = { script = ["https://tags.example.com"] }
script = { address = "https://tags.example.com/t.js" }
"""


@pytest.mark.parametrize("before", ["", CONTACTED.replace("necessary", "advertising")])
def test_who_is_contacted_for_everybody_unasked_is_told_under_whatever_id(
    make_site: MakeSite, before: str
) -> None:
    kept_by(site_with(make_site, more=before))
    after = site_with(make_site, more=CONTACTED.replace('"tags"', '"container"'))
    unasked, asked = run(after, "policy", "diff").output.splitlines()[-2:]
    assert unasked == (
        "Necessary purpose 'necessary' is on for everybody unasked; new: host "
        "https://tags.example.com, script address https://tags.example.com/t.js, vendor Tags Inc."
    )
    assert asked == "Nobody is asked again: nothing was added to an optional purpose."


WORKS_FOR_IT = """[controller]
processors = [{ name = "Mail", country = "PT", task = { en = "Mail", pt = "Correio" } }]"""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("[controller]", WORKS_FOR_IT),
            "controller processors Mail country: was “none”, is “PT”.",
        ),
        (
            ('description = { en = "Remember', 'short = { en = "X", pt = "Y" }\nOLD'),
            "purposes necessary short: was “none”, is “X”.",
        ),
        (
            ('id = "choice"', 'OLD\njustification = { en = "It must be.", pt = "Tem de ser." }'),
            "services choice justification: was “none”, is “It must be.”.",
        ),
    ],
)
def test_words_that_were_not_there_before_are_told(
    make_site: MakeSite, change: tuple[str, str], says: str
) -> None:
    kept_by(site_with(make_site))
    old, new = change
    after = site_with(make_site, (old, new.replace("OLD", old)))
    version = after.extensions["registry"].policy_version
    for named in ((), (version,)):
        assert f"Words (en): {says}" in run(after, "policy", "diff", *named).output.splitlines()


def test_a_change_of_words_is_told_and_that_visitors_are_not_asked_again(
    make_site: MakeSite,
) -> None:
    before = site_with(make_site)
    kept_by(before)
    after = site_with(make_site, ("Keep your text size", "Remember your text size"))
    lines = run(after, "policy", "diff").output.splitlines()
    version = before.extensions["registry"].policy_version
    assert lines == [
        "Nothing of substance changed.",
        f"Words (en): purposes personalization description: was “{WORDS}”, is “{NEW_WORDS}”.",
        f"Visitors are not asked again: the policy version stays {version}.",
    ]


@pytest.mark.parametrize(
    ("old_text", "new_text", "says"),
    [
        (
            'name = "InvestPorto"\naddress',
            'name = "Lisboa, S. A."\naddress',
            "Controller: name was InvestPorto, is Lisboa, S. A.",
        ),
        ('id = "matomo"', 'id = "piwik"', "Service 'matomo' was removed."),
        ('name = "_pk_id*"', 'name = "_pk_ses*"', "cookie '_pk_ses*' was added."),
        ('name = "_pk_id*"', 'name = "_pk_ses*"', "cookie '_pk_id*' was removed."),
        (
            '_pk_id*"\nstorage = "cookie"',
            '_pk_id*"\nstorage = "cache"',
            "storage was cookie, is cache.",
        ),
        ('"P13M"', '"P12M"', "cookie '_pk_id*': lifetime was P13M, is P12M."),
        ('vendor = "InvestPorto"', 'vendor = "X"', "vendor was InvestPorto, is X."),
        ('country = "PT"', 'country = "ES"', "country was PT, is ES."),
        ("img = [", "connect = [", "host https://stats.example.pt (img) was removed."),
        ("img = [", "connect = [", "host https://stats.example.pt (connect) was added."),
        (
            'purpose = "personalization"',
            'purpose = "advertising"',
            "purpose was personalization, is advertising.",
        ),
        ('id = "advertising"', 'id = "ads"', "Purpose 'ads' was added."),
        ("/a.js", "/b.js", "Service 'matomo': script https://stats.example.pt/a.js was removed."),
        ("/a.js", "/b.js", "Service 'matomo': script https://stats.example.pt/b.js was added."),
        ("G-ABC1", "G-ABC2", "Service 'matomo': tag G-ABC2 was added."),
        (
            '["ad_storage"]',
            '["ad_storage", "ad_user_data"]',
            "consent_mode was ad_storage, is ad_storage, ad_user_data.",
        ),
    ],
)
def test_each_change_of_substance_has_its_sentence(
    make_site: MakeSite, old_text: str, new_text: str, says: str
) -> None:
    change = (old_text, new_text)
    old, new = (
        site_with(make_site, *changes, more=ENTERING).extensions["notices"].in_force["en"]
        for changes in ((), (change,))
    )
    assert any(line.endswith(says) for line in substance_changes(old, new))
    assert old.policy_version != new.policy_version
    assert substance_changes(old, old) == word_changes(old, old) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("Keep your text size", "X"), "purposes personalization description"),
        (("Counts visits", "X"), "services matomo cookies _pk_id* purpose"),
        (("Set when you make", "X"), "services choice cookies session justification"),
        (('contact = "privacy@', 'contact = "dpo@'), "controller contact"),
        (('name = "Matomo"', 'name = "X"'), "services matomo name"),
    ],
)
def test_each_change_of_words_has_its_place(
    make_site: MakeSite, change: tuple[str, str], where: str
) -> None:
    old, new = (
        site_with(make_site, *changes, more=MATOMO).extensions["notices"].in_force["en"]
        for changes in ((), (change,))
    )
    assert old.policy_version == new.policy_version
    assert old.id != new.id
    (line,) = word_changes(old, new)
    assert line.startswith(f"{where}: was ")
    assert substance_changes(old, new) == []


def test_the_notices_are_listed_and_shown_word_for_word(make_site: MakeSite) -> None:
    with under_command("policy"):
        site = make_site()
    notice = site.extensions["notices"].in_force["en"]
    assert "in force, not shown yet" in run(site, "policy", "list").output
    kept_by(site)
    listed = run(site, "policy", "list").output
    assert f"{notice.id}  {notice.policy_version}  en  opt_in  in force, kept since " in listed
    shown = run(site, "policy", "show", notice.id[:8])
    assert notice.content["banner"]["introduction"] in shown.output
    assert not re.search(r": (None|True|False)$", shown.output, re.MULTILINE)
    assert run(site, "policy", "show", notice.id, "--json").output == notice.text
    assert run(site, "policy", "diff").output == "Nothing was kept before what is in force now.\n"


def test_a_notice_that_was_altered_is_not_called_the_one_in_force(make_site: MakeSite) -> None:
    site = site_with(make_site)
    kept_by(site)
    with tampering(site) as connection:
        altered = func.replace(ConsentNotice.content, WORDS, NEW_WORDS)
        connection.execute(update(ConsentNotice).values(content=altered))
    listed = run(site, "policy", "list").output.splitlines()
    assert [line for line in listed if " en " in line and "in force" in line] == []
    assert [line for line in listed if " pt " in line and "in force" in line]
    told = run(site, "policy", "diff", site.extensions["registry"].policy_version).output
    assert f"was \u201c{NEW_WORDS}\u201d, is \u201c{WORDS}\u201d" in told


@pytest.mark.parametrize("command", [("show", "0" * 64), ("show", ""), ("diff", "nonsense")])
def test_an_unknown_version_is_refused(make_site: MakeSite, command: tuple[str, ...]) -> None:
    result = run(make_site(), "policy", *command)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_a_notice_of_before_that_tells_no_script_address_is_still_read(make_site: MakeSite) -> None:
    new = site_with(make_site, more=ENTERING).extensions["notices"].in_force["en"]
    content = json.loads(new.text)
    for service in content["services"]:
        del service["enters"], service["consent_mode"]
    old = Notice("0" * 64, content)
    assert [service.id for service in old.services] == [service.id for service in new.services]
    assert substance_changes(old, new) == word_changes(old, new) == []
