"""Slicer's scene and module logics without the application: the engine of the command line and of the tests."""

import tempfile
from pathlib import Path

import slicer
import vtk

# Nodes of these modules call their logic, which must be attached to scene and application logic before they exist.
_LOGIC_CLASS_NAMES = {
    "Units": "vtkSlicerUnitsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SegmentEditor": "vtkSlicerSegmentEditorLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "Sequences": "vtkSlicerSequencesLogic",
}


def attachBundleReaders(
    scene: slicer.vtkMRMLScene, applicationLogic: slicer.vtkSlicerApplicationLogic, cacheFolder: Path
) -> tuple[slicer.vtkMRMLAbstractLogic, ...]:
    """Attach what reading a scene bundle needs, and return it: it must live as long as the scene.

    :param cacheFolder: an existing folder of their own.
    """
    remoteIO = slicer.vtkMRMLRemoteIOLogic()
    remoteIO.SetMRMLApplicationLogic(applicationLogic)
    remoteIO.SetMRMLScene(scene)
    remoteIO.GetCacheManager().SetRemoteCacheDirectory(str(cacheFolder))
    dataManager = slicer.vtkDataIOManagerLogic()
    dataManager.SetMRMLApplicationLogic(applicationLogic)
    dataManager.SetAndObserveDataIOManager(remoteIO.GetDataIOManager())
    remoteIO.AddDataIOToScene()
    return remoteIO, dataManager


class Session:
    """A scene with everything attached that its nodes need. Use as a context manager or call close().

    :param workFolder: where the cache folder is made; it holds all volumes while a scene bundle is written.
    """

    def __init__(self, workFolder: Path | None = None) -> None:
        # Slicer reports every refused file on the console as well; MedFusion says it once, as an exception.
        vtk.vtkObject.GlobalWarningDisplayOff()
        self._cacheFolder = tempfile.TemporaryDirectory(prefix="medfusion-", dir=workFolder)
        self.scene = slicer.vtkMRMLScene()
        self.applicationLogic = slicer.vtkSlicerApplicationLogic()
        self.applicationLogic.SetMRMLScene(self.scene)
        self.applicationLogic.SetModuleLogic("Colors", self.applicationLogic.GetColorLogic())
        self.applicationLogic.SetTemporaryPath(self._cacheFolder.name)
        self._logics = {name: self._attachLogic(name, className) for name, className in _LOGIC_CLASS_NAMES.items()}
        self._bundleReaders = attachBundleReaders(self.scene, self.applicationLogic, Path(self._cacheFolder.name))

    def _attachLogic(self, name: str, className: str) -> object:
        logic = getattr(slicer, className)()
        logic.SetMRMLApplicationLogic(self.applicationLogic)
        logic.SetMRMLScene(self.scene)
        self.applicationLogic.SetModuleLogic(name, logic)
        return logic

    def logic(self, moduleName: str) -> object:
        """Return the logic of a Slicer module, such as "Markups"."""
        return self._logics[moduleName]

    def loadScene(self, path: str | Path) -> None:
        """Replace the scene's content with a scene bundle (.mrb) or a scene file (.mrml)."""
        path = Path(path)
        if not path.is_file():
            raise ValueError(f"There is no scene file {path}.")
        if path.suffix.lower() == ".mrb":
            loaded = self.scene.ReadFromMRB(str(path), True)
        else:
            self.scene.SetURL(str(path))
            loaded = self.scene.Connect()
        if not loaded:
            raise ValueError(f"{path} could not be read as a Slicer scene (.mrb or .mrml).")

    def close(self) -> None:
        """Empty the scene and remove the cache folder."""
        self.scene.Clear(1)
        self._cacheFolder.cleanup()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
