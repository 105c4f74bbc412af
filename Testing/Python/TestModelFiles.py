"""Side files of models: whatever is in them, a result that is right or one sentence."""

import itertools
import json
import os
import tempfile
import time
import unittest
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.ModelDescription import labelTable, volumesOfChannels
from MedFusionLib.Core.Tumor.MrSequence import MrSequence
from MedFusionLib.Core.Tumor.TumorModels import ModelSettings, _runCancellable, segmentWithModel

FLAIR, T1C, T2, UNKNOWN = MrSequence.flair, MrSequence.t1c, MrSequence.t2, MrSequence.unknown
STRANGE = (None, [], {}, 0, -1, 1.5, "x", "", True, [None], [[]], {"a": None}, [0, 0], [1e400, 1], 10**30)


class TestLabels(unittest.TestCase):
    def test_outputs_are_in_the_order_of_the_labels_values_and_gaps_stay(self):
        table = labelTable({"background": 0, "necrosis": 1, "edema": 2, "enhancing tumor": 4}, "m.json")
        self.assertEqual(table.valuesOfOutputs(4), (0, 1, 2, 4))
        self.assertEqual(table.valuesOfOutputs(5), (0, 1, 2, 3, 4))
        with self.assertRaisesRegex(ValueError, "3 output.*0, 1, 2, 4"):
            table.valuesOfOutputs(3)

    def test_labels_that_are_none_are_refused(self):
        for labels in (*STRANGE, {"a": 1, "b": 1}, {"a": 0}, {"a": 1.5}, {"a": "1"}, {"a": 70000}, {"a": []}):
            if labels in ({"a": None}, {}):
                continue
            with self.subTest(labels=labels), self.assertRaisesRegex(ValueError, "of the model"):
                labelTable(labels, "m.json")
        regions = labelTable({"background": 0, "whole": [1, 2, 3], "core": [2, 3], "et": 3}, "m.json")
        self.assertEqual({union.name: union.values for union in regions.unions}, {"whole": (1, 2, 3), "core": (2, 3)})
        self.assertEqual(regions.values, (1, 2, 3))


class TestChannels(unittest.TestCase):
    def test_names_tell_the_volume_whatever_the_order(self):
        for names in itertools.permutations(("FLAIR", "T1ce", "T2w")):
            numbers, notes = volumesOfChannels(names, {}, (T2, FLAIR, T1C))
            self.assertEqual([{"FLAIR": 1, "T1ce": 2, "T2w": 0}[name] for name in names], numbers)
            self.assertEqual(notes, ())
        self.assertEqual(volumesOfChannels(("t2f", "t2w"), {}, (T2, FLAIR))[0], [1, 0])

    def test_order_decides_only_where_no_name_tells_and_is_said(self):
        numbers, notes = volumesOfChannels(("FLAIR", "other"), {}, (UNKNOWN, FLAIR))
        self.assertEqual(numbers, [1, 0])
        self.assertIn("other is volume 1", notes[0])
        self.assertEqual(volumesOfChannels(("a", "b"), {"b": 0}, (UNKNOWN, UNKNOWN))[0], [1, 0])

    def test_a_volume_of_another_sequence_is_not_taken(self):
        with self.assertRaisesRegex(ValueError, r"T1c is missing: 1 volume\(s\) were given \(flair\).*--channel T1c"):
            volumesOfChannels(("T1c",), {}, (FLAIR,))
        self.assertEqual(volumesOfChannels(("T1c",), {"T1c": 0}, (FLAIR,))[0], [0])
        with self.assertRaisesRegex(ValueError, "names a volume that is not there"):
            volumesOfChannels(("T1c",), {"T1c": 4}, (T1C,))


