"""The Python packages of single methods that Slicer does not bring along, installed on first use after asking."""

import importlib.util
import subprocess
from enum import Enum

import slicer

from ..Workflow.Parameters import FusionChoice, TumorChoice
from ..Workflow.Translation import tr as _


class Package(Enum):
    """A package by its requirement and the name it is imported by."""

    wavelets = ("PyWavelets>=1.5", "pywt")
    images = ("scikit-image>=0.22", "skimage")

    @property
    def requirement(self) -> str:
        return self.value[0]

    @property
    def isInstalled(self) -> bool:
        return importlib.util.find_spec(self.value[1]) is not None


# All other methods run on what Slicer brings along.
_NEEDED = {
    FusionChoice.dwt: Package.wavelets,
    FusionChoice.swt: Package.wavelets,
    TumorChoice.watershed: Package.images,
}


def ensurePackageOf(method: FusionChoice | TumorChoice) -> None:
    """Install what a method needs and Slicer does not have, after asking the user.

    :raises RuntimeError: when the user declines or the installation fails.
    """
    package = _NEEDED.get(method)
    if package is None or package.isInstalled:
        return
    try:
        _install(package.requirement)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(
            _("{name} could not be installed (pip ended with status {status}); is there a network?").format(
                name=package.requirement, status=error.returncode
            )
        ) from error
    importlib.invalidate_caches()


def _install(requirement: str) -> None:
    try:
        import slicer.packaging as packaging
    except ImportError:  # Slicer 5.10
        question = _("This method needs the Python package {name}. Install it now?").format(name=requirement)
        if not slicer.util.confirmOkCancelDisplay(question):
            raise RuntimeError(_("This method cannot continue without {name}.").format(name=requirement)) from None
        slicer.util.pip_install([requirement])
        return
    packaging.pip_ensure([requirement], requester="MedFusion")
