"""Promises about the code as a whole: who imports whom, what stands where, what is translated."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from app import create_app
from blueprints.database.schema import MIGRATIONS
from blueprints.languages.catalogue import sentences_of

ROOT = Path(__file__).parents[2]
ROOMS = {path.name for path in (ROOT / "blueprints").iterdir() if (path / "__init__.py").is_file()}
# From each room down: what stands higher is imported by nobody below.
MAY_IMPORT = {
    "sessions": {"database"},
    "consent": {"database", "sessions"},
    "proof": {"database", "sessions", "consent"},
    "rights": {"database", "sessions", "consent", "proof"},
    "operator": {"database", "sessions", "consent", "proof", "rights"},
}
STANDARD_LIBRARY_ONLY = {"choices", "cookies", "coverage", "methods"}
STANDARD_LIBRARY_ONLY |= {"parties", "registry", "withdrawal"}
# Inside a room each module may import those before it, never those after it.
ORDER = {
    "consent": """
        toml_file addresses parties cookies registry registry_checks notice_file coverage
        methods withdrawal choices registry_file digest notices models records forms
        services notice_store visitor known placeholders taking_back recording settling page_consent
        cookie_check continued_use enforcement views settings commands completeness setup
        """,
    "proof": """
        merkle models seals sealing heads raw_log verifier views commands setup
        """,
    "rights": """
        context profile receipt receipt_check subjects standing history erasure retention dossier
        views by_number find check_receipt commands setup
        """,
    "operator": """
        numbers charts findings browser notice_changes output period audit backup move deploy
        export policy report metrics setup
        """,
}
TRANSLATIONS = ROOT / "blueprints/languages/translations/pt/LC_MESSAGES"


def imports_of(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            found += [str(node.module)]
            if re.fullmatch(r"blueprints(\.[a-z]+)?", str(node.module)):
                found += [f"{node.module}.{name.name}" for name in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found += [str(name.value) for name in node.args if isinstance(name, ast.Constant)]
    return found


def forbidden_imports(room: str, file: Path) -> list[str]:
    allowed = {room} | MAY_IMPORT.get(room, set())
    return [
        name
        for name in imports_of(file)
        if name == "app" or (name.startswith("blueprints.") and name.split(".")[1] not in allowed)
    ]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_the_rooms_that_it_may(room: str) -> None:
    files = list((ROOT / "blueprints" / room).rglob("*.py"))
    assert files
    for file in files:
        assert forbidden_imports(room, file) == [], file


def test_the_house_is_drawn_from_its_imports() -> None:
    """Seen with `pytest -s -k drawn`: each room, its lines, and the rooms that it imports."""
    drawn = {}
    for room in sorted(ROOMS, key=lambda room: (len(MAY_IMPORT.get(room, ())), room)):
        files = list((ROOT / "blueprints" / room).rglob("*.py"))
        lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
        names = {name for file in files for name in imports_of(file)}
        drawn[room] = {name.split(".")[1] for name in names if name.startswith("blueprints.")}
        print(f"{room:10} {lines:5}  {' '.join(sorted(drawn[room] - {room}))}")  # noqa: T201
    assert all(drawn[room] - {room} <= MAY_IMPORT.get(room, set()) for room in ROOMS)


def test_the_guard_sees_a_forbidden_import(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "from blueprints.consent.views import choose\nimport app\n"
        "import_module('blueprints.proof.seals')\n",
        encoding="utf-8",
    )
    found = forbidden_imports("article", file)
    assert found == ["blueprints.consent.views", "app", "blueprints.proof.seals"]
    file.write_text("from blueprints.consent import views\n", encoding="utf-8")
    assert "blueprints.consent.views" in imports_of(file)


def test_rules_and_registry_import_the_standard_library_only() -> None:
    each_other = {f"blueprints.consent.{name}" for name in STANDARD_LIBRARY_ONLY}
    for name in STANDARD_LIBRARY_ONLY:
        for module in imports_of(ROOT / f"blueprints/consent/{name}.py"):
            top = module.split(".")[0]
            assert module in each_other or top in sys.stdlib_module_names, f"{name}: {module}"


@pytest.mark.parametrize("room", sorted(ORDER))
def test_inside_a_room_arrows_point_one_way(room: str) -> None:
    folder, order = ROOT / "blueprints" / room, ORDER[room].split()
    assert sorted(order) == sorted(
        path.stem for path in folder.rglob("*.py") if path.stem != "__init__"
    )
    for position, module in enumerate(order):
        later = {f"blueprints.{room}.{name}" for name in order[position + 1 :]}
        assert not later & set(imports_of(folder / f"{module}.py")), module


def test_no_import_hides_inside_a_function() -> None:
    for file in [ROOT / "app.py", *(ROOT / "blueprints").rglob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                hidden = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not hidden, f"{file}: {node.name}"


def test_a_module_can_be_read_in_one_sitting() -> None:
    for file in [ROOT / "app.py", *(ROOT / "blueprints").rglob("*.py")]:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 250, file


def test_every_room_is_a_blueprint_that_is_registered() -> None:
    site = create_app({"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": "sqlite:///"})
    assert set(site.blueprints) == ROOMS


def test_the_top_level_is_as_designed() -> None:
    allowed = {"pyproject.toml", "app.py", "blueprints", "templates", "static", "tests"}
    allowed |= {"README.md", "LICENSE", "CHANGELOG.md"}
    generated = {"instance", "build", "__pycache__"}
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.suffix != ".egg-info":
            assert path.name in allowed | generated, path.name


def test_the_changelog_has_a_section_for_each_version_the_newest_first() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    # What is not released yet stands above, until it has a version.
    released = sections[sections[0] == "Unreleased" :]
    told = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) – (\d{4}-\d\d-\d\d)", each) for each in released]
    versions = [tuple(map(int, each.groups()[:3])) for each in told if each]
    assert len(versions) == len(released)
    assert versions == sorted(set(versions), reverse=True)
    days = [each[4] for each in told if each]
    assert days == sorted(days, reverse=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ".".join(map(str, versions[0])) == project["version"]
    # By them one goes back to an older version.
    revisions = re.findall(r"^Database: revision (\d{4})\.", changelog, re.MULTILINE)
    assert len(revisions) == len(sections)
    assert revisions[0] == ScriptDirectory(MIGRATIONS).get_current_head()


def test_every_sentence_is_translated_and_the_compiled_file_is_current() -> None:
    with (TRANSLATIONS / "messages.po").open("rb") as file:
        source = read_po(file, locale="pt")
    with (TRANSLATIONS / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    for message in source:
        if message.id:
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            assert all(strings), f"not translated: {key}"
            found = compiled.get(key)
            assert found is not None, f"not compiled: {key}"
            assert list(found.string or ()) == list(message.string or ())
    for sentence in sentences_of(ROOT / "templates"):
        assert source.get(sentence) is not None, f"not in messages.po: {sentence}"
