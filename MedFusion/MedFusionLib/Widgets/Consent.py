"""What speaks against using the chosen volumes together, and the user's word that they shall be used all the same."""

from typing import TYPE_CHECKING

import slicer

from ..Workflow.Translation import tr as _
from .Runner import errorsShown

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from .ParameterNode import MedFusionParameterNode


class Consent:
    """Ask once for each objection in a session."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel = panel
        self._accepted: set[str] = set()

    def isGiven(self, parameters: "MedFusionParameterNode", title: str) -> bool:
        """Return whether nothing speaks against the volumes, or the user goes on all the same.

        :param title: the first line of the dialog where the volumes cannot be used together at all.
        """
        with errorsShown(title):
            self._askOrientations(parameters)
            objections = [text for text in self._panel.logic.steps.objections(parameters) if text not in self._accepted]
            if not objections:
                return True
            question = "\n\n".join([*objections, _("Continue anyway?")])
            if slicer.util.confirmYesNoDisplay(question):
                self._accepted.update(objections)
                return True
        return False

    def _askOrientations(self, parameters: "MedFusionParameterNode") -> None:
        """Ask which way the axes lead of volumes whose files do not say it.

        :raises ValueError: where the user does not know it either.
        """
        from ..Workflow.VolumeDoubts import answerOrientation, orientationQuestions

        for question in orientationQuestions(parameters):
            axes = next((way for way in question.choices if slicer.util.confirmYesNoDisplay(question.text(way))), None)
            if axes is None:
                name = question.volumeNode.GetName()
                raise ValueError(
                    _('Left and right are unknown in "{name}"; export it with its orientation.').format(name=name)
                )
            answerOrientation(parameters, question, axes)
