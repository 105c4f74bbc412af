"""What the user decides about the outline in the scene: to accept it, or to take the other one."""

from typing import TYPE_CHECKING

from ..Core.Tumor.OutlineDecisions import accepted, withAlternative
from ..Core.Tumor.TumorSegmentation import TumorResult
from ..Core.Verdict import Judgment
from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic
from .Steps import Steps
from .Translation import tr as _

if TYPE_CHECKING:
    from .Choices import Choices


class OutlineChoice:
    """Judge and exchange the outline that the steps know."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        # The outline that was taken instead of another, and that other one, to be exact when it is taken back.
        self._taken: tuple[TumorResult, TumorResult] | None = None

    @staticmethod
    def canAccept(tumor: TumorResult | None) -> bool:
        """Return whether an outline waits for the user to accept it."""
        return tumor is not None and tumor.verdict.judgment is Judgment.notConfirmed

    def accept(self, parameters: "Choices") -> None:
        """Take the outline as it is now for what the user wants."""
        tumor = self._steps.outline(parameters)
        if tumor is not None:
            self._steps.replaceOutline(parameters.segmentation, accepted(tumor))

    def exchange(self, parameters: "Choices") -> None:
        """Put the other outline in the place of the present one, and the present one aside."""
        tumor, node = self._steps.outline(parameters), parameters.segmentation
        known = self._steps.resultOf(node)
        if tumor is None or tumor.alternative is None or not isinstance(known, TumorResult):
            raise ValueError(_("There is no other outline of what is shown now."))
        former = self._taken[1] if self._taken is not None and self._taken[0] is known else None
        result = former or withAlternative(known)
        drawnOn = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) or parameters.tumorVolume
        TumorSegmentationLogic(self._steps.scene).show(result, drawnOn, node)
        self._taken = (result, known)
        self._steps.replaceOutline(node, result)
