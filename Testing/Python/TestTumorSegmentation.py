"""The tumor's outline on made images whose tumor is known."""

import unittest
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Tumor.MrSequence import MrSequence
from MedFusionLib.Core.Tumor.SegmentationMetrics import compareSegmentations
from MedFusionLib.Core.Tumor.Segments import TumorTissue
from MedFusionLib.Core.Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    segmentTumor,
)
from MedFusionTesting import sharedData

LINE, CLICK, STROKES, WATERSHED, AUTOMATIC = (
    SegmentationSettings(method=method, sequences=(MrSequence.flair,))
    for method in (
        SegmentationMethod.line,
        SegmentationMethod.click,
        SegmentationMethod.strokes,
        SegmentationMethod.watershed,
        SegmentationMethod.automatic,
    )
)
ACROSS = np.array([[[4.0, 0.0, 5.0], [26.0, 1.0, 5.0]]])
CENTER = np.array([[15.0, 2.0, 4.0]])


def headWithBall(
    spacing: tuple[float, float, float] = (1.5, 1.5, 1.5),
    ball: float = 80.0,
    ring: float = 0.0,
    second: bool = False,
    turn: float = 0.0,
) -> tuple[sitk.Image, sitk.Image]:
    """Return a noisy stripped brain with a ball (radius 12 mm) at (15, 0, 5) LPS brighter by a step, and the truth.

    :param ring: brightness of the ball's outer 3 mm above the brain's, 0 for none.
    :param second: whether there is a second ball at (-18, 10, -5).
    :param turn: degrees by which the grid is turned about the superior axis.
    """
    size = [int(104 / s) for s in spacing]
    angle = np.deg2rad(turn)
    direction = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    origin = direction @ [-(n - 1) / 2 * s for n, s in zip(size, spacing, strict=True)]
    k, j, i = np.meshgrid(*[np.arange(n) for n in size[::-1]], indexing="ij")
    x, y, z = (
        origin[axis] + sum(direction[axis][other] * spacing[other] * (i, j, k)[other] for other in range(3))
        for axis in range(3)
    )
    brain = (x / 42) ** 2 + (y / 48) ** 2 + (z / 45) ** 2 < 1
    radius = np.sqrt((x - 15) ** 2 + y**2 + (z - 5) ** 2)
    tumor = (radius < 12).astype(np.uint8)
    values = 100.0 + ball * (radius < 12) + ring * ((radius < 12) & (radius > 9))
    if second:
        other = (x + 18) ** 2 + (y - 10) ** 2 + (z + 5) ** 2 < 9**2
        values += ball * other
        tumor[other] = 2
    values += np.random.default_rng(1).normal(0, 8, values.shape)
    values *= brain
    images = []
    for array in (values.astype(np.float32), tumor):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(spacing)
        image.SetOrigin(origin.tolist())
        image.SetDirection(direction.ravel().tolist())
        images.append(image)
    return images[0], images[1]


def dice(result, truth: sitk.Image) -> float:
    return compareSegmentations(result.labelImage, truth)["all"].dice


