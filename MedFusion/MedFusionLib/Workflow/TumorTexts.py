"""What the panel says about an outline."""

import html
from typing import TYPE_CHECKING

from .Texts import paragraphs, verdictWord, warning
from .Translation import tr as _

if TYPE_CHECKING:
    from ..Core.Tumor.Outline import Alternative, SecondOpinion
    from ..Core.Tumor.TumorSegmentation import TumorResult


def tumorCard(tumor: "TumorResult", isOutOfDate: bool = False) -> str:
    """Return what to think of an outline, as rich text with the verdict first.

    :param isOutOfDate: whether the volume it was made from has changed since.
    """
    stale = [warning(_("Out of date: the volume was changed since. Outline the tumor again."))] if isOutOfDate else []
    reasons = tumor.verdict.reasons
    verdict = " ".join([verdictWord(tumor.verdict.judgment), *(html.escape(r, quote=False) for r in reasons[:1])])
    others = [text for text in tumor.warnings if text not in reasons[:1]]
    second = [] if tumor.second is None else _opinions(tumor.second)
    return paragraphs([*stale, verdict, *second, *map(warning, others)])


def _opinions(second: "SecondOpinion") -> list[str]:
    """Return both volumes of each lesion."""
    lines = []
    for number, (method, agreement, (own, other)) in enumerate(
        zip(second.methods, second.agreements, second.volumesMl, strict=True), start=1
    ):
        if method:
            text = _("Second method ({method}): {other:.1f} ml beside {own:.1f} ml, Dice {agreement:.2f}.").format(
                method=method, other=other, own=own, agreement=agreement
            )
            lines.append(html.escape(f"{number}. {text}" if len(second.methods) > 1 else text, quote=False))
    return lines


def otherOutlineText(alternative: "Alternative") -> str:
    """Return what a button says that takes the other outlines."""
    volumeMl = sum(volume for volume in alternative.volumesMl if volume == volume)
    return _("&Take the other outline ({volume:.1f} ml)").format(volume=volumeMl)


def otherOutlineTip(alternative: "Alternative") -> str:
    """Return what the other outlines are."""
    words = ", ".join(dict.fromkeys(filter(None, alternative.words)))
    return _("Show {words} instead of this one; press again to take it back (Alt+T).").format(words=words)
