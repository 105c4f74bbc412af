"""What to do next, from loading to the report."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from .Parameters import registrationOf
from .Translation import tr as _

if TYPE_CHECKING:
    from .Choices import Choices


class Card(Enum):
    """The cards of the panel; the values begin the names of their widgets."""

    volumes = "volumes"
    landmarks = "landmarks"
    register = "register"
    fuse = "fuse"
    tumor = "tumor"
    results = "results"


@dataclass(frozen=True)
class NextStep:
    """A sentence that says what to do, and the card to do it in."""

    card: Card
    sentence: str


def nextStep(parameters: "Choices", isSaved: bool, outOfDate: Collection[Card] = ()) -> NextStep | None:
    """Return what to do next, None when all is done.

    :param isSaved: whether the results were saved.
    :param outOfDate: cards whose results no longer fit what they were made from.
    """
    if parameters.fixedVolume is None or parameters.movingVolume is None:
        return NextStep(Card.volumes, _("Choose a CT and an MRI, or try the phantom."))
    if registrationOf(parameters.movingVolume) is None:
        lists = (parameters.fixedLandmarks, parameters.movingLandmarks)
        counts = [node.GetNumberOfDefinedControlPoints() if node is not None else 0 for node in lists]
        if min(counts) < 3 and not parameters.auto:
            return NextStep(Card.landmarks, _("Place at least 3 pairs of landmarks."))
        return NextStep(Card.register, _("Press Register."))
    if Card.register in outOfDate:
        return NextStep(Card.register, _("Landmarks or volumes were changed: press Register again."))
    if parameters.fusedVolume is not None and Card.fuse in outOfDate:
        return NextStep(Card.fuse, _("The alignment was changed: press Fuse again."))
    if parameters.fusedVolume is None:
        return NextStep(Card.fuse, _("Check the alignment, then press Fuse."))
    segmentation = parameters.segmentation
    if segmentation is None or not segmentation.GetSegmentation().GetNumberOfSegments():
        return NextStep(Card.tumor, _("Point at the tumor and press Outline tumor, or save without one."))
    return None if isSaved else NextStep(Card.results, _("Save the results and open the report."))
