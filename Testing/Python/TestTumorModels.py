"""Trained models as the user's own, on tiny ones made here."""

import json
import os
import stat
import sys
import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Tumor.TumorModels import ModelSettings
from MedFusionLib.Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings, segmentTumor

PREDICT = """#!{python}
import sys, time, glob, os
import SimpleITK as sitk
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if {seconds}: time.sleep({seconds})
if {status}: sys.exit("weights are broken")
files = sorted(glob.glob(os.path.join(options["-i"], "case_*.nii.gz")))
first, second = (sitk.ReadImage(file) for file in files)
sitk.WriteImage(sitk.Cast(first > 100, sitk.sitkUInt8) + sitk.Cast(second > 100, sitk.sitkUInt8),
                os.path.join(options["-o"], "case.nii.gz"))
"""


def volumes() -> list[sitk.Image]:
    """Return two volumes on one oblique grid: bright in a box, and in a smaller box inside it."""
    images = []
    for half in (6, 3):
        array = np.zeros((20, 22, 24), np.float32)
        array[10 - half : 10 + half, 11 - half : 11 + half, 12 - half : 12 + half] = 200
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.5, 2.0))
        image.SetOrigin((5, -6, 7))
        images.append(image)
    return images


class TestNnUNet(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.model = self.folder / "model"
        (self.model / "fold_0").mkdir(parents=True)
        (self.model / "dataset.json").write_text(
            json.dumps(
                {
                    "channel_names": {"0": "FLAIR", "1": "T1c"},
                    "labels": {"background": 0, "edema": 1, "core": 2},
                    "file_ending": ".nii.gz",
                }
            )
        )
        self.installPredict()

    def installPredict(self, seconds: int = 0, status: int = 0) -> None:
        """Put a stand-in for nnU-Net's command on the path."""
        program = self.folder / "nnUNetv2_predict_from_modelfolder"
        program.write_text(PREDICT.format(python=sys.executable, seconds=seconds, status=status))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.enterContext(mock.patch.dict(os.environ, {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}))

    def settings(self, **channels: int) -> SegmentationSettings:
        model = ModelSettings(str(self.model), tuple(channels.items()))
        return SegmentationSettings(method=SegmentationMethod.model, model=model)

    def test_the_models_labels_come_back_on_the_volumes_grid(self):
        flair, t1c = volumes()
        result = segmentTumor([flair, t1c], None, self.settings())
        self.assertEqual({s.value: s.name for s in result.segments}, {1: "edema", 2: "core"})
        expected = sitk.GetArrayFromImage(flair > 100) + sitk.GetArrayFromImage(t1c > 100)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(result.labelImage), expected)
        self.assertEqual(result.labelImage.GetOrigin(), flair.GetOrigin())

    def test_channels_are_mapped_by_name(self):
        flair, t1c = volumes()
        swapped = segmentTumor([t1c, flair], None, self.settings(FLAIR=1, T1c=0))
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(swapped.labelImage),
            sitk.GetArrayFromImage(flair > 100) + sitk.GetArrayFromImage(t1c > 100),
        )

    def test_missing_and_unknown_channels_are_refused(self):
        with self.assertRaisesRegex(ValueError, "T1c is missing"):
            segmentTumor(volumes()[:1], None, self.settings())
        with self.assertRaisesRegex(ValueError, "no channel T2"):
            segmentTumor(volumes(), None, self.settings(T2=0))

    def test_a_folder_that_is_no_model_is_refused(self):
        (self.model / "dataset.json").unlink()
        with self.assertRaisesRegex(ValueError, "dataset.json"):
            segmentTumor(volumes(), None, self.settings())
        with self.assertRaisesRegex(ValueError, "neither"):
            segmentTumor(
                volumes(), None, SegmentationSettings(SegmentationMethod.model, model=ModelSettings("nowhere"))
            )

    def test_a_failing_program_is_reported_with_its_last_words(self):
        self.installPredict(status=1)
        with self.assertRaisesRegex(RuntimeError, "weights are broken"):
            segmentTumor(volumes(), None, self.settings())

    def test_a_running_program_is_stopped_on_cancel(self):
        self.installPredict(seconds=60)
        with self.assertRaises(Canceled):
            segmentTumor(volumes(), None, self.settings(), progress=lambda fraction, message: False)

    def test_a_missing_program_is_named(self):
        with mock.patch.dict(os.environ, {"PATH": ""}), self.assertRaisesRegex(ValueError, "install nnunetv2"):
            segmentTumor(volumes(), None, self.settings())


@unittest.skipUnless(find_spec("onnx") and find_spec("onnxruntime"), "onnx and onnxruntime are not installed")
class TestOnnx(unittest.TestCase):
    def test_a_tiny_network_labels_what_is_bright(self):
        import onnx
        from onnx import TensorProto, helper

        shape = ["n", "c", "k", "j", "i"]
        scale = helper.make_tensor("scale", TensorProto.FLOAT, [2, 2, 1, 1, 1], [-1.0, 0.0, 1.0, 0.0])
        bias = helper.make_tensor("bias", TensorProto.FLOAT, [2], [0.5, -0.5])
        graph = helper.make_graph(
            [helper.make_node("Conv", ["x", "scale", "bias"], ["y"])],
            "tiny",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
            [scale, bias],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tiny.onnx")
            onnx.save(model, str(path))
            path.with_suffix(".json").write_text(
                json.dumps(
                    {"channels": ["FLAIR", "T1c"], "normalization": [0, 200], "labels": {"background": 0, "tumor": 1}}
                )
            )
            settings = SegmentationSettings(SegmentationMethod.model, model=ModelSettings(str(path)))
            flair, t1c = volumes()
            result = segmentTumor([flair, t1c], None, settings)
        self.assertEqual({s.value: s.name for s in result.segments}, {1: "tumor"})
        np.testing.assert_array_equal(sitk.GetArrayFromImage(result.labelImage), sitk.GetArrayFromImage(flair > 100))


if __name__ == "__main__":
    unittest.main()
