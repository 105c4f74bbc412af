"""What the inspection says of a series, and when two series do not belong together."""

import tempfile
import unittest
import zipfile
from pathlib import Path

from MedFusionLib.Core.Dicom.Inspection import (
    daysBetween,
    identityConflicts,
    inspectPath,
    sharesFrameOfReference,
)
from MedFusionLib.Core.Dicom.Sequence import guessSequence, sequenceText
from MedFusionLib.Core.Dicom.Series import DicomSeries
from MedFusionLib.Core.Dicom.Volumes import SliceVolume
from MedFusionLib.Core.Tumor.MrSequence import MrSequence
from MedFusionTesting import sharedData


def series(modality: str = "MR", description: str = "", tags: dict[str, str] | None = None, **fields) -> DicomSeries:
    values = {
        "uid": "1.2.3",
        "number": 1,
        "files": (),
        "patientId": "P1",
        "patientName": "Doe^Jane",
        "patientBirthDate": "19600401",
        "patientSex": "F",
        "studyUid": "1.2",
        "studyDate": "20240301",
        "studyDescription": "",
        "frameOfReferenceUid": "1.5",
        "imageType": "",
        "volume": SliceVolume(()),
    }
    return DicomSeries(
        modality=modality, description=description, tags=tuple((tags or {}).items()), **{**values, **fields}
    )


class TestDicomInspection(unittest.TestCase):
    def test_one_patient_at_one_time_has_no_conflicts(self):
        moving = series(patientName="DOE^JANE^^", studyDate="20240401")
        self.assertEqual(identityConflicts(series("CT"), moving), ())
        self.assertEqual(daysBetween(series("CT"), moving), 31)

    def test_each_differing_field_is_named_with_both_values(self):
        for field, value, word in (
            ("patientId", "P2", "patient ID"),
            ("patientName", "Roe^Jane", "patient name"),
            ("patientBirthDate", "19600104", "birth date"),
            ("patientSex", "M", "sex"),
        ):
            with self.subTest(field=field):
                (conflict,) = identityConflicts(series("CT"), series(**{field: value}))
                self.assertIn(word, conflict)
                self.assertIn(value, conflict)

    def test_studies_years_apart_are_a_conflict(self):
        (conflict,) = identityConflicts(series("CT"), series(studyDate="20210228"))
        self.assertIn("3.0 years apart", conflict)

    def test_a_missing_study_date_is_replaced_by_that_of_the_series_or_acquisition(self):
        for tags in ({"SeriesDate": "20100101"}, {"AcquisitionDate": "2010.01.01"}):
            (conflict,) = identityConflicts(series("CT"), series(studyDate="", tags=tags))
            self.assertIn("14.2 years apart", conflict)
        (conflict,) = identityConflicts(series("CT"), series(studyDate="2019.03.01"))
        self.assertIn("5.0 years apart", conflict)

    def test_one_birth_date_written_in_two_ways_is_no_conflict(self):
        self.assertEqual(identityConflicts(series("CT"), series(patientBirthDate="1960.04.01")), ())
        self.assertNotEqual(identityConflicts(series("CT"), series(patientBirthDate="1960.04.02")), ())

    def test_empty_fields_of_deidentified_data_are_not_compared(self):
        blank = series(patientId="", patientName="", patientBirthDate="", patientSex="", studyDate="")
        self.assertEqual(identityConflicts(series("CT"), blank), ())
        self.assertIsNone(daysBetween(series("CT"), blank))

    def test_frame_of_reference_is_shared_only_if_given_and_equal(self):
        self.assertTrue(sharesFrameOfReference(series("CT"), series()))
        self.assertFalse(sharesFrameOfReference(series("CT"), series(frameOfReferenceUid="1.6")))
        self.assertFalse(sharesFrameOfReference(series(frameOfReferenceUid=""), series(frameOfReferenceUid="")))

    def test_sequence_is_guessed_from_description_and_times(self):
        for expected, description, tags in (
            ("FLAIR", "AX FLAIR", {}),
            ("T2 weighted", "tse_t2_tra", {}),
            ("T1 weighted, with contrast agent", "T1 post Gd", {}),
            ("T1 weighted, with contrast agent", "t1_se", {"ContrastBolusAgent": "Gadovist"}),
            ("FLAIR", "", {"RepetitionTime": "9000", "EchoTime": "120", "InversionTime": "2500"}),
            ("T2 weighted", "", {"RepetitionTime": "4000", "EchoTime": "95"}),
            ("proton density", "", {"RepetitionTime": "2300", "EchoTime": "22"}),
            ("T1 weighted", "", {"RepetitionTime": "500", "EchoTime": "12"}),
            ("unknown", "brain", {"RepetitionTime": "broken"}),
        ):
            with self.subTest(description=description, tags=tags):
                self.assertIn(expected, sequenceText(series(description=description, tags=tags)))

    def test_sequence_of_a_volume_is_taken_from_its_header_first(self):
        times = {"RepetitionTime": "9000", "EchoTime": "120", "InversionTime": "2500"}
        for expected, name, header in (
            (MrSequence.flair, "mr_t1", series(description="", tags=times)),
            (MrSequence.t1c, "series 4", series(description="t1_se", tags={"ContrastBolusAgent": "Gadovist"})),
            (MrSequence.t1, "T2", series(description="mprage", tags={})),
            (MrSequence.unknown, "t2star", series(description="T2* gre", tags={})),
            (MrSequence.t2, "mr_t2", series(description="brain", tags={})),
            (MrSequence.t1c, "mr_t1c", None),
        ):
            with self.subTest(name=name, header=header and header.description):
                self.assertIs(guessSequence(name, header), expected)

    def test_real_tilted_series_is_described_with_its_warnings(self):
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(sharedData("dicom", "ct_head_gantry_tilt.zip")) as archive:
                archive.extractall(folder)
            text = inspectPath(Path(folder))
        for part in (
            "1 DICOM series, 1 of them volumes",
            "512 x 512 x 28",
            "axial, oblique by 18.5 degrees",
            "both sides",
            "Warning: The gantry was tilted by 18.5 degrees",
        ):
            self.assertIn(part, text)


if __name__ == "__main__":
    unittest.main()
