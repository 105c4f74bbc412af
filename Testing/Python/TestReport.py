"""The report: what matters first, sides and pictures right, readable by all, everything inside one file."""

import re
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Grids import emptyImage, imageBounds
from MedFusionLib.Core.Images.Transforms import Pose
from MedFusionLib.Core.Registration.ImageEvidence import ImageEvidence
from MedFusionLib.Core.Registration.RegistrationResult import Target
from MedFusionLib.Core.Results.RunDocument import RunDocument
from MedFusionLib.Core.Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements
from MedFusionLib.Core.Tumor.Outline import SecondOpinion
from MedFusionLib.Core.Verdict import Judgment, Verdict
from MedFusionLib.Report.FirstScreen import volumeRange
from MedFusionLib.Report.Page import Figure, figures, table
from MedFusionLib.Report.Pdf import writePdf
from MedFusionLib.Report.Pictures import (
    OUTLINE_COLOR,
    Plane,
    checkerboard,
    cropGrid,
    grayPicture,
    headBox,
    sliceGrid,
    sliceValues,
    withOutline,
)
from MedFusionLib.Report.RegistrationPictures import landmarkPicture
from MedFusionLib.Report.RunReport import runReport
from MedFusionLib.Report.Style import STYLE
from MedFusionLib.Report.SurfacePicture import surfacePictures
from MedFusionLib.Report.Texts import ml, mm, verdictBox
from MedFusionLib.Report.Views import viewsOf
from PdfTesting import pageTexts, skipWithoutPdf
from TestRunDocument import phantomDocument


def withoutPictures(html: str) -> str:
    """Return a page with its pictures' data left out, so that a failure can be read."""
    return re.sub(r"base64,[^\"]+", "base64,0000", html)


def headWithMark(mark: tuple[float, float, float]) -> sitk.Image:
    """Return a ball of tissue (40 HU) around the origin with a bright ball (1500 HU) at a point, LPS mm."""
    image = emptyImage([80, 80, 80], [2.5] * 3, [-98.75] * 3, np.eye(3), sitk.sitkInt16)
    points = sitk.GetArrayFromImage(
        sitk.PhysicalPointSource(sitk.sitkVectorFloat64, image.GetSize(), image.GetOrigin(), image.GetSpacing())
    )
    values = np.where(np.linalg.norm(points, axis=-1) < 80, 40, -1000)
    values[np.linalg.norm(points - mark, axis=-1) < 12] = 1500
    marked = sitk.GetImageFromArray(values.astype(np.int16))
    marked.CopyInformation(image)
    return marked


class TestPictures(unittest.TestCase):
    def test_the_patient_s_sides_are_where_their_letters_are(self):
        mark = (40.0, -50.0, 30.0)  # left, anterior, superior
        image = headWithMark(mark)
        expected = {Plane.axial: ("L", "A"), Plane.coronal: ("L", "S"), Plane.sagittal: ("A", "S")}
        for plane, (across, up) in expected.items():
            with self.subTest(plane.name):
                values = sliceValues(image, sliceGrid(plane, np.array(mark), imageBounds(image)))
                row, column = np.argwhere(values > 1000).mean(axis=0) - (np.array(values.shape) - 1) / 2
                html = figures(Figure(grayPicture(values, (0, 1500)), f"{plane.name}: CT"))
                left, right, top = re.findall(r'<span class="side [^>]*>(\w)</span>', html)
                self.assertEqual(right if column > 0 else left, across)
                self.assertLess(row, 0)
                self.assertEqual(top, up)

    def test_pictures_side_by_side_have_their_letters_each(self):
        html = figures(Figure(np.zeros((4, 8, 3), np.uint8), "axial: L1", parts=2))
        self.assertEqual(re.findall(r'side (?:left|right)"[^>]*>(\w)<', html), ["R", "L", "R", "L"])
        self.assertIn('side left" style="left:50%"', html)
        self.assertIn('side right" style="right:50%"', html)

    def test_the_frame_holds_the_head_and_little_else(self):
        box = headBox(headWithMark((0, 0, 0)))
        np.testing.assert_allclose(box, [[-80] * 3, [80] * 3], atol=16)
        self.assertTrue((box[0] < -79).all() and (box[1] > 79).all())
        np.testing.assert_array_equal(headBox(sitk.Image([9, 9, 9], sitk.sitkInt16)), [[-0.5] * 3, [8.5] * 3])

    def test_an_outline_is_white_under_its_color_and_hides_nothing_inside(self):
        mask = np.zeros((40, 40), bool)
        mask[15:25, 15:25] = True
        drawn = withOutline(np.zeros((40, 40, 3), np.uint8), mask, OUTLINE_COLOR)
        self.assertFalse(drawn[mask].any())
        self.assertTrue((drawn == OUTLINE_COLOR).all(axis=-1).any())
        self.assertTrue((drawn == 255).all(axis=-1)[20, [14, 11]].all())
        empty = np.zeros((40, 40), bool)
        np.testing.assert_array_equal(withOutline(drawn, empty, OUTLINE_COLOR), drawn)

    def test_a_checkerboard_shows_both_in_turn(self):
        board = checkerboard(np.zeros((6, 6, 3), np.uint8), np.full((6, 6, 3), 9, np.uint8), 2)[..., 0]
        np.testing.assert_array_equal(board[::2, ::2], [[0, 9, 0], [9, 0, 9], [0, 9, 0]])

    def test_a_crop_is_as_wide_as_it_is_asked_to_be(self):
        grid = cropGrid(Plane.coronal, np.array([5.0, 6.0, 7.0]), 60.0, 0.4)
        self.assertEqual(grid.GetSize()[0], 150)
        middle = grid.TransformContinuousIndexToPhysicalPoint([74.5, 74.5, 0])
        np.testing.assert_allclose(middle, (5, 6, 7))


