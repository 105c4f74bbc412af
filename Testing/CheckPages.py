"""Look at pages in headless Chromium: python Testing/CheckPages.py PAGE.html ... [--pictures FOLDER] [--axe AXE.JS]

Of each page are said: what the accessibility checker axe-core finds, light, dark and on a phone; what is wider than a
phone; and how many sheets of A4 it takes. The first screen (1400x900, light and dark), the phone's and the whole page
are kept as pictures. axe-core comes from npm (`npm install axe-core`), Chromium from the system. Exit status 1 where
something serious was found.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-extensions")
SCREEN, PHONE, MOST_SHEETS = (1400, 900), (390, 844), 5
DARK = "--blink-settings=preferredColorScheme=0"
SERIOUS = ("serious", "critical")
_MOST_HEIGHT = 9000
# What was found goes into the title, which the browser prints with the page. A phone is a frame of its width.
_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(found => {
  const wide = Array.from(document.body.querySelectorAll("*")).filter(
    each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".wide")).length;
  const told = {violations: found.violations.map(v => ({id: v.id, impact: v.impact, help: v.help,
                nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)), count: v.nodes.length})),
                wide: wide, height: document.documentElement.scrollHeight};
  parent.document.title = document.title = JSON.stringify(told); });
"""


class Looker:
    """Look at pages with one profile of the browser, in a folder that is removed afterwards."""

    def __init__(self, axe: Path, folder: Path) -> None:
        self.axe = axe.read_text(encoding="utf-8")
        self.folder = folder

    def browse(self, address: str, *flags: str) -> str:
        """Return what the browser prints."""
        command = [BROWSER, *FLAGS, f"--user-data-dir={self.folder}/profile", *flags, address]
        return subprocess.run(command, capture_output=True, text=True, timeout=300).stdout

    def found(self, page: Path, isDark: bool = False, isPhone: bool = False) -> dict:
        """Return what axe says of a page."""
        text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{self.axe}</script></body>")
        copy = self.folder / "page.html"
        copy.write_text(text.replace("</body>", f"<script>{_RUN}</script></body>"), encoding="utf-8")
        if isPhone:
            frame = self.folder / "frame.html"
            frame.write_text(self.framed("page.html", *PHONE), encoding="utf-8")
            copy = frame
        flags = ["--virtual-time-budget=20000", "--allow-file-access-from-files", "--dump-dom"]
        size = f"--window-size={SCREEN[0]},{SCREEN[1]}"
        printed = self.browse(copy.as_uri(), *flags, size, *([DARK] if isDark else []))
        title = re.search(r"<title>(\{.*?\})</title>", printed, re.DOTALL)
        if title is None:
            raise SystemExit(f"{page}: the browser said nothing; is it a page?")
        return json.loads(html.unescape(title[1]))

    @staticmethod
    def framed(address: str, width: int, height: int) -> str:
        """Return a page that shows another one in a frame of a size."""
        style = f"border: 0; width: {width}px; height: {height}px"
        return (
            "<!DOCTYPE html><title>frame</title><body style='margin: 0'>"
            f"<iframe title='page' style='{style}' src='{html.escape(address)}'></iframe>"
        )

    def picture(self, page: Path, target: Path, size: tuple[int, int], isDark: bool = False) -> None:
        """Keep a picture of a page in a window of a size, which may be narrower than the browser's own."""
        frame = self.folder / "frame.html"
        frame.write_text(self.framed(page.resolve().as_uri(), *size), encoding="utf-8")
        flags = [f"--screenshot={target}", f"--window-size={size[0]},{size[1]}", "--allow-file-access-from-files"]
        self.browse(frame.as_uri(), *flags, *([DARK] if isDark else []))

    def sheets(self, page: Path, target: Path) -> int:
        """Print a page and return how many sheets it takes."""
        self.browse(page.resolve().as_uri(), f"--print-to-pdf={target}", "--no-pdf-header-footer")
        return len(re.findall(rb"/Type\s*/Page\b", target.read_bytes()))


def look(looker: Looker, page: Path, pictures: Path) -> tuple[bool, int]:
    """Say what is found on a page, keep its pictures, and return whether nothing serious was found, and its sheets."""
    name = "-".join(part for part in (page.parent.parent.name, page.parent.name, page.stem) if part)
    isRight = True
    for kind, options in {"light": {}, "dark": {"isDark": True}, "phone": {"isPhone": True}}.items():
        told = looker.found(page, **options)
        serious = [each for each in told["violations"] if each["impact"] in SERIOUS]
        isRight &= not serious and not told["wide"]
        print(f"{name}, {kind}: {len(serious)} serious of {len(told['violations'])} findings, {told['wide']} too wide")
        for each in told["violations"]:
            print(f"    {each['impact']}: {each['help']} ({each['count']}), as in {each['nodes'][0]}")
        if kind == "light":
            height = min(told["height"], _MOST_HEIGHT)
    looker.picture(page, pictures / f"{name}-screen.png", SCREEN)
    looker.picture(page, pictures / f"{name}-dark.png", SCREEN, isDark=True)
    looker.picture(page, pictures / f"{name}-phone.png", (PHONE[0], 3 * PHONE[1]))
    looker.picture(page, pictures / f"{name}-whole.png", (SCREEN[0], height))
    count = looker.sheets(page, pictures / f"{name}.pdf")
    print(f"{name}, on paper: {count} sheets of A4")
    return isRight, count


def main() -> int:
    """Look at all pages that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--pictures", type=Path, default=Path("benchmark-output") / "pages")
    parser.add_argument("--any-length", action="store_true", help="do not mind how many sheets a page takes")
    parser.add_argument("--axe", type=Path, default=Path("node_modules") / "axe-core" / "axe.min.js")
    arguments = parser.parse_args()
    if BROWSER is None or not arguments.axe.is_file():
        sys.exit("Install Chromium, and axe-core by npm install axe-core.")
    pictures = arguments.pictures.resolve()
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        looker = Looker(arguments.axe, Path(folder))
        found = [look(looker, page, pictures) for page in arguments.pages]
    isShort = arguments.any_length or max(count for _, count in found) <= MOST_SHEETS
    return 0 if isShort and all(isRight for isRight, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
