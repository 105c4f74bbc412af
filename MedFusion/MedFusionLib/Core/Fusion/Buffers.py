"""Memory for the planes of a strip, used again and again instead of asked from the system anew."""

import sys

import numpy as np


class Buffers:
    """Hand out float32 rows; a row is handed out again once nothing refers to it any more. For one thread only.

    Fresh memory costs more time than the sums written into it: the system has to clear every page first.

    :ivar brief: for rows that are done with within one function: few, so that they stay in the processor's cache.
    """

    def __init__(self, brief: "Buffers | None" = None) -> None:
        self._rows: dict[int, list[np.ndarray]] = {}
        self._last: dict[int, int] = {}
        self.brief = brief or self

    def take(self, length: int) -> np.ndarray:
        """Return an uninitialized row."""
        rows = self._rows.setdefault(length, [])
        # What was handed out longest ago is the likeliest to be free.
        last = self._last.get(length, -1) + 1 if self.brief is not self else 0
        for number in (*range(last, len(rows)), *range(min(last, len(rows)))):
            # The list and the call itself are the two references to a free row; views of a row refer to it too.
            if sys.getrefcount(rows[number]) <= 2:
                self._last[length] = number
                return rows[number]
        self._last[length] = len(rows)
        rows.append(np.empty(length, np.float32))
        return rows[-1]
