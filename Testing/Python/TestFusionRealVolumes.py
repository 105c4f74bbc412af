"""The fusion on real and realistic patients, against its peers and its own promises."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes
from MedFusionLib.Core.Fusion.Scores import edgeTransfer, weightedQuality
from MedFusionLib.Core.Fusion.Settings import FusionMethod, FusionSettings
from MedFusionTesting import sharedData
from PIL import Image
from scipy import ndimage


def arrayOf(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


class TestRealVolumes(unittest.TestCase):
    def test_selective_beats_its_peers_on_published_pairs(self):
        folder = sharedData("aanlib-fused")
        peers = ("ASFE-Fusion", "PYRAMID-grayscale", "DWT-grayscale")
        scores: dict[str, list[tuple[float, float]]] = {}
        for name in ("16012.png", "2013.png", "21014.png", "41013.png"):
            ct, mri = (np.asarray(Image.open(folder / kind / name).convert("L")) for kind in ("CT", "MRI"))
            images = [sitk.GetImageFromArray(picture[None]) for picture in (ct, mri)]
            results = {peer: np.asarray(Image.open(folder / peer / name).convert("L")) for peer in peers}
            for method in (FusionMethod.selective, FusionMethod.maximum, FusionMethod.average, FusionMethod.dwt):
                settings = FusionSettings(method=method, sliceWise=True)
                results[method.value] = arrayOf(fuseVolumes(images[0], images[1:], settings).image)[0]
            settings = FusionSettings(mriInBone=True)
            results["mriInBone"] = arrayOf(fuseVolumes(images[0], images[1:], settings).image)[0]
            a, b = ct.astype(float), mri.astype(float)
            for method, result in results.items():
                f = np.rint(result).astype(float)
                scores.setdefault(method, []).append((edgeTransfer(a, b, f), weightedQuality(a, b, f)))
        means = {method: np.mean(each, axis=0) for method, each in scores.items()}
        solid, detailed = means.pop(FusionMethod.selective.value), means.pop("mriInBone")
        for method, peer in means.items():
            self.assertGreater(solid[0], peer[0], f"QABF of {method}")
            # Solid bone shows no structure of the MRI, which QW asks for.
            self.assertGreater(detailed[1], peer[1], f"QW of {method}")

    def test_the_tumor_rim_and_the_bone_survive_in_a_whole_head(self):
        folder = sharedData("head-sim", "head-b")
        ct, mri, tumor = (sitk.ReadImage(str(folder / f"{name}.nrrd")) for name in ("ct", "mr_t1c", "truth_tumor_ct"))
        transform = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        registered = arrayOf(sitk.Resample(mri, ct, transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32))
        values, labels = arrayOf(ct), arrayOf(tumor)
        rim = labels == 4
        around = ndimage.binary_dilation(rim, iterations=4) & ~ndimage.binary_dilation(rim) & (labels != 1)
        around &= ~ndimage.binary_dilation(values > 150, iterations=2)
        volume = arrayOf(fuseVolumes(ct, [mri], geometry=FusionGeometry([transform])).image)
        contrasts = [
            (x[rim].mean() - x[around].mean()) / (x[rim].mean() + x[around].mean()) for x in (volume, registered)
        ]
        self.assertGreater(contrasts[0] / contrasts[1], 0.98)
        np.testing.assert_array_equal(volume > 300, values > 300)
        self.assertLess(np.abs(volume - values)[values > 300].max(), 1e-3)


if __name__ == "__main__":
    unittest.main()
