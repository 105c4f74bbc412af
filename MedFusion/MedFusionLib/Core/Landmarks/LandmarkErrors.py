"""What the residuals of a landmark fit say about its error, here and elsewhere in the body."""

from dataclasses import dataclass

import numpy as np

from ..Images.Transforms import TransformModel
from .Distributions import chiSquareQuantile, fSurvival
from .ErrorBounds import CONFIDENCE
from .LandmarkFit import fitMatrix
from .LandmarkGuards import SMALLEST_SPREAD_MM, spread
from .ThinPlateSpline import cardinalWeights, fitThinPlateSpline

# By each model; the probabilities by convention; no landmark that shows the same place is off by a centimeter.
_PARAMETERS = {TransformModel.rigid: 6, TransformModel.similarity: 7, TransformModel.affine: 12}
_OUTLIER_PROBABILITY = 0.05
_SUSPECT_PROBABILITY = 0.2
_WORST_FLE_MM = 10.0


@dataclass(frozen=True, eq=False)
class LocalizationError:
    """Hold an estimate of the fiducial localization error (both images' squares added) and its 95 % interval, in mm."""

    fle: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """Hold what the other landmarks say about each one; NaN where too few or badly placed ones remain.

    :param errors: shape (N,), mm from where the transform of the others puts each landmark.
    :param standardized: shape (N,), the errors as multiples of what they should be; about 1 where all is well.
    :param chances: shape (N,), how often a landmark as good as the others would have such an error or a larger one.
    :param fle: shape (N,), mm, the localization error of all the others.
    """

    errors: np.ndarray
    standardized: np.ndarray
    chances: np.ndarray
    fle: np.ndarray

    @property
    def outliers(self) -> np.ndarray:
        """Return (N,) True where a landmark is misplaced: among sound sets of landmarks 1 in 20 is wrongly accused."""
        return np.nan_to_num(self.chances, nan=1.0) * len(self.chances) < _OUTLIER_PROBABILITY

    def belongTogether(self, localization: LocalizationError | None) -> bool:
        """Return False where even without the worst of them the landmarks are off by more than any placing error."""
        known = [] if localization is None else [localization.fle, *self.fle[np.isfinite(self.fle)]]
        return not known or min(known) < _WORST_FLE_MM

    @property
    def suspect(self) -> int | None:
        """Return the landmark to look at first; four of five sound sets have such a one, so it accuses nobody."""
        if np.all(np.isnan(self.chances)) or np.nanmin(self.chances) > _SUSPECT_PROBABILITY:
            return None
        return int(np.nanargmin(self.chances))


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """Know how an error of the landmarks spreads through a fitted transform.

    :param fixedPoints: shape (N, 3), LPS millimeters.
    :param weights: shape (N,), of mean 1; landmark i has the squared error FLE^2 / weights[i].
    """

    model: TransformModel
    fixedPoints: np.ndarray
    weights: np.ndarray

    @property
    def freedom(self) -> int:
        """Return how many residual coordinates are left once the transform is fitted."""
        carrying = int(np.sum(self.weights > 0))
        return 3 * carrying - _PARAMETERS.get(self.model, 12)

    def spreading(self, points: np.ndarray) -> np.ndarray:
        """Return TRE^2 / FLE^2 (M,) at points (M, 3), LPS millimeters.

        For rigid fits with equal weights this is the published formula; for the other models and for weights it is
        the same propagation to first order.

        Source: Fitzpatrick, West, Maurer 1998, doi:10.1109/42.736021.
        """
        if self.model is TransformModel.thinPlateSpline:
            carrying = self.weights > 0
            shares = cardinalWeights(self.fixedPoints[carrying], points)
            return np.sum(shares**2 / self.weights[carrying], axis=1)
        form = self._quadraticForm()
        extended = np.concatenate([points - self._center, np.ones((len(points), 1))], axis=1)
        return np.einsum("ni,ij,nj->n", extended, form, extended)

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) of the error at points (M, 3), LPS millimeters, in units of FLE^2."""
        if self.model is TransformModel.thinPlateSpline:
            return self.spreading(points)[:, None, None] * np.eye(3) / 3
        slopes = _slopes(self.model, points - self._center)
        return np.einsum("nip,pq,njq->nij", slopes, np.linalg.inv(self._information()), slopes) / 3

    def chanceOf(self, residuals: np.ndarray, others: np.ndarray) -> float | None:
        """Return how often a true transform leaves such residuals beside those of the fit, or None if nothing tells.

        :param residuals: shape (N,), mm, of the fit, which are the smallest; others are those of the other transform.

        Source: the F test of a general linear hypothesis, Cook and Weisberg 1982, ISBN 0-412-24280-X.
        """
        if self.freedom <= 0 or self.model is TransformModel.thinPlateSpline:
            return None
        left, more = (float(np.sum(self.weights * values**2)) for values in (residuals, others))
        parameters = _PARAMETERS[self.model]
        return float(fSurvival((more - left) / parameters * self.freedom / max(left, 1e-12), parameters, self.freedom))

    def spreadingWithOneMore(self, candidates: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return TRE^2 / FLE^2 (M,) at a target if a landmark of weight 1 were added at each candidate (M, 3)."""
        information = self._information() + _outer(_slopes(self.model, candidates - self._center))
        targetSlopes = _slopes(self.model, target[None] - self._center)[0]
        return np.einsum("kp,npq,kq->n", targetSlopes, np.linalg.inv(information), targetSlopes) / 3

    @property
    def _center(self) -> np.ndarray:
        return np.average(self.fixedPoints, axis=0, weights=self.weights)

    def _information(self) -> np.ndarray:
        slopes = _slopes(self.model, self.fixedPoints - self._center)
        return np.einsum("n,npq->pq", self.weights, _outer(slopes))

    def _quadraticForm(self) -> np.ndarray:
        """Return the 4x4 form whose value at (offset from the center, 1) is TRE^2 / FLE^2."""
        covariance = np.linalg.inv(self._information())
        constant = _slopes(self.model, np.zeros((1, 3)))[0]
        terms = np.concatenate([_slopes(self.model, np.eye(3)) - constant, constant[None]])
        return np.einsum("akp,pq,bkq->ab", terms, covariance, terms) / 3


