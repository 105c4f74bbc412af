"""Random use of the panel: no traceback, no stale figure, no role filled by itself."""

import unittest

from PanelActions import RandomUser
from PanelTestCase import PanelTestCase

ACTIONS = 60


class TestPanelRandomUse(PanelTestCase):
    def test_nothing_breaks_whatever_is_done_in_whatever_order(self):
        for seed in (1, 2):
            user = RandomUser(self, seed)
            self.addCleanup(user.close)
            done = []
            user.loadPhantom()
            for _ in range(ACTIONS):
                with self.subTest(seed=seed, last=done[-3:]):
                    done.append(user.act())
            self.assertEqual(len(done), ACTIONS, "the actions after a failure are done, too")


if __name__ == "__main__":
    unittest.main()
