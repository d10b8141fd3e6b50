"""KerasTuner's Gaussian process, with a leaner `predict`.

Its BayesianOptimization predicts one point at a time, some thousand times for each
proposal; most of that is scikit-learn's checking of arguments. The same formulas
without the checks let 50 seeds end within the hour.
"""

import numpy as np
import scipy.linalg
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

_SQRT5 = 5**0.5


class LeanRegressor(GaussianProcessRegressor):
    """A GaussianProcessRegressor for an isotropic Matern-5/2 kernel."""

    def predict(self, X, return_std=False, return_cov=False):  # noqa: N803
        """Returns what its parent does, to rounding."""
        is_plain = type(getattr(self, "kernel_", None)) is kernels.Matern
        if not (is_plain and return_std):
            return super().predict(X, return_std, return_cov)
        gaps = X[:, None] - self.X_train_[None]
        ratio = _SQRT5 * np.sqrt((gaps**2).sum(-1)) / self.kernel_.length_scale
        cross = (1 + ratio + ratio**2 / 3) * np.exp(-ratio)
        solved = scipy.linalg.solve_triangular(
            self.L_, cross.T, lower=True, check_finite=False
        )
        variance = np.maximum(1 - (solved**2).sum(axis=0), 0)
        mean = self._y_train_std * (cross @ self.alpha_) + self._y_train_mean
        return mean, self._y_train_std * np.sqrt(variance)


def lean(regressor: GaussianProcessRegressor) -> LeanRegressor:
    """Returns an equal regressor that predicts faster."""
    return LeanRegressor(**regressor.get_params(deep=False))
