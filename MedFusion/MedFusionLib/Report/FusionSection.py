"""The report's part about the fusion."""

from collections.abc import Sequence

from ..Core.Fusion.Metrics import METRIC_MEANINGS
from ..Core.Fusion.Settings import FusionMethod
from ..Core.Results.RunDocument import ScoredFusion
from .Page import Figure, details, figures, legend, paragraph, section, table
from .Pictures import Plane
from .Views import Views

# What a fused volume is for: bone as in the CT, tissue as in the MRI, nothing invented, nothing lost.
_TASK_MEASURES = ("Bone", "Soft", "Overshoot", "Dimmed")
_PERCENTS = ("Overshoot", "Dimmed")


def fusionSection(fusion: ScoredFusion, views: Views, isFull: bool) -> str:
    """Return the section with the fused volume beside its sources.

    :param isFull: whether all scores are seen at once.
    """
    pictures = []
    for plane in Plane:
        grid = views.whole(plane)
        for name, picture in (
            ("CT, bone window", views.ct(grid, views.boneWindow)),
            ("CT, brain window", views.ct(grid, views.brainWindow)),
            ("MRI", views.mri(grid)),
            ("fused", views.fused(grid)),
        ):
            pictures.append(Figure(views.outlined(picture, grid), f"{plane.name}: {name}"))
    return section(
        "Fusion",
        paragraph(_settingsText(fusion)),
        legend(*views.outlineLegend),
        figures(*pictures, columns=4),
        scoreTables(fusion, isFull),
    )


def scoreTables(fusion: ScoredFusion, isFull: bool) -> str:
    """Return the scores beside those of plain copies of the sources.

    :param isFull: whether all of them are seen at once.
    """
    return _scoreTable(fusion, _TASK_MEASURES) + _furtherScores(fusion, isFull)


def _furtherScores(fusion: ScoredFusion, isFull: bool) -> str:
    """Return what the literature on fusion scores, as far as it was computed."""
    found = _scoreTable(fusion, [name for name in METRIC_MEANINGS if name not in _TASK_MEASURES])
    if not found:
        return paragraph("Further scores, as the literature on fusion has them, are computed with the option --full.")
    copies = (
        "A plain copy of one source scores well on some measures: the fusion has earned a score only where it is "
        "better than both copies."
    )
    return details("Further scores, as the literature on fusion has them", paragraph(copies), found, isOpen=isFull)


def _settingsText(fusion: ScoredFusion) -> str:
    settings = fusion.result.settings
    meaning = ": bone from the CT, tissue from the MRI" if settings.method is FusionMethod.selective else ""
    sentences = [f"Method: {settings.method.value}{meaning}."]
    sentences.append(settings.legend)
    if not fusion.isColor:
        low, high = fusion.result.window
        sentences.append(f"Fused volume shown from {low:g} (black) to {high:g} (white).")
    return " ".join(filter(None, sentences))


def _scoreTable(fusion: ScoredFusion, names: Sequence[str]) -> str:
    columns = [fusion.scores.get(name, {}) for name in ("fused", "copy_ct", "copy_mri")]
    rows = [
        (name, *(_score(name, column.get(name)) for column in columns), METRIC_MEANINGS[name])
        for name in names
        if name in columns[0]
    ]
    return table(("Score", "Fused", "Copy of CT", "Copy of MRI", "Meaning"), rows)


def _score(name: str, value: float | None) -> str:
    if value is None or value != value:
        return ""
    if name in _PERCENTS:
        return f"{value:.2f}\N{NO-BREAK SPACE}%"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