def _slopes(model: TransformModel, offsets: np.ndarray) -> np.ndarray:
    """Return (N, 3, parameters): how each mapped point moves with each parameter of the model."""
    count = len(offsets)
    shift = np.broadcast_to(np.eye(3), (count, 3, 3))
    if model is TransformModel.affine:
        return np.concatenate([shift, np.einsum("ij,nk->nijk", np.eye(3), offsets).reshape(count, 3, 9)], axis=2)
    x, y, z = offsets.T
    zero = np.zeros(count)
    turn = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], axis=1).reshape(count, 3, 3)
    parts = [shift, turn, offsets[:, :, None]] if model is TransformModel.similarity else [shift, turn]
    return np.concatenate(parts, axis=2)


def _outer(slopes: np.ndarray) -> np.ndarray:
    return np.einsum("nkp,nkq->npq", slopes, slopes)


def estimateLocalizationError(errors: ErrorModel, residuals: np.ndarray) -> LocalizationError | None:
    """Return the FLE that residuals (N,) in mm speak for, or None where no coordinate is left over to tell.

    Source: Fitzpatrick, West, Maurer 1998, doi:10.1109/42.736021; the interval is that of a chi-squared variance.
    """
    freedom = errors.freedom
    if freedom <= 0:
        return None
    squares = float(np.sum(errors.weights * residuals**2))
    tail = (1 - CONFIDENCE) / 2
    low, high = chiSquareQuantile(np.array([1 - tail, tail]), freedom)
    return LocalizationError(*(float(np.sqrt(3 * squares / share)) for share in (freedom, low, high)))


