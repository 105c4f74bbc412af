"""The surface of a smooth shape, from which its sphericity is taken."""

import unittest

import numpy as np
from MedFusionLib.Core.Tumor.IsoSurface import enclosedVolume, isoSurface, surfaceArea

SPACING = np.array([2.5, 0.8, 1.1])


def ellipsoid(axes: tuple[float, float, float], size: tuple[int, int, int] = (24, 60, 50)) -> np.ndarray:
    """Return a field that is 1 in the middle of an ellipsoid and 0 on its surface, axes in KJI millimeters."""
    grids = np.meshgrid(*[np.arange(n) * s for n, s in zip(size, SPACING, strict=True)], indexing="ij")
    middle = (np.array(size) - 1) * SPACING / 2 + 0.3
    return 1 - np.sqrt(sum(((g - m) / a) ** 2 for g, m, a in zip(grids, middle, axes, strict=True)))


class TestIsoSurface(unittest.TestCase):
    def test_sphere_has_its_area_and_volume_on_oblong_voxels(self):
        triangles = isoSurface(ellipsoid((18, 18, 18)), 0.0, SPACING)
        self.assertAlmostEqual(surfaceArea(triangles) / (4 * np.pi * 18**2), 1, delta=0.01)
        self.assertAlmostEqual(enclosedVolume(triangles) / (4 / 3 * np.pi * 18**3), 1, delta=0.01)

    def test_ellipsoid_has_its_volume(self):
        triangles = isoSurface(ellipsoid((20, 10, 15)), 0.0, SPACING)
        self.assertAlmostEqual(enclosedVolume(triangles) / (4 / 3 * np.pi * 20 * 10 * 15), 1, delta=0.01)

    def test_surface_is_closed(self):
        triangles = isoSurface(ellipsoid((14, 9, 11)), 0.0, SPACING)
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        np.testing.assert_allclose(normals.sum(axis=0), 0, atol=1e-6)

    def test_values_that_never_pass_the_level_have_no_surface(self):
        self.assertEqual(isoSurface(np.zeros((4, 4, 4)), 0.5, SPACING).shape, (0, 3, 3))

    def test_it_agrees_with_scikit_image(self):
        try:
            from skimage.measure import marching_cubes, mesh_surface_area
        except ImportError:
            self.skipTest("scikit-image is not installed")
        values = ellipsoid((20, 10, 15))
        vertices, faces, _normals, _values = marching_cubes(values, 0.0, spacing=tuple(SPACING))
        expected = mesh_surface_area(vertices, faces)
        self.assertAlmostEqual(surfaceArea(isoSurface(values, 0.0, SPACING)) / expected, 1, delta=0.005)


if __name__ == "__main__":
    unittest.main()
