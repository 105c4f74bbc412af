"""Write the pages of the documentation that are made from the program itself.

    python Testing/MakeDocs.py

Docs/CommandLine.md comes from the command line's own help, Docs/Files.md from Docs/measurements.schema.json.
"""

import argparse
import json
import sys
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "MedFusion"))

SCHEMA = ROOT / "Docs" / "measurements.schema.json"
LINKS = (
    "[Tutorial](Tutorial.md) · [Registration](Registration.md) · [Fusion](Fusion.md) · [Tumor](Tumor.md) · "
    "[DICOM and reports](Dicom.md) · [Command line](CommandLine.md) · [Files](Files.md) · [Accuracy](Accuracy.md) · "
    "[Slicer](Slicer.md)\n"
)
# What stands for a value in the examples, by the word that the help has for it.
SAMPLES = {
    "N": "2",
    "MM": "1.0",
    "DIR": "results",
    "FILE": "points.mrk.json",
    "NAME": "db2",
    "LOW,HIGH": "0,1500",
    "X,Y,Z": "-12.5,30,41",
    "X,Y,Z,X,Y,Z": "-30,10,41,5,22,41",
    "UID": "1.2.840.113619.2.5",
    "PATH": "model.onnx",
    "NAME=NUMBER": "FLAIR=1",
    "VALUE": "0.5",
    "SEG": "tumor.seg.nrrd",
    "LABEL": "sub-01",
    "ADDRESS": "tcp://node1:8786",
    "OPTIONS": "'--time=02:00:00'",
    "PORT": "8080",
}
FILES = {
    "mri_registered.nrrd": "the MRI resampled onto the CT's grid; with `register --grid mri` it is "
    "`ct_registered.nrrd`, the CT on the MRI's grid",
    "ct_to_mri.h5": "ITK transform that maps CT points to MRI points (LPS); Slicer loads it as a transform to put "
    "on the MRI",
    "fused.nrrd": "the fused volume on the CT's grid",
    "tumor.seg.nrrd": "the tumor's segments in the CT's coordinates",
    "measurements.json": "errors, measures, warnings, parameters, versions, the inputs as read: key by key below",
    "measurements.csv": "the measures of the outlines as a table",
    "report.html": "all of it to read and print, pictures inside; with `--pdf` also `report.pdf`",
    "scene.mrb": "the Slicer scene: MRI under its transform, fused volume shown, tumor visible, landmarks paired; "
    "after `run` also the expected error as a volume to overlay",
}
COMPARED = (
    "`compare` writes `report.html`, `comparison.json` and `first_to_second.h5`, an ITK transform from points of the "
    "first to points of the second run's CT. Pictures have `mri_registered.png`, `fused.png` and `tumor.png` beside "
    "these, and volumes of one slice.\n"
)


def commandLinePage() -> str:
    """Return the page with every command and every option, each with an example."""
    from MedFusionLib.__main__ import _parser

    commands = _commandsOf(_parser([]))
    parts = [
        "# Command line\n",
        LINKS,
        "*Made by `python Testing/MakeDocs.py` from `medfusion --help`; do not edit.*\n",
        "Volumes are `.nrrd`, `.nii`, `.nii.gz`, `.mha` or a DICOM folder. Points are RAS millimeters, as Slicer's "
        "status bar shows them, unless `--lps` is given. Progress goes to standard error. The exit status is 0, or 2 "
        "with one sentence for input that cannot be used, 1 when a step failed, 3 when some subjects of a cohort "
        "failed, 130 when interrupted. An existing output is replaced only with `--force`; a run that fails or is "
        "interrupted leaves nothing behind, and no input is ever written to.\n",
    ]
    helps = {choice.dest: choice.help for choice in commands._choices_actions}
    for name in commands.choices:
        command = _commandsOf(_parser([name])).choices[name]  # only a command that is asked for has its arguments
        nested = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
        parts.append(f"## {name}\n\n{_sentence(helps.get(name, ''))}\n")
        if nested:
            below = {choice.dest: choice.help for choice in nested[0]._choices_actions}
            for kind, inner in nested[0].choices.items():
                parts.append(f"### {name} {kind}\n\n{_sentence(below.get(kind, ''))}\n")
                parts.append(_options(inner))
        else:
            parts.append(_options(command))
    return "\n".join(parts)


def _commandsOf(parser: argparse.ArgumentParser) -> argparse._SubParsersAction:
    return next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def _options(command: argparse.ArgumentParser) -> str:
    rows = ["| option | what it does | example |", "|---|---|---|"]
    for action in command._actions:
        if action.help is argparse.SUPPRESS or "--help" in action.option_strings:
            continue
        help = _sentence((action.help or "") % {"default": action.default, "prog": "medfusion"})
        if action.choices and action.option_strings:
            help += f" One of {', '.join(f'`{_word(choice)}`' for choice in action.choices)}"
            help += f"; `{_word(action.default)}` by default." if action.default is not None else "."
        name = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)
        example = _example(action) if action.option_strings else ""
        rows.append(f"| `{name}` | {help.strip()} | {example} |".replace("`|`", "`\\|`"))
    return "\n".join(rows) + "\n"


def _example(action: argparse.Action) -> str:
    option = action.option_strings[-1]
    if action.nargs == 0:
        return f"`{option}`"
    if action.choices:
        return f"`{option} {_word(list(action.choices)[-1])}`"
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    value = SAMPLES.get(metavar, metavar.split("|")[0])
    return f"`{option}{'=' if value.startswith('-') else ' '}{value}`"


def _word(choice: object) -> str:
    return str(choice.value if isinstance(choice, Enum) else choice)


def _sentence(text: str) -> str:
    text = " ".join(text.split()).replace("|", "\\|")
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def filesPage() -> str:
    """Return the page with every output file, and every key of the measurements."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = [
        "# Files\n",
        LINKS,
        "*Made by `python Testing/MakeDocs.py`, the keys from [measurements.schema.json](measurements.schema.json); do "
        "not edit.*\n",
        "\n".join(["| file | what it is |", "|---|---|", *(f"| `{name}` | {what} |" for name, what in FILES.items())]),
        "",
        COMPARED,
        "## measurements.json and comparison.json\n",
        schema.get("description", "") + "\n",
        _keys(schema),
    ]
    for name, part in schema.get("$defs", {}).items():
        if "properties" in part:
            parts += [f"### {name}\n", part.get("description", "") + "\n", _keys(part)]
    return "\n".join(parts)


def _keys(part: dict) -> str:
    required = part.get("required", [])
    rows = ["| key | what it is | type | always there |", "|---|---|---|---|"]
    for key, value in part.get("properties", {}).items():
        meaning = value.get("description", "").replace("|", "\\|")
        rows.append(f"| `{key}` | {meaning} | {_type(value)} | {'yes' if key in required else ''} |")
    return "\n".join(rows) + "\n"


def _type(value: dict) -> str:
    if "$ref" in value:
        return value["$ref"].rsplit("/", 1)[-1]
    for word in ("anyOf", "oneOf"):
        if word in value:
            return " or ".join(_type(each) for each in value[word])
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    kind = value.get("type", "")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    return f"{kind} of {_type(value['items'])}" if kind == "array" and isinstance(value.get("items"), dict) else kind


PAGES = {"CommandLine.md": commandLinePage, "Files.md": filesPage}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / "Docs" / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
