"""The report as PDF: whose it is on every sheet, the same every time, nothing fetched, and refused in a sentence."""

import builtins
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from MedFusionLib.Report.Page import Figure, figures, page, section, table
from MedFusionLib.Report.Pdf import writePdf
from MedFusionTesting import medfusion
from PdfTesting import pageTexts, skipWithoutPdf

PATIENT = "Doe, Jane · P-0042 · 1960-04-01"


def reportPage(rows: int) -> str:
    picture = np.zeros((40, 40, 3), np.uint8)
    parts = (figures(Figure(picture, "axial: CT")), table(("Row", "Value"), [(str(row), 1.5) for row in range(rows)]))
    return page("MedFusion report", "a to b", "<p>Look.</p>", [section("One", *parts)], foot=PATIENT)


class TestPdfRenderer(unittest.TestCase):
    def refusal(self, error: type[Exception]) -> str:
        """Return what is said where WeasyPrint's import ends in an error."""
        original = builtins.__import__

        def importing(name: str, *rest: object) -> object:
            if name == "weasyprint":
                print("a long notice")
                raise error(name)
            return original(name, *rest)

        with mock.patch.object(builtins, "__import__", importing), tempfile.TemporaryDirectory() as folder:
            for arguments in (
                ("run", "ct.nrrd", "mri.nrrd", "--auto", "--tumor-seed", "0,0,0"),
                ("compare", "first", "second"),
            ):
                status, printed, errors = medfusion(*arguments, "--pdf", "--output", Path(folder) / "out")
                self.assertEqual((status, printed, len(errors.splitlines())), (2, "", 1), errors)
                self.assertEqual(list(Path(folder).iterdir()), [])
        return errors

    def test_without_weasyprint_pdf_is_refused_before_the_work(self):
        self.assertRegex(self.refusal(ImportError), r"pip install weasyprint")

    def test_without_pango_pdf_is_refused_before_the_work(self):
        self.assertRegex(self.refusal(OSError), r"system library Pango.*apt install")


class TestPdfReport(unittest.TestCase):
    def setUp(self) -> None:
        skipWithoutPdf()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_every_sheet_says_whose_it_is_and_which(self):
        path = self.folder / "report.pdf"
        writePdf(path, reportPage(rows=200))
        self.assertEqual(path.read_bytes()[:5], b"%PDF-")
        texts = pageTexts(path)
        self.assertGreater(len(texts), 3)
        for number, text in enumerate(texts, start=1):
            self.assertIn("Doe, Jane", text)
            self.assertRegex(text, rf"{number}\s/\s{len(texts)}")

    def test_the_same_page_gives_the_same_file_in_another_process_and_names_no_computer(self):
        path, again = self.folder / "one.pdf", self.folder / "two.pdf"
        (self.folder / "page.html").write_text(reportPage(rows=5), encoding="utf-8")
        writePdf(path, reportPage(rows=5))
        script = (
            "import sys; from pathlib import Path; from MedFusionLib.Report.Pdf import writePdf;"
            "writePdf(Path(sys.argv[2]), Path(sys.argv[1]).read_text(encoding='utf-8'))"
        )
        library = Path(sys.modules["MedFusionLib.Report.Pdf"].__file__).parents[2]
        command = [sys.executable, "-c", script, str(self.folder / "page.html"), str(again)]
        subprocess.run(command, cwd=library, check=True)
        self.assertEqual(path.read_bytes(), again.read_bytes())
        self.assertNotRegex(path.read_bytes(), rb"Date|/(?:home|tmp|usr)/")

    def test_nothing_is_fetched(self):
        secret = self.folder / "secret.txt"
        secret.write_text("secret", encoding="utf-8")
        html = f'<link rel="attachment" href="{secret.as_uri()}"><img src="http://localhost:1/a.png"><p>text</p>'
        path = self.folder / "report.pdf"
        with self.assertLogs("weasyprint", "ERROR") as logged:
            writePdf(path, html)
        self.assertEqual(len(re.findall("disallowed protocol", " ".join(logged.output))), 2, logged.output)
        self.assertNotIn(b"EmbeddedFile", path.read_bytes())


if __name__ == "__main__":
    unittest.main()