def leaveOneOut(errors: ErrorModel, movingPoints: np.ndarray) -> LeaveOneOut:
    """Return how far each landmark is from where all the others put it, and which are outliers.

    An F test tells how likely each error is; it allows for how far the transform can be trusted at the landmark.

    Source of the test: Cook and Weisberg 1982, Residuals and Influence in Regression, ISBN 0-412-24280-X.
    """
    count, fixedPoints = len(movingPoints), errors.fixedPoints
    result = LeaveOneOut(*(np.full(count, np.nan) for _ in range(4)))
    judged = [index for index in range(count) if _canDoWithout(errors, index)]
    if not judged:
        return result
    predicted, scatter = _predictFromOthers(errors, movingPoints, judged)
    loo = np.linalg.norm(predicted - movingPoints[judged], axis=1)
    freedom = max(errors.freedom - 3, 0)
    expected = np.empty(len(judged))
    for row, index in enumerate(judged):
        others = ErrorModel(errors.model, *_without(index, fixedPoints, errors.weights))
        weight = max(errors.weights[index], 1e-9)
        expected[row] = 1 / weight + others.spreading(fixedPoints[index][None])[0]
    if errors.model is TransformModel.thinPlateSpline:
        ratios = loo**2 / expected
        variance = (np.sum(ratios) - ratios) / max(len(judged) - 1, 1)
    else:
        variance = 3 * scatter / max(freedom, 1)
    result.errors[judged] = loo
    if freedom:
        standardized = loo / np.sqrt(np.maximum(variance, 1e-12) * expected)
        result.standardized[judged] = standardized
        result.fle[judged] = np.sqrt(variance)
        result.chances[judged] = fSurvival(standardized**2, 3, freedom)
    return result


def splineLocalizationError(errors: ErrorModel, loo: LeaveOneOut) -> LocalizationError | None:
    """Return the FLE of a spline, whose residuals are all zero, from its leave-one-out errors.

    What the spline cannot follow counts as localization error, so the estimate is rather too large.
    """
    judged = np.flatnonzero(np.isfinite(loo.errors))
    if len(judged) < 2:
        return None
    squares = 0.0
    for index in judged.tolist():
        others = ErrorModel(errors.model, *_without(index, errors.fixedPoints, errors.weights))
        own = 1 / max(errors.weights[index], 1e-9)
        squares += loo.errors[index] ** 2 / (own + others.spreading(errors.fixedPoints[index][None])[0])
    freedom = max(errors.freedom, 1)
    tail = (1 - CONFIDENCE) / 2
    low, high = chiSquareQuantile(np.array([1 - tail, tail]), freedom)
    mean = squares / len(judged)
    return LocalizationError(*(float(np.sqrt(mean * freedom / share)) for share in (freedom, low, high)))


def _without(index: int, *arrays: np.ndarray) -> list[np.ndarray]:
    return [np.delete(array, index, axis=0) for array in arrays]


def _canDoWithout(errors: ErrorModel, index: int) -> bool:
    points = errors.fixedPoints[(errors.weights > 0) & (np.arange(len(errors.weights)) != index)]
    if len(points) < errors.model.minimumPairs:
        return False
    return spread(points)[2 if errors.model.needsDepth else 1] >= SMALLEST_SPREAD_MM


def _predictFromOthers(
    errors: ErrorModel, movingPoints: np.ndarray, judged: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the others put each judged landmark (M, 3), and the others' weighted sum of squares (M,)."""
    fixedPoints = errors.fixedPoints
    if errors.model is TransformModel.thinPlateSpline:
        predicted = []
        for index in judged:
            spline = fitThinPlateSpline(*_without(index, fixedPoints, movingPoints, errors.weights))
            predicted.append(spline.transformPoints(fixedPoints[index][None])[0])
        return np.array(predicted), np.zeros(len(judged))
    weights = np.tile(errors.weights, (len(judged), 1))
    weights[np.arange(len(judged)), judged] = 0.0
    shape = (len(judged), *fixedPoints.shape)
    matrices, offsets = fitMatrix(
        np.broadcast_to(fixedPoints, shape), np.broadcast_to(movingPoints, shape), errors.model, weights
    )
    mapped = np.einsum("bij,nj->bni", matrices, fixedPoints) + offsets[:, None]
    scatter = np.sum(weights[..., None] * (mapped - movingPoints) ** 2, axis=(1, 2))
    return mapped[np.arange(len(judged)), judged], scatter
