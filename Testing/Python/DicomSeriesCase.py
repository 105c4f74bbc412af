"""Made DICOM series whose voxels tell where they lie."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import (
    ExplicitVRLittleEndian,
    generate_uid,
)

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
ROW = (1.0, 0.0, 0.0)


def ramp(points: np.ndarray) -> np.ndarray:
    """Return a field that linear interpolation reproduces exactly: 3x - 2y + 5z at LPS points."""
    return points @ np.array([3.0, -2.0, 5.0])


def planePoints(position, row, column, spacing, rows: int, columns: int) -> np.ndarray:
    j, i = np.mgrid[0:rows, 0:columns]
    offset = i[..., None] * spacing[1] * np.array(row) + j[..., None] * spacing[0] * np.array(column)
    return np.array(position) + offset


def writeSlice(folder: Path, number: int, position, column=(0.0, 1.0, 0.0), row=ROW, values=None, **tags) -> Path:
    """Write one CT slice whose values are the ramp at its patient positions."""
    rows, columns, spacing = 24, 20, (0.9, 0.7)
    if values is None:
        values = np.round(ramp(planePoints(position, row, column, spacing, rows, columns)))
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CT_STORAGE
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.5"
    dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", "P1", "Doe^Jane"
    dataset.SeriesNumber, dataset.InstanceNumber = 4, number
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [f"{v:.6f}" for v in position]
    dataset.ImageOrientationPatient = [f"{v:.9f}" for v in (*row, *column)]
    dataset.PixelSpacing = list(spacing)
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = (values + 1024).astype("<u2").tobytes()
    file = folder / f"{number:03d}_{dataset.SOPInstanceUID[-8:]}.dcm"
    dataset.save_as(file, enforce_file_format=True)
    return file


def addFunctionalGroups(dataset: pydicom.Dataset, spacing: float, slope: float) -> None:
    """Give an enhanced multi-frame image the geometry that it lacks, the frames from the last to the first."""

    def group(sequence: str, **values: object) -> pydicom.Dataset:
        item, holder = pydicom.Dataset(), pydicom.Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        setattr(holder, sequence, [item])
        return holder

    shared = group("PixelMeasuresSequence", PixelSpacing=[0.9, 0.9], SliceThickness=spacing)
    shared.update(group("PlaneOrientationSequence", ImageOrientationPatient=[1, 0, 0, 0, 1, 0]))
    shared.update(group("PixelValueTransformationSequence", RescaleSlope=slope, RescaleIntercept=0))
    frames = int(dataset.NumberOfFrames)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        group("PlanePositionSequence", ImagePositionPatient=[-20, 30, 5 + spacing * (frames - 1 - k)])
        for k in range(frames)
    ]


class DicomSeriesCase(unittest.TestCase):
    """A folder for slices, and the check that a read volume has their field where it belongs."""

    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = Path(self._temporary.name)

    def assertRampAtTruePlaces(self, image: sitk.Image, tolerance: float = 1.0):
        """Check the field at every voxel whose neighbors are all inside the source."""
        array = sitk.GetArrayFromImage(image).astype(float)
        z, y, x = np.indices(array.shape)
        index = np.stack([x, y, z], -1) * np.array(image.GetSpacing())
        points = index @ np.array(image.GetDirection()).reshape(3, 3).T + np.array(image.GetOrigin())
        inside = array > -1024
        interior = inside.copy()
        for axis in (1, 2):
            for step in (-1, 1):
                interior &= np.roll(inside, step, axis)
        interior[:, [0, -1], :] = interior[:, :, [0, -1]] = False
        self.assertGreater(interior.sum(), array.size / 4)
        self.assertLess(np.abs(array - ramp(points))[interior].max(), tolerance)
