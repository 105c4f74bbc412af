"""How an evaluated run travels into its folder: few stays, and no way back up but to report and scene."""

import sys
from types import FrameType

from MedFusionTesting import medfusion
from PhantomCase import PhantomCase

# What carries results; an object that is asked for its own value does not travel.
CARRIERS = {
    *("RunResults", "RunSteps", "RunDocument", "Views", "DicomResults"),
    *("RegistrationResult", "FusionResult", "ScoredFusion", "TumorResult", "MeasuredTumor", "TumorMeasurements"),
}
FLOORS = ("Core", "Report", "Scene")


class Way:
    """Note, in their order, the functions from `writeResultFolder` to the end that are handed results."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._isOn = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or "MedFusionLib" not in code.co_filename:
            return
        self._isOn = self._isOn or code.co_name == "writeResultFolder"
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        handed = {type(frame.f_locals.get(name)).__name__ for name in names if name != "self"}
        if self._isOn and handed & CARRIERS and not code.co_name.startswith("<"):
            file = code.co_filename.replace("\\", "/").partition("MedFusionLib/")[2]
            if file.partition("/")[0] in FLOORS:
                self.calls.append((file, code.co_name))

    @property
    def stays(self) -> list[str]:
        """Return the files in turn, each once for as long as the results stay there."""
        files = [file for file, _ in self.calls]
        return [file for index, file in enumerate(files) if index == 0 or files[index - 1] != file]

    @property
    def climbs(self) -> list[tuple[str, str]]:
        """Return each step from a file to one on a higher floor."""
        floors = [FLOORS.index(file.partition("/")[0]) for file in self.stays]
        pairs = zip(self.stays, self.stays[1:], floors, floors[1:], strict=False)
        return [(first, second) for first, second, low, high in pairs if high > low]


class TestWayOfResults(PhantomCase):
    def test_an_evaluated_run_goes_down_once_and_climbs_to_report_and_scene(self):
        way = Way()
        sys.setprofile(way)
        try:
            status, _, errors = medfusion(
                *self.runArguments(),
                "--tumor-seed",
                self.seed,
                "--output",
                self.folder / "run",
                "--dicom",
                self.folder / "dicom",
            )
        finally:
            sys.setprofile(None)
        self.assertEqual(status, 0, errors)
        self.assertGreater(len(way.stays), 10, "the results were not followed")
        self.assertLessEqual(len(way.stays), 50, way.stays)
        self.assertLessEqual(len(way.climbs), 2, way.climbs)