class TestPage(unittest.TestCase):
    def test_a_table_names_its_rows_and_sets_numbers_to_the_right(self):
        html = table(("Landmark", "Residual", "Remark"), [("L1", mm(1.23), "odd <"), ("L2", "", "")])
        self.assertIn('<th scope="row">L1</th><td class="number">1.2\N{NO-BREAK SPACE}mm</td><td>odd &lt;</td>', html)
        self.assertEqual(html.count('scope="col"'), 3)

    def test_volumes_have_the_digits_that_they_deserve(self):
        self.assertEqual([ml(15.389), ml(0.3456)], ["15.4\N{NO-BREAK SPACE}ml", "0.35\N{NO-BREAK SPACE}ml"])

    def test_a_verdict_has_a_word_besides_its_color(self):
        for judgment in Judgment:
            reasons = () if judgment is Judgment.confirmed else ("The images say <otherwise>.",)
            html = verdictBox("Alignment", Verdict(judgment, reasons), "A sentence.")
            self.assertIn(f"Alignment {judgment.value}</strong>", html)
            self.assertIn("A sentence.", html)
            self.assertEqual("&lt;otherwise&gt;" in html, judgment is not Judgment.confirmed)


class TestColors(unittest.TestCase):
    def schemes(self) -> list[dict[str, str]]:
        """Return the colors by their names, of the light and of the dark scheme."""
        light, dark = (dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in re.split(r"@media", STYLE)[:2])
        return [light, light | dark]

    @staticmethod
    def luminance(color: str) -> float:
        """Return the relative luminance of a color, as WCAG 2 defines it."""
        digits = color[1:] if len(color) == 7 else "".join(digit * 2 for digit in color[1:])
        channels = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    def test_every_text_can_be_read_on_its_ground_in_light_and_dark(self):
        grounds = {f"{name}-back": (name, "text") for name in ("confirmed", "doubtful", "not-confirmed")}
        for number, colors in enumerate(self.schemes()):
            for ground, texts in (grounds | {"back": ("text", "soft")}).items():
                for text in texts:
                    high, low = sorted((self.luminance(colors[text]), self.luminance(colors[ground])), reverse=True)
                    self.assertGreater((high + 0.05) / (low + 0.05), 4.5, (number, text, ground))


class TestVolumeRange(unittest.TestCase):
    def test_it_lies_between_two_methods_else_around_the_one(self):
        def lesion(uncertainty: float) -> LesionMeasurements:
            return mock.Mock(spec=LesionMeasurements, volumeMl=17.3, volumeUncertaintyMl=uncertainty)

        second = SecondOpinion(sitk.Image([2, 2, 2], sitk.sitkUInt8), ("automatic",), (0.4,), ((17.3, 4.3),))
        self.assertEqual(volumeRange(lesion(13.0), second), "4.3 to 17.3\N{NO-BREAK SPACE}ml")
        self.assertEqual(volumeRange(lesion(1.0), second), "16.3 to 18.3\N{NO-BREAK SPACE}ml")
        self.assertEqual(volumeRange(lesion(1.0), None), "16.3 to 18.3\N{NO-BREAK SPACE}ml")
        both = SegmentMeasurements((lesion(13.0), lesion(1.0)), 34.6)
        self.assertEqual(volumeRange(both, second), "20.6 to 35.6\N{NO-BREAK SPACE}ml")


