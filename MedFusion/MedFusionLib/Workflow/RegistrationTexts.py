"""What the panel says about a registration."""

import html

import numpy as np

from ..Core.Registration.RegistrationResult import Place, RegistrationResult
from ..Scene.RegistrationNodes import MAP_COLORS
from .Texts import meanings, paragraphs, table, verdictWord, warning
from .Translation import tr as _


def registrationCard(
    result: RegistrationResult | None, tumorCenter: np.ndarray | None, isOutOfDate: bool = False
) -> str:
    """Return how good a registration is, as rich text with the verdict first.

    :param result: None for one of an earlier session.
    :param tumorCenter: LPS millimeters in the CT, None where no tumor is outlined.
    :param isOutOfDate: whether what it was made from has changed since.
    """
    if result is None:
        return _(
            "Registered in an earlier session. Register again to see the errors, and before saving "
            "where the images refined it."
        )
    if tumorCenter is not None:
        result = result.withTarget(tumorCenter)
    rows = [(_("Landmarks"), str(len(result.labels)) if result.labels else _("none"))]
    for title, length in (
        (_("Residual (FRE)"), result.fre),
        (_("Placing error (FLE)"), result.fle),
        (_("Moved by the images"), result.refinementShift),
    ):
        if length is not None and np.isfinite(length):
            rows.append((title, f"{length:.2f} mm"))
    stale = [_("Out of date: landmarks, volumes or pose were changed since. Register again.")] if isOutOfDate else []
    first, last = ([warning(text) for text in texts] for texts in (stale, result.warnings))
    return paragraphs([*first, _verdictLine(result), table(rows), *last])


def _verdictLine(result: RegistrationResult) -> str:
    """Return what to think of a registration, with the one thing to look at next."""
    parts = [verdictWord(result.verdict.judgment), *_expectedError(result)]
    parts.append(_agreement(result))
    parts += [html.escape(reason, quote=False) for reason in result.verdict.reasons[:1]]
    parts.append(f"<i>{_('Next:')}</i> {html.escape(result.advice, quote=False)}")
    return " ".join(parts)


def _expectedError(result: RegistrationResult) -> list[str]:
    """Return the error to expect where it matters: at the tumor once it is outlined, else amid the landmarks."""
    sentences = {
        Place.tumor: _(
            "Expected error at the tumor (TRE) {expected:.2f} mm, with 95 % probability below {bound:.2f} mm."
        ),
        Place.landmarksCenter: _(
            "Expected error amid the landmarks (TRE) {expected:.2f} mm, with 95 % probability below {bound:.2f} mm."
        ),
        Place.bodyCenter: _(
            "Expected error in the middle of the head (TRE) {expected:.2f} mm, with 95 % probability below "
            "{bound:.2f} mm."
        ),
    }
    errors = result.expectedErrors[:1]
    return [sentences[error.place].format(expected=error.expected, bound=error.bound) for error in errors]


def _agreement(result: RegistrationResult) -> str:
    """Return whether the images agree with the landmarks."""
    if result.landmarks is None and result.pairs is not None:
        return _("It rests on the landmarks alone; the images have not been compared with them.")
    if result.landmarks is None:
        return _("It rests on the images alone; there are no landmarks to compare them with.")
    if result.repaired is not None or (result.images is not None and not result.images.accepted):
        return _("The images do not agree with the landmarks.")
    if result.overlap is None:
        return _("The images have not been compared with this pose.")
    return _("The images agree with the landmarks.")


def errorUnderCursor(result: RegistrationResult, point: np.ndarray) -> str:
    """Return both errors at a place in sight, or "" where nothing tells them.

    :param point: LPS millimeters in the CT.
    """
    errors = result.errorsUnder(point)
    if errors is None:
        return ""
    return _("Under the mouse: expected error {expected:.1f} mm, 95 % below {bound:.1f} mm").format(
        expected=errors[0], bound=errors[1]
    )


def errorMeanings() -> str:
    """Return what the errors on the card say."""
    return meanings(
        (
            (
                _("FRE, fiducial registration error"),
                _("the root mean square of the distances that remain between paired landmarks after the fit."),
            ),
            (
                _("FLE, fiducial localization error"),
                _("how far a landmark typically is from its true place, estimated from what the fit leaves over."),
            ),
            (
                _("TRE, target registration error"),
                _("how far apart CT and MRI are expected to be at the place that matters, which no landmark shows."),
            ),
        )
    )


def errorMapLegend(low: float, high: float) -> str:
    """Return what the colors of the map of the expected error stand for, as rich text.

    :param low: the error in mm shown in the first color; high: in the last one.
    """
    parts = []
    for share, (red, green, blue) in MAP_COLORS:
        color = f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
        parts.append(f'<span style="color:{color}">■</span> {low + share * (high - low):.1f} mm')
    return _("Expected error: {colors}").format(colors="&nbsp;&nbsp; ".join(parts))
