"""The two distributions against SciPy's own, which are slow to load."""

import subprocess
import sys
import unittest

import numpy as np
from MedFusionLib.Core.Landmarks.Distributions import chiSquareQuantile, fQuantile, fSurvival
from MedFusionTesting import PROJECT_ROOT
from scipy import stats


class TestDistributions(unittest.TestCase):
    def test_f_is_that_of_scipy_stats(self):
        values = np.array([-1.0, 0.0, 0.3, 1.0, 4.0, 60.0])
        for above, below in ((1, 3), (3, 12.5), (6, 200), (2.4, 1)):
            np.testing.assert_allclose(fSurvival(values, above, below), stats.f.sf(values, above, below), rtol=1e-12)
            for share in (0.05, 0.5, 0.95):
                np.testing.assert_allclose(fQuantile(share, above, below), stats.f.ppf(share, above, below), rtol=1e-12)

    def test_chi_square_is_that_of_scipy_stats(self):
        shares = np.array([0.0, 0.025, 0.5, 0.975])
        for freedom in (1, 3, 18.5, 300):
            np.testing.assert_allclose(chiSquareQuantile(shares, freedom), stats.chi2.ppf(shares, freedom), rtol=1e-12)

    def test_nothing_of_the_registration_loads_scipy_stats(self):
        script = (
            f"import sys; sys.path.insert(0, {str(PROJECT_ROOT / 'MedFusion')!r})\n"
            "import MedFusionLib.Core.Registration.Registration\n"
            "print('scipy.stats' in sys.modules)"
        )
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout.strip(), "False")


if __name__ == "__main__":
    unittest.main()
