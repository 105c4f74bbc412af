"""What an MR series was weighted for, by its header and then by its name."""

from ..Tumor.MrSequence import MrSequence, sequenceOfName
from .Series import DicomSeries

_SEQUENCES = {"FLAIR": MrSequence.flair, "T2 weighted": MrSequence.t2}


def guessSequence(name: str, series: DicomSeries | None = None) -> MrSequence:
    """Return the sequence of an MRI: what its header says, else what the name of the volume speaks of.

    :param series: None for a volume without a DICOM header.
    """
    if series is None or series.modality != "MR":
        return sequenceOfName(name)
    weighting = _weighting(series)
    if weighting.startswith("T1 weighted"):
        return MrSequence.t1c if _isEnhanced(series) else MrSequence.t1
    return _SEQUENCES.get(weighting) or (MrSequence.unknown if weighting else sequenceOfName(name))


def sequenceText(series: DicomSeries) -> str:
    """Return the weighting of an MR series, or the kernel of a CT, as far as header and description tell."""
    tags = dict(series.tags)
    enhanced = _isEnhanced(series)
    if series.modality == "CT":
        kernel = tags.get("ConvolutionKernel", "")
        return _joined("CT", f"kernel {kernel}" if kernel else "", "with contrast agent" if enhanced else "")
    if series.modality != "MR":
        return ""
    name = _weighting(series) or "weighting unknown"
    times = [
        f"{short} {float(tags[keyword]):g} ms"
        for short, keyword in (("TR", "RepetitionTime"), ("TE", "EchoTime"), ("TI", "InversionTime"))
        if _number(tags, keyword) is not None
    ]
    return _joined(name, "with contrast agent" if enhanced else "", tags.get("MRAcquisitionType", ""), " ".join(times))


def _isEnhanced(series: DicomSeries) -> bool:
    """Return whether a contrast agent was given, as far as header and description tell."""
    contrast = dict(series.tags).get("ContrastBolusAgent", "")
    words = set("".join(c if c.isalnum() or c == "+" else " " for c in _description(series)).split())
    isNamed = series.modality == "MR" and bool(words & {"gd", "ce", "+c", "post", "contrast", "t1c", "t1ce", "km"})
    return isNamed or (bool(contrast) and contrast.upper() not in ("NONE", "NO"))


def _description(series: DicomSeries) -> str:
    tags = dict(series.tags)
    return f" {series.description} {tags.get('SequenceName', '')} {tags.get('PulseSequenceName', '')} ".lower()


def _weighting(series: DicomSeries) -> str:
    return _weightingByName(_description(series)) or _weightingByTimes(dict(series.tags))


def _weightingByName(text: str) -> str:
    for word, name in (
        ("flair", "FLAIR"),
        ("dwi", "diffusion"),
        ("adc", "apparent diffusion coefficient"),
        ("swi", "susceptibility weighted"),
        ("mprage", "T1 weighted (inversion prepared gradient echo)"),
        ("t2*", "T2* weighted"),
        ("t2", "T2 weighted"),
        ("t1", "T1 weighted"),
        (" pd", "proton density weighted"),
    ):
        if word in text:
            return name
    return ""


def _weightingByTimes(tags: dict[str, str]) -> str:
    repetition, echo = _number(tags, "RepetitionTime"), _number(tags, "EchoTime")
    inversion = _number(tags, "InversionTime")
    if repetition is None or echo is None:
        return ""
    if inversion is not None and inversion > 1500 and echo > 70:
        return "FLAIR"
    if inversion is not None and 500 < inversion < 1300 and echo < 15:
        return "T1 weighted (inversion prepared gradient echo)"
    if echo > 70:
        return "T2 weighted"
    if repetition > 1800:
        return "proton density weighted"
    return "T1 weighted" if echo < 30 else ""


def _number(tags: dict[str, str], keyword: str) -> float | None:
    try:
        return float(tags[keyword])
    except (KeyError, ValueError):
        return None


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
