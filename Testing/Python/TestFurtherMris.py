"""Further MRIs of a session follow the first or are registered to it, and take part as asked."""

import json

import numpy as np
import SimpleITK as sitk
from MedFusionTesting import medfusion
from PhantomCase import PhantomCase


class TestFurtherMris(PhantomCase):
    def further(self, name: str, shift: float = 0.0) -> str:
        """Return another MRI of the head: on the first one's grid, or as a second scan on a grid of its own."""
        mri = sitk.Cast(self.phantom.mri, sitk.sitkFloat32)
        image = sitk.Sqrt(sitk.Clamp(mri, lowerBound=0)) * 20
        if shift:
            image = image[2:, 1:, :]
            image.SetOrigin((np.array(image.GetOrigin()) + shift).tolist())
        path = self.folder / name
        sitk.WriteImage(image, str(path))
        return str(path)

    def test_one_on_the_same_grid_follows_and_is_fused_and_outlined_as_asked(self):
        first, second = self.runArguments()[:3], self.further("flair.nrrd")
        seed = ("--tumor-seed", self.seed, "--keep", "fused", "--quiet")
        landmarks = self.runArguments()[3:]
        output = self.folder / "two"
        status, _, errors = medfusion(*first, second, *landmarks, *seed, "--fuse-with", "all", "--output", output)
        self.assertEqual(status, 0, errors)
        self.assertRegex(errors, "flair has its grid and follows the alignment of mri")
        document = json.loads((output / "measurements.json").read_text())
        self.assertIn("mri_2", document["inputs"])
        registered = sitk.ReadImage(str(output / "mri2_registered.nrrd"))
        self.assertEqual(registered.GetSize(), self.phantom.ct.GetSize())
        alone = self.folder / "one"
        status, _, errors = medfusion(*first, second, *landmarks, *seed, "--output", alone)
        self.assertEqual(status, 0, errors)
        fused = [sitk.GetArrayFromImage(sitk.ReadImage(str(path / "fused.nrrd"))) for path in (output, alone)]
        self.assertGreater(np.abs(fused[0] - fused[1]).mean(), 1)

    def test_what_cannot_be_meant_is_refused(self):
        first, landmarks = self.runArguments()[:3], self.runArguments()[3:]
        more = (*landmarks, "--output", self.folder / "out")
        self.assertRefused("names MRI 2, but 1 were given", *first, *more, "--fuse-with", "2")
        self.assertRefused("was given twice", *first, self.inputs["mri"], *more)
        self.assertRefused("neither all nor numbers", *first, *more, "--fuse-with", "both")
