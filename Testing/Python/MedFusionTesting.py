"""What the tests share: the command line in this process, and evaluation data that a test skips without."""

import contextlib
import io
import json
import unittest
from pathlib import Path

from MedFusionLib.__main__ import main

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def sharedData(*parts: str) -> Path:
    """Return the path of a piece of evaluation data beside the project, or skip the test if it is absent."""
    path = PROJECT_ROOT.parent.joinpath("shared", "data", *parts)
    if not path.exists():
        raise unittest.SkipTest(f"evaluation data {'/'.join(parts)} is not beside the project")
    return path


def medfusion(*arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process and return exit status, standard output and standard error."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit:
            status = exit.code
    return status, output.getvalue(), errors.getvalue()


def checkDocument(path: Path) -> None:
    """Raise AssertionError if a measurements file is not as its JSON Schema says; pass where that cannot be checked."""
    try:
        import jsonschema
    except ImportError:
        return
    schema = json.loads((PROJECT_ROOT / "Docs/measurements.schema.json").read_text(encoding="utf-8"))
    document = json.loads(path.read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
    found = [f"{error.json_path}: {error.message}" for error in errors]
    assert not found, found
