"""A list of named points, as a user places them in one image."""

from dataclasses import dataclass

import numpy as np

# By what a rigid fit needs.
_FEWEST_COPIED = 3
# Less than the rounding of any program that writes points, and far less than any hand repeats.
_SAME_PLACE_MM = 1e-4


@dataclass(frozen=True, eq=False)
class LandmarkList:
    """Hold the landmarks of one image.

    :param labels: one label per landmark; unnamed landmarks have "".
    :param points: shape (N, 3), LPS millimeters; rows of landmarks that are not used may hold anything.
    :param used: False for landmarks that are unset, hidden or switched off; None means that all are used.
    :param fle: how far each landmark may be off, in mm, RMS over three axes; None where all are alike.
    :param name: how messages call this list, such as "CT landmarks".
    :param isNamed: True where each label was given to both points of a pair, however it looks.
    """

    labels: tuple[str, ...]
    points: np.ndarray
    used: tuple[bool, ...] = ()
    name: str = "landmarks"
    fle: tuple[float, ...] | None = None
    isNamed: bool = False

    def __post_init__(self) -> None:
        points = (
            np.array(self.points, dtype=float).reshape(-1, 3)
            if np.size(self.points) == 0
            else np.array(self.points, dtype=float)
        )
        labels = tuple(str(label).strip() for label in self.labels)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(
                f"The {self.name} must be rows of three coordinates, not an array of shape {points.shape}."
            )
        if len(labels) != len(points):
            raise ValueError(f"The {self.name} have {len(labels)} labels for {len(points)} points.")
        used = tuple(bool(value) for value in self.used) or (True,) * len(points)
        if len(used) != len(points):
            raise ValueError(f"The {self.name} have {len(used)} used flags for {len(points)} points.")
        for label, point, isUsed in zip(labels, points, used, strict=True):
            if isUsed and not np.all(np.isfinite(point)):
                raise ValueError(
                    f"Landmark '{label}' of the {self.name} has no valid position {tuple(point)}; place it."
                )
        if self.fle is not None and (len(self.fle) != len(points) or not all(0 < value < np.inf for value in self.fle)):
            raise ValueError(f"The {self.name} need one positive localization error in mm each, not {self.fle}.")
        points.setflags(write=False)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "used", used)

    @property
    def usedIndices(self) -> list[int]:
        """Return the positions in the list of the landmarks that take part."""
        return [index for index, isUsed in enumerate(self.used) if isUsed]


def checkNoCopy(fixed: LandmarkList, moving: LandmarkList) -> None:
    """Raise ValueError where one list is a copy of the other: nobody places points twice to a hair's breadth.

    A copy fits itself without any residual, so nothing later on could tell that it says nothing about the images.
    """
    first, second = fixed.points[fixed.usedIndices], moving.points[moving.usedIndices]
    fewer = min(len(first), len(second))
    if fewer < _FEWEST_COPIED:
        return
    distances = np.linalg.norm(first[:, None] - second[None], axis=2)
    same = int((distances.min(axis=1) < _SAME_PLACE_MM).sum())
    if same >= _FEWEST_COPIED and 2 * same >= fewer:
        raise ValueError(
            f"{same} points of the {fixed.name} have exactly the same coordinates in the {moving.name}, as a copy has "
            "and no hand; give each image the landmarks that were placed in it."
        )
