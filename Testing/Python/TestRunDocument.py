"""What is said about a result: complete, rounded to what it means, and as its JSON Schema describes it."""

import copy
import json
import unittest
from datetime import datetime

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes
from MedFusionLib.Core.Fusion.Metrics import METRIC_MEANINGS
from MedFusionLib.Core.Fusion.Settings import FusionMethod, FusionSettings
from MedFusionLib.Core.Images.Transforms import TransformModel
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Registration.Registration import registerLandmarks
from MedFusionLib.Core.Registration.RegistrationResult import Place
from MedFusionLib.Core.Results.Evaluation import RunSteps, evaluateRun
from MedFusionLib.Core.Results.MeasurementsFile import measurementsText
from MedFusionLib.Core.Results.RunDocument import Provenance, ResultKind, RunDocument
from MedFusionLib.Core.Tumor.Segments import Segment, TumorTissue
from MedFusionLib.Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorResult
from MedFusionLib.Core.Verdict import Judgment
from MedFusionTesting import PROJECT_ROOT

SCHEMA = json.loads((PROJECT_ROOT / "Docs/measurements.schema.json").read_text(encoding="utf-8"))


def phantomDocument(withSecondLesion: bool = False, scoresInFull: bool = False) -> RunDocument:
    """Return the document of a run on a coarse phantom, registered by its landmarks and outlined as the truth says.

    :param withSecondLesion: outline a cube of 4 x 4 x 4 voxels in the middle, too.
    """
    phantom = makePhantom(spacingFactor=4.0)
    lists = (LandmarkList(phantom.landmarkLabels, points) for points in (phantom.ctLandmarks, phantom.mriLandmarks))
    registration = registerLandmarks(*lists)
    toMoving = registration.transform
    fusion = fuseVolumes(phantom.ct, [phantom.mri], FusionSettings(), FusionGeometry([toMoving]))
    labels = sitk.Cast(phantom.tumorLabels > 0, sitk.sitkUInt8)
    segments = [Segment(1, "Tumor 1", TumorTissue.tumor, 1)]
    if withSecondLesion:
        middle = [count // 2 for count in labels.GetSize()]
        labels[tuple(slice(place, place + 4) for place in middle)] = 2
        segments.append(Segment(2, "Tumor 2", TumorTissue.tumor, 2))
    tumor = TumorResult(
        labels,
        tuple(segments),
        ("A warning of the outline.",),
        SegmentationSettings(SegmentationMethod.automatic),
    )
    source = Provenance(("ct", "mri"), notes=("A note.", "A note."), told={"inputs": {"acceptIdentity": "False"}})
    return evaluateRun(RunSteps(phantom.ct, phantom.mri, toMoving, registration, fusion, tumor, source, scoresInFull))


class TestRunDocument(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.document = phantomDocument()
        cls.written = json.loads(measurementsText(cls.document.measurements()))

    def errors(self, document: dict) -> list[str]:
        """Return what the schema has against a document."""
        try:
            import jsonschema
        except ImportError:
            self.skipTest("jsonschema is not installed")
        return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]

    def test_a_run_is_evaluated_at_the_tumor(self):
        document = self.document
        self.assertEqual(document.images.registered.GetSize(), document.images.fixed.GetSize())
        np.testing.assert_array_equal(document.registration.target, document.tumor.centroid)
        np.testing.assert_array_equal(document.center, document.tumor.centroid)
        self.assertEqual(set(document.tumor.measured.total.intensities), {"CT", "MRI", "fused"})
        self.assertLessEqual({"fused", "copy_ct", "copy_mri"}, set(document.fusion.scores))

    def test_each_warning_is_said_once(self):
        self.assertEqual(self.document.warnings.count("A note."), 1)
        self.assertIn("A warning of the outline.", self.document.warnings)
        self.assertEqual(self.written["warnings"], list(self.document.warnings))

    def test_the_images_can_be_let_go(self):
        self.assertIsNone(self.document.withoutImages().images)
        self.assertEqual(self.document.withoutImages().measurements(), self.document.measurements())

    def test_the_time_has_its_zone(self):
        self.assertIsNotNone(datetime.fromisoformat(self.written["created"]).tzinfo)

    def test_the_documents_are_as_the_schema_says(self):
        self.assertEqual(self.errors(self.written), [])
        registered = RunDocument(ResultKind.register, self.document.provenance, self.document.registration)
        self.assertEqual(self.errors(json.loads(measurementsText(registered.measurements()))), [])

    def test_the_schema_notices_what_is_misspelled_missing_or_of_another_type(self):
        for path, value in (
            (("registration", "fre"), 1.0),
            (("tumor", "segments", "Tumor 1", "volume_cm3"), 1.0),
            (("tumor", "volume_ml"), "15 ml"),
            (("fusion", "copy_ct", "Bones"), 1.0),
            (("registration", "verdict"), "fine"),
            (("created",), "2026-11-25 16:40"),
            (("extra",), 1),
        ):
            with self.subTest(path):
                changed = copy.deepcopy(self.written)
                part = changed
                for key in path[:-1]:
                    part = part[key]
                part[path[-1]] = value
                self.assertNotEqual(self.errors(changed), [])
        for key in ("registration", "tumor", "schema_version", "kind"):
            self.assertNotEqual(self.errors({name: item for name, item in self.written.items() if name != key}), [])

    def test_the_schema_knows_the_words_of_the_code(self):
        defined = SCHEMA["$defs"]
        registration, fusion = defined["registration"]["properties"], defined["fusion"]["properties"]
        for said, words in (
            (registration["model"], TransformModel),
            (defined["judgment"], Judgment),
            (fusion["method"], FusionMethod),
            (SCHEMA["properties"]["kind"], ResultKind),
        ):
            self.assertEqual(set(said["enum"]), {word.value for word in words})
        self.assertLessEqual({f"tre_mm_at_{place.value}_95" for place in Place}, set(registration))
        self.assertEqual(set(defined["scores"]["properties"]), set(METRIC_MEANINGS))


class TestRounding(unittest.TestCase):
    def rounded(self, document: dict) -> dict:
        return json.loads(measurementsText(document))

    def test_numbers_have_the_digits_that_they_deserve(self):
        document = {
            "fre_mm": 1.23456,
            "residuals_mm": {"Nasion": 0.98765},
            "volume_ml": 15.38712,
            "centroid_ras": [-302.68149, 0.001, 12.0],
            "QABF": 0.615432,
            "copy_ct": {"SD": 42.1987},
            "intensities": {"CT": {"mean": 1034.56}},
            "landmarks": 10,
        }
        expected = {
            "fre_mm": 1.23,
            "residuals_mm": {"Nasion": 0.99},
            "volume_ml": 15.39,
            "centroid_ras": [-302.68, 0.0, 12.0],
            "QABF": 0.615,
            "copy_ct": {"SD": 42.2},
            "intensities": {"CT": {"mean": 1035.0}},
            "landmarks": 10,
        }
        self.assertEqual(self.rounded(document), expected)

    def test_what_is_no_number_becomes_null_and_no_zero_is_negative(self):
        self.assertEqual(self.rounded({"fre_mm": float("nan"), "QW": float("inf")}), {"fre_mm": None, "QW": None})
        self.assertNotIn("-", measurementsText({"centroid_ras": [-0.001]}))


if __name__ == "__main__":
    unittest.main()