class TestRunReport(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.document = phantomDocument()
        cls.html = withoutPictures(runReport(cls.document))

    def first(self, document: RunDocument) -> str:
        """Return what comes before the registration's section."""
        return withoutPictures(runReport(document)).split('<h2 id="registration">')[0]

    def test_the_first_screen_answers_what_is_asked_first(self):
        document = self.document
        doubt = Verdict(Judgment.doubtful, ("Images and landmarks are 9 mm apart.",))
        first = self.first(replace(document, registration=replace(document.registration, verdict=doubt)))
        self.assertIn("Alignment doubtful</strong>", first)
        self.assertIn("Images and landmarks are 9 mm apart.", first)
        self.assertIn(f"Outline {document.tumor.result.verdict.judgment.value}</strong>", first)
        total = document.tumor.measured.total
        for value in (ml(total.volumeMl), f"{total.bidimensionalProductMm2:.0f}\N{NO-BREAK SPACE}mm²"):
            self.assertIn(value, first)
        for sentence in document.warnings:
            self.assertIn(sentence, first)
        self.assertEqual(first.count("<figure>"), 1)
        self.assertIn("not named in the input files", first)

    def test_the_alignment_says_whether_the_images_were_asked(self):
        registration = replace(self.document.registration, images=None, verdict=Verdict(Judgment.confirmed))
        for overlap, words in ((None, "the images have not been compared"), (0.98, "nothing in the images speaks")):
            asked = replace(registration, overlap=overlap)
            self.assertIn(words, self.first(replace(self.document, registration=asked)))

    def test_without_a_tumor_the_report_says_so(self):
        document = replace(self.document, tumor=None)
        self.assertIn("No tumor was outlined.", self.first(document))
        self.assertNotIn(">Tumor</h2>", withoutPictures(runReport(document)))

    def test_each_lesion_has_its_row_and_its_pictures(self):
        document = phantomDocument(withSecondLesion=True)
        html = withoutPictures(runReport(document))
        first, rest = html.split('<h2 id="registration">')
        for number, lesion in enumerate(document.tumor.measured.total.lesions, start=1):
            self.assertIn(f'<th scope="row">Lesion {number}</th><td class="number">{ml(lesion.volumeMl)}</td>', first)
        self.assertIn(f'<th scope="row">Sum</th><td class="number">{ml(document.tumor.measured.total.volumeMl)}', first)
        self.assertEqual(len(set(re.findall(r'alt="(\w+: lesion \d)"', rest))), 3)
        self.assertNotIn(">Tumor 2<", rest)  # the same as lesion 2

    def test_lesions_carry_their_numbers_where_a_slice_cuts_them(self):
        document = phantomDocument(withSecondLesion=True)
        views = viewsOf(document)
        for number, lesion in enumerate(document.tumor.measured.total.lesions, start=1):
            grid = views.crop(Plane.axial, 60.0, around=lesion.centroid)
            marks = {text: (x, y) for text, x, y in views.lesionNumbers(grid)}
            x, y = marks[str(number)]
            self.assertAlmostEqual(x, 0.5, delta=0.1)
            self.assertLess(y, 0.5)
        self.assertEqual(viewsOf(self.document).lesionNumbers(grid), ())

    def test_further_scores_are_folded_away_unless_all_is_wanted(self):
        self.assertIn("computed with the option --full", self.html)
        document = phantomDocument(scoresInFull=True)
        html = withoutPictures(runReport(document))
        self.assertNotIn("<details open>", html)
        self.assertEqual(runReport(document, isFull=True).count("<details open>"), html.count("<details>"))
        shown, folded = html.split(">Fusion</h2>")[1].split("<details>")[:2]
        self.assertIn(">Bone<", shown)
        self.assertIn(">QABF<", folded)

    def test_the_error_at_chosen_targets_is_told(self):
        target = Target("Chiasm", self.document.registration.fixedPoints.mean(axis=0))
        registration = replace(self.document.registration, targets=(target,))
        expected, _ = registration.errorsUnder(target.point)
        html = runReport(replace(self.document, registration=registration))
        self.assertIn(f'<th scope="row">At Chiasm</th><td class="number">{mm(expected)}</td>', html)

    def test_landmarks_are_sorted_by_their_residuals_and_shown_in_both_images(self):
        residuals = dict(zip(self.document.registration.labels, self.document.registration.residuals, strict=True))
        rows = self.html.split(">Landmarks</h3>")[1].split("</table>")[0]
        named = re.findall(r'<th scope="row">([^<]+)</th>', rows)
        self.assertEqual(named, sorted(residuals, key=residuals.get, reverse=True))
        shown = re.findall(r'alt="\w+: ([^"]+), residual', self.html)
        self.assertEqual(shown, named[:6])

    def test_the_printed_report_takes_five_sheets_at_most(self):
        skipWithoutPdf()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.pdf"
            writePdf(path, runReport(phantomDocument(withSecondLesion=True)))
            self.assertLessEqual(len(pageTexts(path)), 5)

    def test_every_picture_says_what_it_shows(self):
        texts = re.findall(r'<img src="data:image/png;base64,[^"]+" alt="([^"]*)"', self.html)
        self.assertEqual(len(texts), self.html.count("<img"))
        self.assertTrue(all(texts))
        self.assertEqual(len(set(texts)), len(texts))

    def test_the_page_is_one_file_with_one_heading_and_no_script(self):
        self.assertNotRegex(self.html, r"<script|src=.http|href=.[^#]|url\(|@import")
        self.assertEqual(self.html.count("<h1>"), 1)
        for landmark in ("<header", "<main>", "<footer>", 'lang="en"'):
            self.assertIn(landmark, self.html)

    def test_every_link_of_the_page_leads_to_a_heading(self):
        links = re.findall(r'href="#([^"]+)"', self.html)
        self.assertGreater(len(links), 4)
        self.assertLessEqual(set(links), set(re.findall(r'<h\d id="([^"]+)"', self.html)))

    def test_the_first_screen_says_what_makes_the_size_doubtful(self):
        document = self.document
        labels = document.tumor.result.labelImage
        second = SecondOpinion(labels, ("click",), (0.76,), ((10.0, 6.0),))
        result = replace(document.tumor.result, second=second, verdict=Verdict(Judgment.confirmed))
        pose = Pose(np.eye(3), np.zeros(3))
        images = ImageEvidence(pose, 0.1, 0.2, stretched=pose)
        for changed, sentence in (
            (replace(document, tumor=replace(document.tumor, result=result)), "volume differs by 40%"),
            (replace(document, registration=replace(document.registration, images=images)), "measured in the MRI"),
        ):
            self.assertNotIn(sentence, self.first(document))
            self.assertIn(sentence, self.first(changed))
        html = withoutPictures(runReport(replace(document, tumor=replace(document.tumor, result=result))))
        self.assertIn("6.00\N{NO-BREAK SPACE}ml", html.split("By the second method")[1].split("</table>")[0])

    def test_the_surface_is_seen_where_the_tumor_is(self):
        views = viewsOf(self.document)
        pictures = surfacePictures(views)
        side = "left" if views.center[0] > views.box.mean(axis=0)[0] else "right"
        self.assertEqual(set(pictures), {"seen from the front", f"seen from the {side} side"})
        place = (views.center - views.box[0]) / np.ptp(views.box, axis=0)
        for name, across in (("front", place[0]), (f"{side} side", place[1] if side == "left" else 1 - place[1])):
            picture = pictures[f"seen from the {name}"].astype(int)
            isTumor = picture[..., 0] - picture[..., 2] > 60
            row, column = np.argwhere(isTumor).mean(axis=0) / isTumor.shape
            np.testing.assert_allclose((row, column), (1 - place[2], across), atol=0.08)

    def test_a_landmark_is_shown_on_the_plane_with_most_structure(self):
        views = viewsOf(self.document)
        top = np.array([*views.box.mean(axis=0)[:2], views.box[1, 2] - 3.0])
        picture, plane = landmarkPicture(views, top, np.array([0.0, 0.0, 1.0]))
        self.assertIsNot(plane, Plane.axial)
        self.assertEqual(picture.shape, (150, 304, 3))


if __name__ == "__main__":
    unittest.main()
