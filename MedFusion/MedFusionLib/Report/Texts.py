"""Figures with their units and the decimals that they deserve, and what is thought of a result in a sentence."""

import html

from ..Core.Registration.RegistrationResult import ExpectedError, Place, RegistrationResult
from ..Core.Results.RunDocument import MeasuredTumor
from ..Core.Verdict import Judgment, Verdict

_PLACES = {
    Place.tumor: "at the tumor",
    Place.landmarksCenter: "amid the landmarks",
    Place.bodyCenter: "in the middle of the head",
}
_CLASSES = {
    Judgment.confirmed: "confirmed",
    Judgment.doubtful: "doubtful",
    Judgment.notConfirmed: "not-confirmed",
}
_MARKS = {Judgment.confirmed: "\N{CHECK MARK}", Judgment.doubtful: "?", Judgment.notConfirmed: "!"}


def mm(length: float | None, digits: int = 1) -> str:
    """Return a length in mm as text; nothing for None."""
    return "" if length is None else f"{length:.{digits}f}\N{NO-BREAK SPACE}mm"


def ml(volume: float) -> str:
    """Return a volume in ml as text."""
    return f"{volume:.1f}\N{NO-BREAK SPACE}ml" if abs(volume) >= 10 else f"{volume:.2f}\N{NO-BREAK SPACE}ml"


def mm2(area: float) -> str:
    """Return an area in mm² as text."""
    return f"{area:.0f}\N{NO-BREAK SPACE}mm²"


def placeText(error: ExpectedError) -> str:
    """Return where an error is told."""
    return _PLACES[error.place]


def verdictBox(subject: str, verdict: Verdict, sentence: str) -> str:
    """Return a result's verdict: a color, a mark and a word, what speaks against it, and a sentence."""
    judgment = verdict.judgment
    text = " ".join((*verdict.reasons[:1], sentence)).strip()
    return (
        f'<div class="verdict {_CLASSES[judgment]}"><strong><span aria-hidden="true">{_MARKS[judgment]}</span> '
        f"{html.escape(subject)} {judgment.value}</strong><p>{html.escape(text, quote=False)}</p></div>"
    )


def registrationSentence(registration: RegistrationResult) -> str:
    """Return what the alignment rests on, and where nothing tells its error, that.

    The expected error itself stands below in large letters.
    """
    sentences = [] if registration.expectedErrors else ["How far it is off cannot be told."]
    if registration.verdict.reasons:
        return " ".join(sentences)  # what it rests on is among them
    if registration.isGiven:
        told = ("images", registration.images), ("landmarks", registration.landmarks)
        witnesses = " and ".join(name for name, evidence in told if evidence is not None)
        sentences.append(f"The transform was given and kept as it is; {witnesses} agree with it.")
    elif registration.images is None and registration.overlap is None:
        sentences.append("It rests on the landmarks; the images have not been compared with them.")
    elif registration.images is None:
        sentences.append("It rests on the landmarks; nothing in the images speaks against them.")
    elif registration.landmarks is None:
        sentences.append("It rests on the images alone; there are no landmarks to compare them with.")
    elif registration.images.accepted:
        sentences.append("Images and landmarks agree.")
    else:
        sentences.append("It rests on the landmarks, with which the images do not agree.")
    return " ".join(sentences)


def tumorSentence(tumor: MeasuredTumor) -> str:
    """Return what a second method says about the outline."""
    second = tumor.result.second
    if tumor.result.verdict.reasons:
        return ""  # they say it already
    if second is None:
        return "Nothing speaks against it."
    sentences = []
    for number, (method, agreement, (own, other)) in enumerate(
        zip(second.methods, second.agreements, second.volumesMl, strict=True), start=1
    ):
        lesion = f"Lesion {number}: a" if len(second.methods) > 1 else "A"
        if method and agreement == agreement:  # otherwise the verdict says that it could not answer
            sentences.append(
                f"{lesion} second method ({method}) finds {ml(other)} beside {ml(own)}, Dice {agreement:.2f}."
            )
    return " ".join(sentences)
