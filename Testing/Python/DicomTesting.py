"""DICOM series that tests write for themselves."""

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import ExplicitVRLittleEndian

CLASS_OF = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}


def writeSource(folder: Path, modality: str, image: sitk.Image, **tags: object) -> Path:
    """Write an image as the series of one patient, one file for each slice, and return the folder.

    :param tags: DICOM attributes that differ from those of the patient.
    """
    root = f"1.2.826.0.1.{'1' if modality == 'CT' else '2'}"
    array = sitk.GetArrayFromImage(image).astype("<i2")
    direction = np.reshape(image.GetDirection(), (3, 3))
    folder.mkdir(parents=True, exist_ok=True)
    for k, plane in enumerate(array):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = CLASS_OF[modality], f"{root}.9.{k + 1}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{root}.1", f"{root}.2"
        dataset.FrameOfReferenceUID, dataset.Modality = f"{root}.3", modality
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Doe^Jane", "P1", "19600401"
        dataset.PatientSex, dataset.StudyDate, dataset.StudyTime = "F", "20240301", "101500"
        dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "7", "A1", "Roe^Richard"
        dataset.SeriesNumber, dataset.InstanceNumber, dataset.PatientPosition = 3, k + 1, "HFS"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.ImagePositionPatient = [f"{v:.8g}" for v in image.TransformIndexToPhysicalPoint((0, 0, k))]
        dataset.ImageOrientationPatient = [f"{v:.9g}" for v in (*direction[:, 0], *direction[:, 1])]
        dataset.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
        dataset.PixelData = plane.tobytes()
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        dataset.save_as(folder / f"{modality}{k:03d}.dcm", enforce_file_format=True)
    return folder
