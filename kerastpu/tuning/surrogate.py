"""What the trials so far say of settings not tried: a Gaussian process.

Matern-5/2 kernel with a length for each axis, chosen with the noise by the marginal
likelihood (Rasmussen and Williams, 2006, chapters 2 and 5), in NumPy and SciPy: for the
few hundred points of a search it takes milliseconds.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
from scipy.spatial import distance

_SQRT5 = 5**0.5
_JITTER = 1e-8
# Logarithms of length, amplitude and noise, in units of the standardized errors. What
# an axis longer than 10 means does not change in 0..1.
_LENGTHS, _AMPLITUDE, _NOISE = (-2.5, 2.3), (-2.0, 2.0), (-6.0, 0.5)


@dataclass(frozen=True)
class Surrogate:
    """A fitted process.

    Attributes:
        inputs: float64 (n, d).
        targets: float64 (n,), standardized.
        parameters: float64 (d + 2,), logarithms: lengths, amplitude, noise.
        center: Mean of the errors.
        scale: Their standard deviation.
        factor: Cholesky factor of the kernel with its noise.
        weights: float64 (n,), the kernel's inverse times the targets.
    """

    inputs: np.ndarray
    targets: np.ndarray
    parameters: np.ndarray
    center: float
    scale: float
    factor: np.ndarray
    weights: np.ndarray

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns mean and standard deviation of the error without noise, (m,) each."""
        cross = _kernel(inputs, self.inputs, self.parameters)
        mean = cross @ self.weights
        solved = scipy.linalg.solve_triangular(self.factor, cross.T, lower=True)
        variance = np.exp(2 * self.parameters[-2]) - (solved**2).sum(0)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        return self.center + self.scale * mean, self.scale * deviation

    def with_point(self, point: np.ndarray) -> "Surrogate":
        """Returns it as if `point` (d,) had been tried and were as predicted."""
        mean, _ = self.predict(point[None])
        errors = self.center + self.scale * self.targets
        return condition(
            np.vstack([self.inputs, point]),
            np.append(errors, mean),
            self.parameters,
            (self.center, self.scale),
        )


def fit(inputs: np.ndarray, errors: np.ndarray) -> Surrogate:
    """Fits a process.

    Args:
        inputs: float64 (n, d), each axis about 0..1.
        errors: float64 (n,), finite.
    """
    scale = float(errors.std()) or 1.0
    standard = float(errors.mean()), scale
    targets = (errors - standard[0]) / scale
    size = inputs.shape[1]
    bounds = [_LENGTHS] * size + [_AMPLITUDE, _NOISE]
    begin = np.array([-0.7] * size + [0.0, -1.5])
    found = scipy.optimize.minimize(
        _loss,
        begin,
        (((inputs[:, None] - inputs) ** 2).reshape(-1, size), targets),
        "L-BFGS-B",
        True,
        bounds=bounds,
        options={"maxiter": 40},
    )
    return condition(inputs, errors, found.x, standard)


def condition(
    inputs: np.ndarray,
    errors: np.ndarray,
    parameters: np.ndarray,
    standard: tuple[float, float],
) -> Surrogate:
    """Returns the process of known parameters given the trials."""
    center, scale = standard
    targets = (errors - center) / scale
    kernel = _kernel(inputs, inputs, parameters)
    kernel[np.diag_indices_from(kernel)] += np.exp(2 * parameters[-1]) + _JITTER
    factor = scipy.linalg.cholesky(kernel, lower=True)
    weights = scipy.linalg.cho_solve((factor, True), targets)
    return Surrogate(inputs, targets, parameters, center, scale, factor, weights)


def _kernel(one: np.ndarray, other: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    lengths = np.exp(parameters[:-2])
    root = _SQRT5 * distance.cdist(one / lengths, other / lengths)
    return np.exp(2 * parameters[-2]) * (1 + root + root**2 / 3) * np.exp(-root)


def _loss(
    parameters: np.ndarray, squares: np.ndarray, targets: np.ndarray
) -> tuple[float, np.ndarray]:
    """Returns the negative log posterior and its gradient.

    A weak prior keeps lengths near 0.5 and noise small but there: with few trials the
    likelihood alone is flat.

    Args:
        parameters: float64 (d + 2,), logarithms.
        squares: float64 (n * n, d), squared distances along each axis.
        targets: float64 (n,).
    """
    size = len(targets)
    scales, noise = np.exp(-2 * parameters[:-2]), np.exp(2 * parameters[-1])
    root = _SQRT5 * np.sqrt(squares @ scales).reshape(size, size)
    amplitude = np.exp(2 * parameters[-2])
    decay = amplitude * np.exp(-root)
    kernel = decay * (1 + root + root**2 / 3)
    noisy = kernel + (noise + _JITTER) * np.eye(size)
    factor = scipy.linalg.cholesky(noisy, lower=True)
    weights = scipy.linalg.cho_solve((factor, True), targets)
    inverse = scipy.linalg.cho_solve((factor, True), np.eye(size))
    inner = np.outer(weights, weights) - inverse
    # d kernel / d log length = 5/3 * decay * (1 + root) * squares of that axis.
    shared = inner * (decay * (1 + root) * 5 / 3)
    gradient = np.concatenate(
        [
            -0.5 * scales * (shared.ravel() @ squares),
            [-(inner * kernel).sum(), -noise * np.trace(inner)],
        ]
    )
    loss = 0.5 * targets @ weights + np.log(np.diag(factor)).sum()
    centers = np.array([-0.7] * (len(parameters) - 2) + [0.0, -1.5])
    widths = np.array([1.0] * (len(parameters) - 2) + [0.7, 1.0])
    pulls = (parameters - centers) / widths
    return float(loss + 0.5 * (pulls**2).sum()), gradient + pulls / widths
