"""README and the documents that it leads to: all that is told to who runs or changes the site."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CHANGELOG = ROOT / "CHANGELOG.md"  # tells what was as well, so that it is none of them
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`]+`")


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def links_of(document: Path) -> list[tuple[Path, str]]:
    """Each file of ours that it links to, and the heading there as an address has it."""
    found = []
    for link in LINK.findall(CODE.sub("", BLOCK.sub("", read(document)))):
        name, _hash, heading = link.partition("#")
        if not name.startswith("https:"):
            found.append(((document.parent / name).resolve() if name else document, heading))
    return found


def headings_of(document: Path) -> set[str]:
    titles = HEADING.findall(BLOCK.sub("", read(document)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def documents() -> list[Path]:
    found = [README]
    for document in found:
        for file, _heading in links_of(document):
            if file.suffix == ".md" and file != CHANGELOG and file not in found:
                found.append(file)
    return found


def documentation() -> str:
    return "\n".join(map(read, documents()))
