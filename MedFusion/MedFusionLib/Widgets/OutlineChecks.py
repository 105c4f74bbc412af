"""What the user can do about an outline: accept it, take the other one, look at that of a second method."""

import functools
from typing import TYPE_CHECKING

from ..Workflow.Translation import tr as _
from ..Workflow.TumorTexts import otherOutlineText, otherOutlineTip
from .Runner import errorsShown

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from ..Core.Tumor.TumorSegmentation import TumorResult
    from ..Workflow.OutlineChoice import OutlineChoice


class OutlineChecks:
    """Connect and mirror the buttons below the verdict on an outline."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel, self._ui = panel, panel.ui
        self._tumor: TumorResult | None = None
        self._shownID: str | None = None
        self._ui.acceptOutlineButton.connect("clicked()", self._onAccept)
        self._ui.otherOutlineButton.connect("clicked()", self._onExchange)
        self._ui.secondOpinionCheckBox.connect("toggled(bool)", self._onSecond)

    @functools.cached_property
    def _choice(self) -> "OutlineChoice":
        from ..Workflow.OutlineChoice import OutlineChoice

        return OutlineChoice(self._panel.logic.steps)

    def show(self, tumor: "TumorResult | None") -> None:
        """Offer what can be done about another outline; a second method that disagrees is shown at once.

        :param tumor: None where nothing is outlined.
        """
        from ..Core.Tumor.SecondOpinions import LEAST_AGREEMENT

        former = self._tumor.second if self._tumor is not None else None
        self._tumor = tumor
        second = tumor.second if tumor is not None else None
        alternative = tumor.alternative if tumor is not None else None
        self._ui.acceptOutlineButton.visible = self._choice.canAccept(tumor)
        self._ui.otherOutlineButton.visible = alternative is not None
        if alternative is not None:
            self._ui.otherOutlineButton.text = otherOutlineText(alternative)
            self._ui.otherOutlineButton.toolTip = otherOutlineTip(alternative)
        box = self._ui.secondOpinionCheckBox
        disagrees = second is not None and any(agreement < LEAST_AGREEMENT for agreement in second.agreements)
        isWanted = box.checked if second is former else disagrees
        self.enable()
        box.checked = False
        box.checked = isWanted and box.enabled

    def enable(self) -> None:
        """Enable what there is something to show for."""
        second = self._tumor.second if self._tumor is not None else None
        hasAnswer = second is not None and any(agreement == agreement for agreement in second.agreements)
        self._ui.secondOpinionCheckBox.enabled = hasAnswer

    def _onAccept(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is not None and self._choice.canAccept(self._tumor):
            with errorsShown(_("The outline could not be accepted.")):
                self._choice.accept(parameters)
            self._panel.tumorSection.judgeAgain()

    def _onExchange(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is not None:
            with errorsShown(_("The other outline could not be taken.")):
                self._choice.exchange(parameters)
            self._panel.tumorSection.judgeAgain()

    def _onSecond(self, isOn: bool) -> None:
        """Draw the contours of the second method, or take them away again."""
        from ..Scene.NodeFiles import discard
        from ..Scene.TumorNodes import addSecondOpinion

        scene, parameters = self._panel.scene, self._panel.parameterNode
        node, self._shownID = scene.GetNodeByID(self._shownID or ""), None
        if node is not None and not scene.IsClosing():
            discard(scene, node)
        if not isOn or parameters is None or parameters.segmentation is None or self._tumor is None:
            return
        if self._tumor.second is not None:
            node = addSecondOpinion(parameters.segmentation, self._tumor.second, _("Second opinion"))
            self._shownID = node.GetID()
