"""The Python packages that Slicer does not bring along, installed on first use after asking."""

import importlib.metadata
from pathlib import Path

import slicer

from .Translation import tr as _


def ensurePackages(requirementsFile: str | Path) -> None:
    """Install what is missing after asking the user.

    :raises RuntimeError: when the user declines.
    """
    lines = Path(requirementsFile).read_text(encoding="utf-8").splitlines()
    requirements = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        import slicer.packaging as packaging
    except ImportError:
        _installOnOldSlicer(requirements)
        return
    packaging.pip_ensure(requirements, requester="MedFusion")


def _installOnOldSlicer(requirements: list[str]) -> None:
    """Install what is missing where slicer.packaging does not exist yet (Slicer 5.10)."""
    missing = [requirement for requirement in requirements if not _isInstalled(requirement)]
    if not missing:
        return
    question = _("MedFusion needs the Python packages {names}. Install them now?").format(names=", ".join(missing))
    if not slicer.util.confirmOkCancelDisplay(question):
        raise RuntimeError(_("MedFusion cannot go on without {names}.").format(names=", ".join(missing)))
    slicer.util.pip_install(missing)


def _isInstalled(requirement: str) -> bool:
    try:
        importlib.metadata.version(requirement.partition(">")[0].partition("=")[0].strip())
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
