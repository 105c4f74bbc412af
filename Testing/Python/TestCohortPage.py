"""The cohort's page in a real browser, without a driver: the page's own events, told by a script that is added."""

import html
import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from MedFusionLib.Report.CohortPage import Cell, Distribution, SubjectRow, Thumbnail, cohortPage

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
# What the added script has found out goes into the page's title, which the browser prints with the page.
ACT = """
const names = () => Array.from(document.querySelectorAll("tbody tr")).filter(r => !r.hidden).map(r => r.dataset.name);
const found = {start: names()};
const button = document.querySelectorAll("thead button")[2];
button.click(); found.rising = names();
button.click(); found.falling = names();
found.aria = button.parentNode.getAttribute("aria-sort");
const choose = (element, value) => { element.value = value; element.dispatchEvent(new Event("input"));
                                     element.dispatchEvent(new Event("change")); };
choose(document.getElementById("status"), "doubtful"); found.doubtful = names();
choose(document.getElementById("status"), "");
choose(document.getElementById("search"), "SHIFTED"); found.searched = names();
choose(document.getElementById("search"), "");
choose(document.querySelector("tr[data-name=sub-2] .mark"), "bad");
choose(document.querySelector("tr[data-name=sub-2] .remark"), "look\\tagain");
choose(document.getElementById("marked"), "bad"); found.marked = names();
let saved = null;
URL.createObjectURL = blob => { saved = blob; return "#"; };
HTMLAnchorElement.prototype.click = function () { found.download = this.download; };
document.getElementById("export").click();
saved.text().then(text => { found.review = text; document.title = JSON.stringify(found); });
"""


def rows() -> list[SubjectRow]:
    """Return three subjects, one of them doubtful and one failed."""
    thumbnail = Thumbnail("absent.jpg", "Edges of the MRI")
    return [
        SubjectRow("sub-1", "confirmed", "sub-1/report.html", (Cell("10.00", 10.0),), (), (thumbnail,)),
        SubjectRow("sub-2", "doubtful", "", (Cell("9.50", 9.5, isOutlier=True),), ("The MRI is shifted <3 mm>.",)),
        SubjectRow("sub-3", "failed", "", (Cell("", ""),), ("Register: no landmarks",)),
    ]


class TestCohortPage(unittest.TestCase):
    def page(self) -> str:
        return cohortPage("Cohort <one>", ["Tumor (ml)"], rows(), [Distribution("Tumor", "ml", (9.5, 10.0))])

    def test_texts_are_escaped_and_nothing_is_fetched_from_outside(self):
        page = self.page()
        self.assertIn("Cohort &lt;one&gt;", page)
        self.assertIn("shifted &lt;3 mm&gt;", page)
        self.assertNotRegex(page, r"https?://")

    @unittest.skipIf(BROWSER is None, "Chromium is not installed")
    def test_the_table_is_sorted_filtered_marked_and_saved_in_a_browser(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "index.html"
            file.write_text(self.page().replace("</body>", f"<script>{ACT}</script></body>"), encoding="utf-8")
            command = [BROWSER, *FLAGS, f"--user-data-dir={folder}/profile", "--virtual-time-budget=5000", "--dump-dom"]
            printed = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120).stdout
        title = re.search(r"<title>(\{.*?\})</title>", printed)
        self.assertIsNotNone(title, printed[:500])
        found = json.loads(html.unescape(title[1]))
        self.assertEqual(found["start"], ["sub-1", "sub-2", "sub-3"])
        self.assertEqual(found["rising"], ["sub-2", "sub-1", "sub-3"])
        self.assertEqual(found["falling"], ["sub-1", "sub-2", "sub-3"])
        self.assertEqual(found["aria"], "descending")
        self.assertEqual(found["doubtful"], ["sub-2"])
        self.assertEqual(found["searched"], ["sub-2"])
        self.assertEqual(found["marked"], ["sub-2"])
        self.assertEqual(found["download"], "review.tsv")
        self.assertEqual(found["review"], "subject\tmark\tnote\nsub-2\tbad\tlook again\n")


if __name__ == "__main__":
    unittest.main()
