"""Renders the PNG and ICO files made of the drawings, with Chromium.

Run `python tests/render_images.py` after a drawing in `static/img` was changed; with the folder of
another `icon.svg` as its argument it renders that. What is rendered here once need not be rendered
where the site runs: no browser there, and nothing to wait for at start.
"""

import io
import re
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from blueprints.site.look import coloured
from blueprints.site.setup import SHIPPED
from blueprints.site.site import BrokenSiteError, read_site

STATIC = Path(__file__).parents[1] / "static"
IMAGES = STATIC / "img"


# A drawing that names its size alone does not grow.
SCALED = """() => { const svg = document.querySelector("svg");
    if (svg.hasAttribute("viewBox")) return;
    svg.setAttribute("viewBox", `0 0 ${svg.width.baseVal.value} ${svg.height.baseVal.value}`); }"""


def pixels(page: Page, svg: str, width: int, height: int) -> Image.Image:
    page.set_viewport_size({"width": width, "height": height})
    look = "body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }"
    page.set_content(f"<style>{look}</style>{svg}")
    page.evaluate(SCALED)
    return Image.open(io.BytesIO(page.screenshot(omit_background=True)))


def with_margin(page: Page, svg: str, size: int) -> Image.Image:
    """Draw a city's own icon on white, with what a telephone may cut off on each side."""
    canvas, margin = Image.new("RGBA", (size, size), "white"), size // 10
    drawn = pixels(page, svg, size - 2 * margin, size - 2 * margin).convert("RGBA")
    canvas.alpha_composite(drawn, (margin, margin))
    return canvas


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    beside, drawing = folder.parent / "site.toml", folder / "icon.svg"
    try:
        site = read_site(beside if beside.is_file() else SHIPPED, STATIC)
        icon = coloured(drawing, site).decode()
    except BrokenSiteError as error:
        sys.exit(f"{beside} is wrong: {error}.")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{drawing} cannot be read: {error}.")
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
            is_ours = folder == IMAGES
            drawn = pixels(page, whole, size, size) if is_ours else with_margin(page, icon, size)
            picture = drawn.convert("RGB").quantize(32)
            picture.save(folder / f"{name}.png", optimize=True)
        favicon = pixels(page, icon, 64, 64)
        favicon.save(folder / "favicon.ico", sizes=[(16, 16), (32, 32)])
        if folder == IMAGES:
            porto = pixels(page, coloured(IMAGES / "porto.svg", site).decode(), 1200, 400)
            porto.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
                IMAGES / "porto.png", optimize=True
            )
        chromium.close()


if __name__ == "__main__":
    main()
