"""Whether two runs measured the same thing in the same way, so that their difference is the tumor's."""

import numpy as np

from ..Tumor.MrSequence import MrSequence
from ..Tumor.Segments import TumorTissue
from .RunFolder import RunFolder

# Different sequences of one head correlate by -0.1 to 0.8 (ten cases of BraTS), the same one by more.
_ALIKE = 0.8
_FULL_WORD = {MrSequence.flair: "FLAIR", MrSequence.t1: "T1", MrSequence.t1c: "T1c", MrSequence.t2: "T2"}
_SPACING_RATIO = 1.5


def differencesBetween(runs: tuple[RunFolder, RunFolder]) -> tuple[str, ...]:
    """Return a sentence for each reason why the two outlines are of different things."""
    first, second = runs
    found = []
    if MrSequence.unknown not in (first.sequence, second.sequence) and first.sequence is not second.sequence:
        found.append(
            f"The tumor of {first.name} was outlined on {_FULL_WORD[first.sequence]}, that of {second.name} on "
            f"{_FULL_WORD[second.sequence]}; they show different parts of it."
        )
    contents = [_contentOf(run) for run in runs]
    if all(contents) and contents[0] != contents[1]:
        found.append(f"The outline of {first.name} is the {contents[0]}, that of {second.name} the {contents[1]}.")
    return tuple(found)


def comparabilityNotes(runs: tuple[RunFolder, RunFolder], similarity: float) -> tuple[str, ...]:
    """Return a sentence for each difference that may be a part of the change.

    :param similarity: correlation of the aligned images.
    """
    first, second = runs
    notes = []
    methods = [run.tumorSetting("method") for run in runs]
    if all(methods) and methods[0] != methods[1]:
        notes.append(
            f"{first.name} was outlined by the method {methods[0]}, {second.name} by {methods[1]}; a part of the "
            "change may be theirs."
        )
    spacings = [np.array(run.outline.labelImage.GetSpacing()) for run in runs]
    if np.max(np.maximum(spacings[0] / spacings[1], spacings[1] / spacings[0])) > _SPACING_RATIO:
        sizes = [" x ".join(f"{edge:.2g}" for edge in spacing) for spacing in spacings]
        notes.append(
            f"The voxels of {first.name} are {sizes[0]} mm, those of {second.name} {sizes[1]} mm; a part of the change "
            "may be theirs."
        )
    if MrSequence.unknown in (first.sequence, second.sequence) and similarity < _ALIKE:
        notes.append(
            f"The MRIs look as different as two sequences do (their correlation is {similarity:.2f}), and the runs do "
            "not tell which they are; compare the same sequence at both times."
        )
    return tuple(notes)


def _contentOf(run: RunFolder) -> str:
    """Return whether a whole tumor or its core is outlined, empty where that is not known."""
    tissues = {segment.tissue for segment in run.outline.allSegments}
    if tissues & {TumorTissue.edema, TumorTissue.wholeTumor}:
        return "whole tumor"
    if all(tissue.isPart for tissue in tissues):
        return "tumor core"
    whole, core = (MrSequence.flair, MrSequence.t2), (MrSequence.t1c,)
    return "whole tumor" if run.sequence in whole else "tumor core" if run.sequence in core else ""
