"""Renders the committed PNG and ICO files from the drawings in static/img, with Chromium.

Run `python tests/render_images.py` after a drawing was changed. What is rendered here once need not
be rendered where the site runs: no browser there, and nothing to wait for at start.
"""

import io
import re
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "static/img"
SOCIAL = ROOT / "blueprints/article/social"


def rendered(page: Page, svg: str, width: int, height: int) -> Image.Image:
    page.set_viewport_size({"width": width, "height": height})
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
    page.evaluate("document.querySelector('svg').setAttribute('width', '100%')")
    return Image.open(io.BytesIO(page.screenshot(omit_background=True)))


def main() -> None:
    icon = (IMAGES / "icon.svg").read_text(encoding="utf-8")
    # A telephone cuts the corners itself, and may cut off as much as a tenth on each side.
    whole = re.sub(r' rx="\d+"', "", icon).replace("0 0 32 32", "-4 -4 40 40")
    whole = whole.replace('<rect width="32"', '<rect x="-4" y="-4" width="40"')
    whole = whole.replace('height="32"', 'height="40"')
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page()
        for name, size in (("apple-touch-icon", 180), ("icon-192", 192), ("icon-512", 512)):
            picture = rendered(page, whole, size, size).convert("RGB").quantize(32)
            picture.save(IMAGES / f"{name}.png", optimize=True)
        favicon = rendered(page, icon, 64, 64)
        favicon.save(IMAGES / "favicon.ico", sizes=[(16, 16), (32, 32)])
        porto = rendered(page, (IMAGES / "porto.svg").read_text(encoding="utf-8"), 1200, 400)
        porto.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
            SOCIAL / "porto.png", optimize=True
        )
        chromium.close()


if __name__ == "__main__":
    main()
