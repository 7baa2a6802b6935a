"""What a flow must satisfy whatever its weights mean: for peers whose results are not ours."""

import math

import numpy as np

ROWS = 4  # of which the Jacobian is looked at
TOLERANCE = 2e-3  # relative to the largest value, in f32


def require_close(what: str, found, expected) -> None:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    difference = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30)
    if not difference <= TOLERANCE:  # written so that a NaN fails
        raise ValueError(f"the peer contradicts itself: {what} differs by {difference:.1e}")


def require_standard_normal(z) -> None:
    """The mean of z (n, d) over its elements, and that of their squares, within six standard
    errors."""
    z = np.asarray(z, np.float64)
    for what, values, expected, variance in (("mean", z, 0, 1), ("mean square", z**2, 1, 2)):
        errors = abs(values.mean() - expected) / math.sqrt(variance / z.size)
        if not errors <= 6:
            raise ValueError(f"the peer contradicts itself: {what} of noise is {values.mean():.3g}")


def require_density(log_prob, z, jacobian) -> None:
    """log_prob (n) is N(z; 0, I) |det dz/dx| of latents z (n, d) and Jacobians (n, d, d)."""
    z = np.asarray(z, np.float64)
    base = -0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)
    log_det = np.linalg.slogdet(np.asarray(jacobian, np.float64))[1]
    require_close("the log density", log_prob, base + log_det)
