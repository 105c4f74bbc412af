"""Read a transform from fixed to moving points: ITK's files, DICOM Spatial Registrations and MNI's .xfm."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import RAS_TO_LPS
from ..Images.Transforms import affineFromMatrix
from .TextFile import readText
from .VolumeFiles import isDicomPath

_XFM_MATRIX = re.compile(r"Linear_Transform\s*=([^;]*);", re.IGNORECASE)


def readTransform(path: str | Path, frames: Sequence[str] = ()) -> sitk.Transform:
    """Return the transform of a file (.h5, .tfm, .txt, .xfm or DICOM): fixed to moving, LPS millimeters.

    :param frames: DICOM frames of reference of the fixed and the moving volume, where a registration relates several.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no transform file {path}.")
    if isDicomPath(path):
        from ..Dicom.RegistrationReader import readRegistration

        return readRegistration(path, frames)
    if path.suffix.lower() == ".xfm":
        return _readXfm(path)
    try:
        transform = _readElsewhere(path)
    except (RuntimeError, subprocess.SubprocessError) as error:
        raise ValueError(
            f"{path} could not be read as an ITK transform (.h5, .tfm or .txt), DICOM registration or .xfm."
        ) from error
    if transform.GetDimension() != 3:
        raise ValueError(f"{path} holds a {transform.GetDimension()}D transform; a 3D one is needed.")
    return transform.Downcast()


def _readElsewhere(path: Path) -> sitk.Transform:
    """Return a transform that another process read and wrote as text; at some damaged files ITK crashes or never ends.

    :raises subprocess.SubprocessError: when that process could not read it.
    """
    script = "import sys, SimpleITK as s; s.WriteTransform(s.ReadTransform(sys.argv[1]), sys.argv[2])"
    with tempfile.TemporaryDirectory(prefix="medfusion-") as folder:
        text = Path(folder) / "transform.tfm"
        command = [sys.executable, "-P", "-c", script, str(path), str(text)]
        subprocess.run(command, capture_output=True, check=True, timeout=20 + path.stat().st_size / 1e6)
        return sitk.ReadTransform(str(text))


def _readXfm(path: Path) -> sitk.Transform:
    """Return the linear transform of an MNI file, which is defined in RAS millimeters.

    Format: en.wikibooks.org/wiki/MINC/Reference/MNI_Transform_File_Format.
    """
    text = readText(path)
    if "MNI Transform File" not in text:
        raise ValueError(f"{path} is not an MNI transform file (.xfm).")
    found = _XFM_MATRIX.findall(text)
    if len(found) != 1 or re.search(
        r"Transform_Type\s*=\s*(?!Linear\b)\w+|Invert_Flag\s*=\s*True", text, re.IGNORECASE
    ):
        raise ValueError(f"{path} is not a single linear transform; only those of .xfm files can be read.")
    try:
        values = np.array([float(value) for value in found[0].split()])
    except ValueError:
        values = np.zeros(0)
    if values.size != 12 or not np.isfinite(values).all() or abs(np.linalg.det(values.reshape(3, 4)[:, :3])) < 1e-9:
        raise ValueError(f"{path} must hold an invertible matrix of 12 numbers.")
    matrix = np.vstack([values.reshape(3, 4), [0, 0, 0, 1]])
    return affineFromMatrix(RAS_TO_LPS @ matrix @ RAS_TO_LPS)
