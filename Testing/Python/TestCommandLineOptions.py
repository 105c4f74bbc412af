"""Options that every command has, and what of a run is written and said."""

import json
import logging

from MedFusionLib.CommandLine.Terminal import StepProgress
from MedFusionTesting import medfusion
from PhantomCase import PhantomCase


class TestCommandLineOptions(PhantomCase):
    def setUp(self):
        self.addCleanup(setattr, StepProgress, "isQuiet", False)
        self.addCleanup(logging.getLogger().setLevel, logging.getLogger().level)

    def test_nothing_given_shows_what_there_is_and_an_example(self):
        status, output, errors = medfusion()
        self.assertEqual((status, errors), (0, ""))
        for word in ("register", "segment", "inspect", "medfusion demo --output demo"):
            self.assertIn(word, output)

    def test_the_version_is_told(self):
        status, output, _ = medfusion("--version")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"^medfusion \d+\.\d+")

    def test_a_run_writes_what_is_kept_prints_its_document_and_is_quiet(self):
        output = self.folder / "kept"
        seed = ("--tumor-seed", self.seed)
        more = ("--keep", "fused,scene", "--no-scene", "--json", "--quiet", "--threads", "1")
        status, printed, errors = medfusion(*self.runArguments(), *seed, "--output", output, *more)
        self.assertEqual(status, 0, errors)
        self.assertEqual(
            {path.name for path in output.iterdir()}, {"fused.nrrd", "measurements.json", "measurements.csv"}
        )
        self.assertEqual(json.loads(printed), json.loads((output / "measurements.json").read_text()))
        self.assertNotIn("...", errors)
        self.assertNotIn("done in", errors)

    def test_names_and_counts_that_mean_nothing_are_refused(self):
        for more, pattern in (
            (("--keep", "fused,pictures"), "is not a list of mri_registered, ct_to_mri, fused"),
            (("--threads", "0"), "not a number of threads"),
            (("--quiet", "--verbose"), "not allowed with"),
        ):
            self.assertRefused(pattern, *self.runArguments(), "--output", self.folder / "out", *more)