class TestPrograms(unittest.TestCase):
    def test_an_interrupted_program_ends_with_what_it_started(self):
        with tempfile.TemporaryDirectory() as folder:
            note = Path(folder, "pid")
            arguments = ["sh", "-c", f"sleep 60 & echo $! > {note}; wait"]

            def interrupt(_fraction: float, _message: str) -> bool:
                raise KeyboardInterrupt

            with self.assertRaises(KeyboardInterrupt):
                _runCancellable(arguments, Path(folder, "log"), interrupt)
            child = int(note.read_text())
            for _ in range(50):
                if not _isRunning(child):
                    break
                time.sleep(0.1)
            self.assertFalse(_isRunning(child))


def _isRunning(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@unittest.skipUnless(find_spec("onnx") and find_spec("onnxruntime"), "onnx and onnxruntime are not installed")
class TestOnnxFiles(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        values = np.zeros((8, 9, 10), np.float32)
        values[2:6, 2:7, 2:8], values[3:5, 3:6, 3:7], values[4, 4, 4] = 400, 600, 200
        self.image = sitk.GetImageFromArray(values)
        self.truth = np.select([values == 200, values == 400, values == 600], [1, 2, 4])

    def model(self, description: object, levels: tuple[float, ...] = (0, 200, 400, 600)) -> Path:
        """Write a network whose outputs are largest at a level each, and its JSON file."""
        import onnx
        from onnx import TensorProto, helper

        shape = [1, len(levels), None, None, None]
        weights = helper.make_tensor("w", TensorProto.FLOAT, [len(levels), 1, 1, 1, 1], list(levels))
        bias = helper.make_tensor("b", TensorProto.FLOAT, [len(levels)], [-level * level / 2 for level in levels])
        graph = helper.make_graph(
            [helper.make_node("Conv", ["x", "w", "b"], ["y"])],
            "levels",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, None, None, None])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
            [weights, bias],
        )
        path = self.folder / "levels.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
        path.with_suffix(".json").write_text(json.dumps(description))
        return path

    def test_labels_with_a_gap_keep_their_segments(self):
        labels = {"background": 0, "necrosis": 1, "edema": 2, "enhancing tumor": 4}
        path = self.model({"channels": ["T1c"], "labels": labels})
        found = segmentWithModel([self.image], ModelSettings(str(path)), (T1C,))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(found.labelImage), self.truth)
        self.assertEqual([segment.value for segment in found.segments], [1, 2, 4])

    def test_any_description_ends_in_a_sentence(self):
        good = {"channels": ["T1c"], "labels": {"background": 0, "a": 1, "b": 2, "c": 3}}
        for key in ("channels", "labels", "spacing", "multiple", "normalization"):
            for value in STRANGE:
                if value is None and key not in ("channels", "labels"):
                    continue
                with self.subTest(key=key, value=value), self.assertRaises((ValueError, RuntimeError)):
                    segmentWithModel([self.image], ModelSettings(str(self.model(good | {key: value}))), (T1C,))
        for whole in STRANGE:
            with self.subTest(whole=whole), self.assertRaises(ValueError):
                segmentWithModel([self.image], ModelSettings(str(self.model(whole))), (T1C,))
        with self.assertRaisesRegex(ValueError, "too many"):
            path = self.model(good | {"spacing": [1e-4, 1e-4, 1e-4]})
            segmentWithModel([self.image], ModelSettings(str(path)), (T1C,))

    def test_a_damaged_network_ends_in_a_sentence(self):
        path = self.model({"channels": ["T1c"], "labels": {"a": 1, "b": 2, "c": 3}})
        data = path.read_bytes()
        random = np.random.default_rng(5)
        for _ in range(40):
            damaged = bytearray(data)
            for place in random.integers(0, len(data), 4):
                damaged[place] = int(random.integers(0, 256))
            path.write_bytes(bytes(damaged))
            try:
                segmentWithModel([self.image], ModelSettings(str(path)), (T1C,))
            except (ValueError, RuntimeError) as error:
                self.assertLess(len(str(error)), 400)
        for content in (b"", random.bytes(300), data[: len(data) // 2]):
            path.write_bytes(content)
            with self.assertRaises((ValueError, RuntimeError)):
                segmentWithModel([self.image], ModelSettings(str(path)), (T1C,))


if __name__ == "__main__":
    unittest.main()
