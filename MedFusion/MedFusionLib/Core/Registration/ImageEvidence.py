"""What the images say about a registration's pose."""

from dataclasses import dataclass

import numpy as np

from ..Images.Transforms import Pose
from .PoseCovariance import PoseCovariance


@dataclass(frozen=True, eq=False)
class ImageEvidence:
    """Hold the pose that the images alone give, with its similarity in nats before and after it was sought.

    :param covariance: how uncertain that pose is; None where nothing tells.
    :param stretched: the pose with scale and shear, where these make the images fit much better.
    :param moved: the pose of bone alone or of what lies deep inside the body, where it is another.
    :param accepted: whether the result follows the images.
    """

    pose: Pose
    similarityBefore: float | None = None
    similarityAfter: float | None = None
    covariance: PoseCovariance | None = None
    stretched: Pose | None = None
    moved: Pose | None = None
    accepted: bool = True

    def distance(self, other: Pose, points: np.ndarray) -> float:
        """Return how far another pose puts points (N, 3) from where the images do, RMS in mm."""
        return float(np.sqrt(np.mean(np.sum((self.pose.apply(points) - other.apply(points)) ** 2, axis=1))))
