"""The documentation: links lead somewhere, pages made from the program are up to date, and commands run."""

import contextlib
import os
import re
import shlex
import sys
import tempfile
import unittest
from pathlib import Path

from MedFusionTesting import PROJECT_ROOT, medfusion

sys.path.insert(0, str(PROJECT_ROOT / "Testing"))

DOCS = PROJECT_ROOT / "Docs"
PAGES = [PROJECT_ROOT / "README.md", PROJECT_ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class TestPages(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for page in PAGES:
            for link in LINK.findall(page.read_text(encoding="utf-8")):
                if link.startswith(("http:", "https:", "mailto:")):
                    continue
                path, _, anchor = link.partition("#")
                target = page.parent / path if path else page
                self.assertTrue(target.exists(), f"{page.name}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{page.name}: {link}")

    def test_every_page_can_be_reached_from_the_readme(self):
        reached, waiting = set(), [PROJECT_ROOT / "README.md"]
        while waiting:
            page = waiting.pop().resolve()
            if page in reached or page.suffix != ".md":
                continue
            reached.add(page)
            links = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
            waiting += [page.parent / link for link in links if link and ":" not in link]
        self.assertLessEqual({page.resolve() for page in PAGES}, reached)

    def test_pictures_have_words_for_those_who_do_not_see_them(self):
        for page in PAGES:
            self.assertNotIn("![](", page.read_text(encoding="utf-8"), page.name)

    def test_the_readme_is_short(self):
        self.assertLessEqual((PROJECT_ROOT / "README.md").stat().st_size, 8 * 1024)

    def test_pages_made_from_the_program_are_up_to_date(self):
        import MakeDocs

        for name, page in MakeDocs.PAGES.items():
            written = (DOCS / name).read_text(encoding="utf-8")
            self.assertTrue(written == page(), f"Docs/{name} is out of date; run python Testing/MakeDocs.py.")

    def test_the_links_of_the_module_and_the_index_lead_to_files_of_the_repository(self):
        sources = [PROJECT_ROOT / "CMakeLists.txt", *(PROJECT_ROOT / "MedFusion").rglob("*.py")]
        links = [
            link
            for source in sources
            for link in re.findall(r"/SlicerMedFusion/(?:blob/)?main/([\w/.-]+)", source.read_text(encoding="utf-8"))
        ]
        self.assertIn("Docs/Tutorial.md", links)
        for link in links:
            self.assertTrue((PROJECT_ROOT / link).is_file(), link)

    def test_what_pages_ask_make_for_is_there(self):
        targets = re.findall(r"^([\w-]+):", (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        for page in PAGES:
            for target in re.findall(r"(?:^    |`)make ([\w-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
                self.assertIn(target, targets, page.name)

    def test_every_picture_of_the_docs_is_shown_on_a_page(self):
        texts = "".join(page.read_text(encoding="utf-8") for page in PAGES)
        for picture in (*DOCS.glob("*.png"), *DOCS.glob("*.svg")):
            self.assertIn(picture.name, texts)

    def test_every_script_that_a_page_names_is_there(self):
        for page in PAGES:
            for name in re.findall(r"`(?:python )?(Testing/[\w/]+\.py)", page.read_text(encoding="utf-8")):
                self.assertTrue((PROJECT_ROOT / name).is_file(), f"{page.name}: {name}")


class TestCommands(unittest.TestCase):
    def test_the_commands_of_readme_and_tutorial_run(self):
        for page in (PROJECT_ROOT / "README.md", DOCS / "Tutorial.md"):
            blocks = COMMANDS.findall(page.read_text(encoding="utf-8"))
            lines = [line for block in blocks for line in block.splitlines() if line.strip()]
            self.assertGreater(len(lines), 1, page.name)
            with tempfile.TemporaryDirectory() as folder, _workingIn(folder):
                for line in lines:
                    program, *arguments = shlex.split(line, comments=True)
                    self.assertEqual(program, "medfusion", line)
                    if arguments[0] == "demo":
                        _useDemo()
                        continue
                    status, _, errors = medfusion(*arguments)
                    self.assertEqual(status, 0, f"{line}\n{errors}")


_demoFolder: list[tempfile.TemporaryDirectory] = []


def _useDemo() -> None:
    """Bring the demo's folder here; it is made once, for it takes a while."""
    if not _demoFolder:
        _demoFolder.append(tempfile.TemporaryDirectory())
        unittest.addModuleCleanup(_demoFolder[0].cleanup)
        status, _, errors = medfusion("demo", "--output", Path(_demoFolder[0].name) / "demo")
        if status:
            raise AssertionError(errors)
    Path("demo").symlink_to(Path(_demoFolder[0].name) / "demo", target_is_directory=True)


@contextlib.contextmanager
def _workingIn(folder: str):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == "__main__":
    unittest.main()
