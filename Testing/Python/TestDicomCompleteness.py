"""Mosaics are no volumes, and slices that are missing at regular distances are said."""

import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.Core.Dicom.Inspection import inspectPath, seriesWarnings
from MedFusionLib.Core.Dicom.Series import findSeries, readSeries


def ramp(count: int = 8) -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(count * 30, dtype=np.int16).reshape(count, 5, 6))
    image.SetSpacing((2, 2, 3))
    return image


class TestDicomCompleteness(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = writeSource(Path(temporary.name) / "series", "MR", ramp())

    def change(self, kept: Sequence[int] | slice = slice(None), **tags: object) -> None:
        """Keep some of the slices and set tags in them; a function gives the tag of each from its number."""
        files = sorted(self.folder.iterdir())
        for file in set(files) - set(files[kept]):
            file.unlink()
        for number, file in enumerate(files[kept]):
            dataset = pydicom.dcmread(file)
            for name, value in tags.items():
                setattr(dataset, name, value(number) if callable(value) else value)
            dataset.save_as(file)

    def warnings(self) -> str:
        return " ".join(seriesWarnings(findSeries(self.folder)[0]))

    def test_a_mosaic_is_refused_as_such_also_alone_and_beside_a_volume(self):
        mosaic = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
        self.change(slice(0, 2), ImageType=mosaic)
        with self.assertRaisesRegex(ValueError, "It is a mosaic"):
            readSeries(self.folder)
        self.assertIn("It is a mosaic", inspectPath(self.folder))
        self.change(slice(0, 1))
        with self.assertRaisesRegex(ValueError, "It is a mosaic"):
            readSeries(self.folder)
        volume = writeSource(self.folder / "volume", "MR", ramp(), SeriesInstanceUID="1.2.3.4", SeriesNumber=9)
        self.assertEqual(readSeries(self.folder).header.uid, "1.2.3.4", volume)

    def test_a_mosaic_without_the_word_is_known_by_its_private_count(self):
        for file in sorted(self.folder.iterdir()):
            dataset = pydicom.dcmread(file)
            block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
            block.add_new(0x0A, "US", 36)
            dataset.save_as(file)
        with self.assertRaisesRegex(ValueError, "It is a mosaic"):
            readSeries(self.folder)

    def test_a_whole_series_is_said_to_miss_nothing(self):
        for tags in ({"SliceThickness": 3}, {"SliceThickness": 2.4, "SpacingBetweenSlices": 3}, {}):
            self.change(**tags)
            self.assertNotIn("missing", self.warnings())

    def test_slices_missing_at_the_ends_are_said_where_numbers_or_the_header_tell(self):
        self.change(slice(0, 6), ImagesInAcquisition=8)
        self.assertIn("their header says 8 images and 6 are there", self.warnings())
        self.change(ImagesInAcquisition=6, InstanceNumber=lambda n: n + 3)
        self.assertNotIn("missing", self.warnings())
        self.change(ImagesInAcquisition=None)
        self.assertIn("their instance numbers begin at 3", self.warnings())

    def test_every_second_slice_missing_is_said_by_thickness_spacing_or_numbers(self):
        self.change(slice(None, None, 2), SliceThickness=3, InstanceNumber=lambda n: n + 1)
        self.assertRegex(self.warnings(), "seem to be missing: they lie 6 mm apart and are 3 mm thick;")
        self.change(SpacingBetweenSlices=3)
        self.assertRegex(self.warnings(), "they lie 6 mm apart and the header says 3 mm;")
        self.change(SpacingBetweenSlices=6)
        self.assertNotIn("missing", self.warnings())
        self.change(InstanceNumber=lambda n: 2 * n + 1)
        self.assertRegex(self.warnings(), "their instance numbers go in steps of 2")


if __name__ == "__main__":
    unittest.main()