class TestTumorSegmentation(unittest.TestCase):
    def test_a_line_outlines_the_ball_on_any_grid(self):
        for spacing, turn in (((1.5, 1.5, 1.5), 0), ((1.0, 1.3, 3.0), 0), ((1.5, 1.5, 2.0), 25)):
            image, truth = headWithBall(spacing, turn=turn)
            result = segmentTumor([image], TumorInteraction(lines=ACROSS), LINE)
            self.assertGreater(dice(result, truth), 0.92, (spacing, turn))
            self.assertEqual(result.labelImage.GetSize(), image.GetSize())

    def test_a_line_in_any_orientation_outlines_the_same(self):
        image, truth = headWithBall()
        for direction in ((1, 0, 0), (0, 0, 1), (0.6, 0.0, 0.8)):
            line = np.array([[15.0, 0.0, 5.0]]) + 12 * np.array([[-1.0], [1.0]]) * np.array([direction])
            self.assertGreater(dice(segmentTumor([image], TumorInteraction(lines=line[None]), LINE), truth), 0.92)

    def test_an_enhancing_ring_is_outlined_outside_not_inside(self):
        image, truth = headWithBall(ball=-40, ring=160)
        self.assertGreater(dice(segmentTumor([image], TumorInteraction(lines=ACROSS), LINE), truth), 0.9)
        self.assertGreater(dice(segmentTumor([image], TumorInteraction(seeds=CENTER), CLICK), truth), 0.9)

    def test_a_careless_line_in_the_dark_middle_of_a_ring_gives_the_whole_lesion(self):
        image, truth = headWithBall(ball=-40, ring=160)
        careless = np.array([[[9.0, 2.0, 8.0], [19.0, -2.0, 8.0]], [[12.0, 4.0, 1.0], [18.0, -4.0, 1.0]]])
        for line in careless:
            self.assertGreater(dice(segmentTumor([image], TumorInteraction(lines=line[None]), LINE), truth), 0.9)

    def test_a_line_of_half_the_diameter_beside_the_middle_gives_the_whole_lesion(self):
        image, truth = headWithBall()
        careless = np.array([[[11.0, 4.0, 1.0], [20.0, -2.0, 1.0]], [[10.0, 0.0, 8.0], [18.0, 3.0, 8.0]]])
        for line in careless:
            self.assertGreater(dice(segmentTumor([image], TumorInteraction(lines=line[None]), LINE), truth), 0.9)

    def test_brightness_and_offset_change_nothing(self):
        image, _ = headWithBall()
        first = segmentTumor([image], TumorInteraction(lines=ACROSS), LINE)
        second = segmentTumor([image * 7.0], TumorInteraction(lines=ACROSS), LINE)
        self.assertGreater(dice(second, first.labelImage), 0.99)

    def test_each_line_gives_a_lesion_of_its_own(self):
        image, truth = headWithBall(second=True)
        lines = np.concatenate([ACROSS, [[[-27.0, 10.0, -5.0], [-9.0, 10.0, -5.0]]]])
        result = segmentTumor([image], TumorInteraction(lines=lines), LINE)
        self.assertEqual({s.value: s.name for s in result.segments}, {1: "Tumor 1", 2: "Tumor 2"})
        scores = compareSegmentations(result.labelImage, truth)
        self.assertGreater(min(scores[1].dice, scores[2].dice), 0.88)

    def test_a_click_outlines_the_ball_on_any_spacing(self):
        for spacing in ((1.5, 1.5, 1.5), (1.0, 1.2, 3.0)):
            image, truth = headWithBall(spacing)
            result = segmentTumor([image], TumorInteraction(seeds=CENTER), CLICK)
            self.assertEqual({s.value: s.name for s in result.segments}, {1: "Tumor"})
            self.assertGreater(dice(result, truth), 0.92)

    def test_the_automatic_method_finds_the_lesion_and_only_where_there_is_one(self):
        image, truth = headWithBall()
        self.assertGreater(dice(segmentTumor([image], None, AUTOMATIC), truth), 0.9)
        healthy, _ = headWithBall(ball=0)
        with self.assertRaisesRegex(ValueError, "No lesion found"):
            segmentTumor([healthy], None, AUTOMATIC)

    def test_the_automatic_method_finds_the_same_twice(self):
        mri = makePhantom(spacingFactor=2.5).mri
        first, second = (segmentTumor([mri], None, AUTOMATIC).labelImage for _ in range(2))
        np.testing.assert_array_equal(*map(sitk.GetArrayViewFromImage, (first, second)))

    def test_the_automatic_method_refuses_or_warns_on_other_sequences(self):
        image, _ = headWithBall()
        with self.assertRaisesRegex(ValueError, "does not work on T1"):
            segmentTumor([image], None, replace(AUTOMATIC, sequences=(MrSequence.t1,)))
        for sequences in ((MrSequence.t2,), ()):
            self.assertTrue(segmentTumor([image], None, replace(AUTOMATIC, sequences=sequences)).warnings)

    def test_strokes_and_watershed_outline_the_ball(self):
        image, truth = headWithBall()
        pointed = TumorInteraction(
            foregroundPoints=ACROSS[0, 0] + np.linspace(0.1, 0.9, 15)[:, None] * (ACROSS[0, 1] - ACROSS[0, 0]),
            backgroundPoints=np.array([[15.0, y, 5.0] for y in (-20, -19, -18, 18, 19, 20)]),
        )
        self.assertGreater(dice(segmentTumor([image], pointed, STROKES), truth), 0.9)
        self.assertGreater(dice(segmentTumor([image], TumorInteraction(lines=ACROSS), WATERSHED), truth), 0.85)

    def test_a_stroke_adds_what_is_missing_and_one_takes_away_what_is_too_much(self):
        image, truth = headWithBall()
        array = sitk.GetArrayFromImage(truth)
        missing, tooMuch = array.copy(), array.copy()
        middle = int(np.argwhere(array).mean(axis=0)[2])
        missing[:, :, middle + 2 :] = 0
        tooMuch[np.roll(array, -12, axis=1) > 0] = 1
        for present, pointed in (
            (missing, {"foregroundPoints": np.array([[x, 0.0, 5.0] for x in np.arange(20, 25, 0.5)])}),
            (tooMuch, {"backgroundPoints": np.array([[15.0, y, 5.0] for y in np.arange(-27, -15, 0.5)])}),
        ):
            presentImage = sitk.GetImageFromArray(present)
            presentImage.CopyInformation(image)
            before = compareSegmentations(presentImage, truth)["all"].dice
            after = dice(segmentTumor([image], TumorInteraction(presentImage=presentImage, **pointed), STROKES), truth)
            self.assertGreater(after, before + 0.05)

    def test_flair_and_t1c_together_part_the_tumor_and_keep_the_inclusion(self):
        flair, truth = headWithBall()
        t1c, _ = headWithBall(ball=0)
        values, whole = sitk.GetArrayFromImage(t1c), sitk.GetArrayFromImage(truth) > 0
        k, j, i = np.argwhere(whole).mean(axis=0)
        axes = np.ogrid[tuple(slice(0, n) for n in values.shape)]
        radius = 1.5 * np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, (k, j, i), strict=True)))
        values[radius < 7] += 90
        values[radius < 4] -= 130
        t1c = sitk.GetImageFromArray(values)
        t1c.CopyInformation(flair)
        settings = replace(LINE, sequences=(MrSequence.flair, MrSequence.t1c))
        result = segmentTumor([flair, t1c], TumorInteraction(lines=ACROSS), settings)
        self.assertEqual({segment.name for segment in result.segments}, {"Necrosis", "Edema", "Enhancing tumor"})
        labels = sitk.GetArrayFromImage(result.labelImage)
        unions = {union.tissue: union.values for union in result.unions}
        core = np.isin(labels, unions[TumorTissue.core])
        self.assertTrue((np.isin(labels, unions[TumorTissue.wholeTumor]) | ~core).all())
        trueCore = radius < 7
        self.assertGreater(2 * (core & trueCore).sum() / (core.sum() + trueCore.sum()), 0.8)

    def test_the_users_mask_keeps_the_outline_inside(self):
        image, truth = headWithBall()
        cavity = sitk.GetArrayFromImage(truth) * 0 + 1
        cavity[:, :, int(np.argwhere(sitk.GetArrayViewFromImage(truth)).mean(axis=0)[2]) :] = 0
        mask = sitk.GetImageFromArray(cavity)
        mask.CopyInformation(image)
        result = segmentTumor([image], TumorInteraction(lines=ACROSS), LINE, mask=mask)
        outside = (sitk.GetArrayViewFromImage(result.labelImage) != 0) & (cavity == 0)
        self.assertLess(outside.sum(), 0.1 * sitk.GetArrayViewFromImage(result.labelImage).sum())

    def test_progress_can_stop_the_outline(self):
        image, _ = headWithBall()
        with self.assertRaises(Canceled):
            segmentTumor([image], TumorInteraction(lines=ACROSS), LINE, progress=lambda fraction, message: False)

    def test_bad_lines_are_refused_with_the_reason(self):
        image, _ = headWithBall()
        for line, reason in (
            ([[15.0, 0, 5], [16.0, 0, 5]], "only 0.7 voxels long"),
            ([[45.0, 45, 44], [45.0, 30, 44]], "outside the head"),
            ([[15.0, 0, 5], [150.0, 0, 5]], "leaves the volume"),
        ):
            with self.assertRaisesRegex(ValueError, reason):
                segmentTumor([image], TumorInteraction(lines=np.array([line])), LINE)

    def test_a_line_without_contrast_is_refused_or_warned_of(self):
        flat, _ = headWithBall(ball=0)
        self.assertRegex(
            " ".join(segmentTumor([flat], TumorInteraction(lines=ACROSS), LINE).warnings), "hardly differs"
        )
        even = sitk.Cast(flat > 50, sitk.sitkFloat32) * 100
        with self.assertRaisesRegex(ValueError, "no contrast"):
            segmentTumor([even], TumorInteraction(lines=np.array([[[4.0, 0, 0], [12.0, 0, 0]]])), LINE)

    def test_bad_seeds_strokes_and_volumes_are_refused_with_the_reason(self):
        image, _ = headWithBall()
        for pointed, settings, reason in (
            (TumorInteraction(seeds=np.array([[500.0, 0, 0]])), CLICK, "outside the volume"),
            (TumorInteraction(seeds=np.array([[48.0, 48, 48]])), CLICK, "in air"),
            (TumorInteraction(), CLICK, "Click on the tumor"),
            (TumorInteraction(), LINE, "Draw a line"),
            (TumorInteraction(foregroundPoints=CENTER, backgroundPoints=CENTER), STROKES, "contradict"),
            (TumorInteraction(backgroundPoints=CENTER), STROKES, "no stroke on the tumor"),
        ):
            with self.assertRaisesRegex(ValueError, reason):
                segmentTumor([image], pointed, settings)
        with self.assertRaisesRegex(ValueError, "constant"):
            segmentTumor([image * 0.0], TumorInteraction(lines=ACROSS), LINE)
        with self.assertRaisesRegex(ValueError, "not a number"):
            TumorInteraction(seeds=np.array([[np.nan, 0.0, 0.0]]))

    def test_the_tumor_of_a_real_head_is_outlined_from_one_line(self):
        image = sitk.ReadImage(str(sharedData("head-sim", "head-a", "mr_t1c.nrrd")), sitk.sitkFloat32)
        labels = sitk.ReadImage(str(sharedData("head-sim", "head-a", "truth_tumor_mr.nrrd")))
        core = sitk.Cast((labels == 1) | (labels == 4), sitk.sitkUInt8)
        mask = sitk.GetArrayViewFromImage(core)
        position = int(np.argmax(mask.sum(axis=(1, 2))))
        columns = np.argwhere(mask[position])
        low, high = columns[np.argmin(columns[:, 1])], columns[np.argmax(columns[:, 1])]
        ends = [image.TransformIndexToPhysicalPoint((int(i), int(j), position)) for j, i in (low, high)]
        result = segmentTumor([image], TumorInteraction(lines=np.array([ends])), SegmentationSettings())
        self.assertGreater(dice(result, core), 0.9)


if __name__ == "__main__":
    unittest.main()
