"""What the page offers about an outline: to accept it, to take the other one, and to see a second method's."""

from typing import TYPE_CHECKING

import slicer

from ..Core.Tumor.SecondOpinions import LEAST_AGREEMENT
from ..Core.Tumor.TumorSegmentation import TumorResult
from ..Scene.NodeFiles import discard
from ..Scene.TumorNodes import addSecondOpinion
from ..Workflow.OutlineChoice import OutlineChoice
from ..Workflow.TumorTexts import otherOutlineText, tumorCard

if TYPE_CHECKING:
    from .Page import Page


class PageOutline:
    """The commands below the verdict on an outline."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._choice = OutlineChoice(page.steps)
        self._second: slicer.vtkMRMLSegmentationNode | None = None

    def forget(self) -> None:
        """Take away the second method's contours."""
        if self._second is not None and self._second.GetScene() is not None:
            discard(self._page.scene, self._second)
        self._second = None

    def accept(self) -> None:
        """Take the outline for what the user wants."""
        self._page.work.quick(lambda: self._choice.accept(self._page.parameters))
        self._page.refresh()

    def exchange(self) -> None:
        """Put the other outline in the place of the present one, or take that back."""

        def exchange() -> None:
            self.forget()
            self._choice.exchange(self._page.parameters)

        self._page.work.quick(exchange)
        self._page.showOutline()
        self._page.refresh()

    def toggleSecond(self) -> None:
        """Draw the contours of the second method, or take them away again."""

        def toggle() -> None:
            isShown = self._second is not None
            self.forget()
            tumor = self._tumor
            if not isShown and tumor is not None and tumor.second is not None:
                self._second = addSecondOpinion(self._page.parameters.segmentation, tumor.second, "Second opinion")
                self._second.GetDisplayNode().SetVisibility(True)

        self._page.work.quick(toggle)
        self._page.refresh()

    def onOutlined(self) -> None:
        """Show a second method's contours at once where it disagrees."""
        self.forget()
        tumor = self._tumor
        agreements = tumor.second.agreements if tumor is not None and tumor.second is not None else ()
        if any(agreement < LEAST_AGREEMENT for agreement in agreements):
            self.toggleSecond()

    @property
    def _tumor(self) -> TumorResult | None:
        return self._page.steps.outline(self._page.parameters)

    def shown(self) -> dict[str, object]:
        """Return what the page shows of it, by the names of the page's state."""
        tumor = self._tumor if self._page.parameters.segmentation is not None else None
        isOld = self._page.steps.isOutlineOutOfDate(self._page.parameters)
        return {
            "tumorText": tumorCard(tumor, isOld) if tumor is not None else "",
            "canAccept": self._choice.canAccept(tumor),
            "otherOutline": otherOutlineText(tumor.alternative).replace("&", "") if self._hasOther(tumor) else "",
            "hasSecond": tumor is not None and tumor.second is not None and any(tumor.second.methods),
            "isSecondShown": self._second is not None,
        }

    @staticmethod
    def _hasOther(tumor: TumorResult | None) -> bool:
        return tumor is not None and tumor.alternative is not None
