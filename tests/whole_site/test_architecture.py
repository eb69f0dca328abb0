"""Promises about the code as a whole: who imports whom, what stands where, what is documented."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from app import DEFAULTS, create_app

ROOT = Path(__file__).parents[2]
ROOMS = {path.name for path in (ROOT / "blueprints").iterdir() if (path / "__init__.py").is_file()}
MAY_IMPORT = {"consent": {"database"}, "sessions": {"database"}}
STANDARD_LIBRARY_ONLY = {"consent/choices.py", "consent/registry.py"}
# Inside the consent room each module may import those before it, never those after it.
CONSENT_ORDER = [
    "registry",
    "choices",
    "log.digest",
    "log.merkle",
    "own.receipt",
    "own.receipt_check",
    "report.numbers",
    "report.charts",
    "log.notices",
    "log.notice_changes",
    "models",
    "forms",
    "services",
    "log.seals",
    "log.heads",
    "log.rows",
    "log.verifier",
    "log.retention",
    "log.erasure",
    "log.notice_store",
    "log.reading",
    "own.history",
    "report.dossier",
    "log.sealing",
    "visitor",
    "page",
    "enforcement",
    "views",
    "log.views",
    "own.views",
    "audit.findings",
    "audit.browser",
    "commands.shared",
    "commands.period",
    "commands.audit",
    "commands.export",
    "commands.find",
    "commands.log",
    "commands.policy",
    "commands.receipt",
    "commands.report",
    "setup",
]
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
            if node.module == "blueprints":
                found += [f"blueprints.{name.name}" for name in node.names]
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


def test_the_guard_sees_a_forbidden_import(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("from blueprints.consent.views import choose\nimport app\n", encoding="utf-8")
    assert forbidden_imports("article", file) == ["blueprints.consent.views", "app"]


def test_rules_and_registry_import_the_standard_library_only() -> None:
    for name in STANDARD_LIBRARY_ONLY:
        for module in imports_of(ROOT / "blueprints" / name):
            top = module.split(".")[0]
            assert top in __import__("sys").stdlib_module_names or module.startswith(
                ("blueprints.consent.choices", "blueprints.consent.registry")
            ), f"{name} imports {module}"


def test_inside_the_consent_room_arrows_point_one_way() -> None:
    for position, module in enumerate(CONSENT_ORDER):
        later = {f"blueprints.consent.{name}" for name in CONSENT_ORDER[position + 1 :]}
        file = ROOT / "blueprints/consent" / f"{module.replace('.', '/')}.py"
        assert not later & set(imports_of(file)), file


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
    generated = {"instance", "build"}
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.suffix != ".egg-info":
            assert path.name in allowed | generated, path.name


def test_every_setting_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("| `FLASK_")]
    documented = {name for row in rows for name in re.findall(r"`FLASK_(\w+)`", row)}
    assert documented == set(DEFAULTS)


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
    words = re.compile(r"""\b_\(\s*"([^"]+)"|ngettext\("([^"]+)\"""")
    for template in (ROOT / "templates").rglob("*.html"):
        for match in words.finditer(template.read_text(encoding="utf-8")):
            key = match[1] or match[2]
            assert source.get(key) is not None, f"{template.name}: not in messages.po: {key}"
