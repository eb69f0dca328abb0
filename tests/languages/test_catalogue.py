"""A sentence that changes is all that changes in the catalogue of translations."""

import shutil
from difflib import ndiff
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from conftest import MakeSite

from blueprints.languages import catalogue


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Portuguese catalogue, which the command takes for the site's own."""
    shutil.copytree(catalogue.TRANSLATIONS, tmp_path / "translations")
    monkeypatch.setattr(catalogue, "TRANSLATIONS", tmp_path / "translations")
    return tmp_path / "translations/pt/LC_MESSAGES/messages.po"


def test_where_nothing_changed_the_command_changes_nothing(make_site: MakeSite, file: Path) -> None:
    before = file.read_bytes(), file.with_suffix(".mo").read_bytes()
    result = make_site().test_cli_runner().invoke(args=["translations"])
    assert (result.exit_code, result.output) == (0, "")
    assert (file.read_bytes(), file.with_suffix(".mo").read_bytes()) == before


def test_a_new_sentence_waits_for_its_words_and_an_old_one_goes(tmp_path: Path, file: Path) -> None:
    before = file.read_text(encoding="utf-8")
    templates = tmp_path / "templates"
    shutil.copytree(catalogue.TEMPLATES, templates)
    page = templates / "new.html"
    page.write_text("""{{ _('Where') }} {{ ngettext("one tile", "%(num)s tiles", 2) }}""")
    assert catalogue.renew(file, catalogue.sentences_of(templates)) == ["Where", "one tile"]
    changed = [
        line
        for line in ndiff(before.splitlines(), file.read_text("utf-8").splitlines())
        if line[0] in "+-" and line[2:]
    ]
    assert sorted(changed) == [
        "+ #, python-format",
        '+ msgid "Where"',
        '+ msgid "one tile"',
        '+ msgid_plural "%(num)s tiles"',
        '+ msgstr ""',
        '+ msgstr[0] ""',
        '+ msgstr[1] ""',
    ]
    words = file.read_text("utf-8").replace(
        'msgid "Where"\nmsgstr ""', 'msgid "Where"\nmsgstr "Onde"'
    )
    file.write_text(words, "utf-8")
    assert catalogue.renew(file, catalogue.sentences_of(templates)) == ["one tile"]
    with file.with_suffix(".mo").open("rb") as compiled:
        assert ("Where", "Onde") in [(each.id, each.string) for each in read_mo(compiled)]
    page.unlink()
    assert catalogue.renew(file, catalogue.sentences_of(templates)) == []
    assert file.read_text(encoding="utf-8") == before
