"""The effective sample size of the C++ side's ess_bulk (mcmc/diagnostics.hpp), for any draws."""

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata


def autocovariances(x: np.ndarray) -> np.ndarray:
    """1/n sum_t (x_t - mean)(x_{t+lag} - mean), averaged over the chains.  x (chains, n) -> (n)"""
    n = x.shape[1]
    spectrum = np.fft.rfft(x - x.mean(1, keepdims=True), 2 * n, axis=1)
    return np.fft.irfft(abs(spectrum) ** 2, axis=1)[:, :n].mean(0) / n


def ess_bulk(x: np.ndarray) -> float:
    """Of one quantity, over all chains; chains are split (Vehtari et al. 2021).  x (chains, n)"""
    half = x.shape[1] // 2
    x = np.concatenate([x[:, :half], x[:, -half:]])
    z = ndtri((rankdata(x, axis=None) - 0.375) / (x.size + 0.25)).reshape(x.shape)
    covariance = autocovariances(z)
    within = covariance[0] * half / (half - 1)
    total = covariance[0] + z.mean(1).var(ddof=1)
    rho = 1 - (within - covariance) / total
    rho[0] = 1
    # Geyer's initial monotone sequence of pairs.
    tau, bound = -1.0, np.inf
    for lag in range(0, half, 2):
        pair = rho[lag] + rho[lag + 1]
        if pair <= 0 or lag + 4 >= half:
            tau += max(rho[lag], 0)
            break
        bound = min(bound, pair)
        tau += 2 * bound
    return z.size / max(tau, 1 / np.log10(z.size))


def least_ess(draws: np.ndarray) -> float:
    """The smallest over the quantities.  draws (chains, n, k)"""
    return min(ess_bulk(draws[..., j]) for j in range(draws.shape[2]))
