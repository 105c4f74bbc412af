"""All methods that outline lesions, on one image within one mask, and what they say about each other's outlines."""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import directionOf, pointsAt
from ..Progress import Progress, subProgress
from .AutomaticSegmentation import outlineAutomatically
from .ClickSegmentation import NothingStandsOut, outlineFromClick
from .Diameters import axialDiameters
from .HeadSides import HeadSides, headSides
from .LineSegmentation import BrightLesions, outlineFromLine
from .MrSequence import MrSequence
from .Outline import Outline
from .RingSegmentation import outlineRing
from .SecondOpinions import LEAST_AGREEMENT, OtherMethod, agreementOf, middleOf
from .WatershedSegmentation import outlineByWatershed

# Read off the DEV half of Testing/Benchmark/OutlineBenchmark.py: a hand-over must help more clicks than it harms.
_NEAR_MM = 3.0
_STAND_IN_MM = 14.0
_CLICK_ALONE = "the click alone"


class LesionMethods:
    """Outline lesions in an image within a mask."""

    def __init__(self, image: sitk.Image, sequence: MrSequence, allowed: sitk.Image | None) -> None:
        self.image, self.sequence, self.allowed = image, sequence, allowed
        self._automatic: Outline | ValueError | None = None
        self._sides: HeadSides | ValueError | None = None

    @property
    def isAutomaticPossible(self) -> bool:
        """Return whether the automatic method can be asked: in volumes of FLAIR or T1c; elsewhere it errs."""
        return min(self.image.GetSize()) > 1 and self.sequence in (MrSequence.flair, MrSequence.t1c)

    @property
    def _isBright(self) -> bool:
        """Return whether tumors are bright on the whole."""
        return self.sequence in (MrSequence.flair, MrSequence.t2)

    def fromLines(self, lines: np.ndarray, progress: Progress | None) -> list[Outline]:
        """Return the outline along each line; the other lines belong to the other lesions."""
        found = []
        for number, line in enumerate(lines):
            part = subProgress(progress, number / len(lines), (number + 1) / len(lines))
            others = np.delete(lines, number, axis=0)
            found.append(outlineFromLine(self.image, line, self.allowed, part, others, self._bright()))
        return found

    def fromClicks(self, seeds: np.ndarray, progress: Progress | None) -> list[Outline]:
        """Return the outline around each click, the automatic method's where it knows better."""
        found = []
        for number, seed in enumerate(seeds):
            part = subProgress(progress, number / len(seeds), (number + 1) / len(seeds))
            found.append(self._fromClick(seed, part))
        return found

    def byWatershed(self, lesions: list[np.ndarray]) -> list[Outline]:
        """Return the watershed's outline of each lesion's points."""
        return [outlineByWatershed(self.image, points, self.allowed) for points in lesions]

    def automatic(self, progress: Progress | None = None) -> Outline:
        """Return what the automatic method finds; it is asked once.

        :raises ValueError: if it refuses.
        """
        if self._automatic is None:
            find = outlineRing if self.sequence is MrSequence.t1c else outlineAutomatically
            try:
                self._automatic = find(self._bothSides(), progress)
            except ValueError as refusal:
                self._automatic = refusal
        if isinstance(self._automatic, ValueError):
            raise self._automatic
        return self._automatic

    def _bothSides(self) -> HeadSides:
        """Return both sides of the head; they are compared once.

        :raises ValueError: if there is not enough of the head.
        """
        if self._sides is None:
            try:
                self._sides = headSides(self.image, self.image * 0 + 1 if self.allowed is None else self.allowed)
            except ValueError as refusal:
                self._sides = refusal
        if isinstance(self._sides, ValueError):
            raise self._sides
        return self._sides

    def _bright(self) -> BrightLesions | None:
        """Return what is known of lesions where they are bright on the whole, None on other sequences."""
        if not self._isBright:
            return None
        try:
            sides = self._bothSides()
        except ValueError:
            return BrightLesions(None, None)
        return BrightLesions(sides.differenceImage(), sides.midplaneImage())

    def _fromClick(self, seed: np.ndarray, progress: Progress | None) -> Outline:
        """Return the outline around a click.

        Where nothing stands out at the click, or its outline and the automatic one disagree, the automatic one is taken
        if the click lies in it or within 3 mm.
        """
        automatic = self._automaticAt(seed) if self.isAutomaticPossible else None
        try:
            own = outlineFromClick(self.image, seed, self.allowed, progress, self._isBright)
        except NothingStandsOut as refusal:
            if automatic is None:
                return self._aroundClick(seed, refusal)
            return replace(
                automatic,
                notes=("Nothing stood out at the click, so the automatic method outlined the tumor there.",),
            )
        if automatic is None or agreementOf(own, automatic) >= LEAST_AGREEMENT:
            return own
        return replace(
            automatic,
            notes=("The click's own outline disagreed with the automatic one around it, which was taken.",),
            other=own,
            otherWords=_CLICK_ALONE,
        )

    def _aroundClick(self, seed: np.ndarray, refusal: NothingStandsOut) -> Outline:
        """Return what looks like the near surroundings of a click: a short line through it stands for the user's.

        :raises NothingStandsOut: the click's own refusal, if there is no outline that way either.
        """
        step = 0.5 * _STAND_IN_MM * directionOf(self.image)[:, 0]
        try:
            found = outlineFromLine(self.image, np.array([seed - step, seed + step]), self.allowed)
        except ValueError:
            raise refusal from None
        doubt = "Nothing stood out at the click; the outline is what looks like its surroundings. Draw a line instead."
        return Outline(found.mask, found.slices, (doubt,))

    def _automaticAt(self, seed: np.ndarray) -> Outline | None:
        """Return the automatic outline if a point lies in it or near it."""
        try:
            outline = self.automatic()
        except ValueError:
            return None
        index = np.argwhere(outline.mask)[:, ::-1] + [part.start for part in outline.slices[::-1]]
        offset = np.array(self.image.TransformPhysicalPointToContinuousIndex(seed.tolist())) - index
        nearest = np.linalg.norm(offset * self.image.GetSpacing(), axis=1).min()
        return outline if nearest <= _NEAR_MM + max(self.image.GetSpacing()) / 2 else None

    def clickAtMiddle(self) -> OtherMethod:
        """Return the click in the middle of an outline as the other method."""
        return OtherMethod(
            "a click at its middle",
            lambda found: outlineFromClick(
                self.image, middleOf(found, self.image), self.allowed, isBright=self._isBright
            ),
        )

    def othersOfLine(self) -> list[OtherMethod]:
        """Return who can check an outline from a line or strokes."""
        automatic = OtherMethod("automatic", lambda _found: self.automatic())
        return [self.clickAtMiddle(), *([automatic] if self.isAutomaticPossible else [])]

    def othersOfClick(self, outline: Outline) -> list[OtherMethod]:
        """Return who can check an outline from a click."""
        if outline.other is not None and outline.otherWords == _CLICK_ALONE:
            own = outline.other
            return [OtherMethod(_CLICK_ALONE, lambda _found: own)]
        found = self._automatic if isinstance(self._automatic, Outline) else None
        if found is not None and outline.mask is not found.mask:
            return [OtherMethod("automatic", lambda _found: found)]
        larger = outline.other
        if larger is not None:
            return [OtherMethod(outline.otherWords, lambda _found: larger)]
        return [OtherMethod("a line along its longest diameter", self._alongItself)]

    def _alongItself(self, found: Outline) -> Outline:
        """Return the outline from a line along an outline's longest axial diameter."""
        part = sitk.GetImageFromArray(found.mask.astype(np.uint8))
        part.SetSpacing(self.image.GetSpacing())
        part.SetDirection(self.image.GetDirection())
        corner = np.array([[part.start for part in found.slices[::-1]]], float)
        part.SetOrigin(pointsAt(self.image, corner)[0].tolist())
        longest, _ = axialDiameters(found.mask, part)
        return outlineFromLine(self.image, np.array([longest.start, longest.end]), self.allowed)
