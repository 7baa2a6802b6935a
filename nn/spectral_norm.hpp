#pragma once

#include "nn/linear.hpp"

// Spectral normalisation: layers divided by their largest singular value, so that a network of them
// and of activations with slopes within +-1 is 1-Lipschitz (Miyato et al. 2018).
namespace eqp::nn {

/// The largest singular value of w (m, n) -> scalar, by power iteration (Miyato et al. 2018,
/// algorithm 1): v <- W'u / |W'u|, u <- W v / |W v|, then u'W v. Derivatives take u and v as
/// constants, as published; so the gradient is u v', exact once they have converged.
///
/// The iteration starts anew from a fixed vector at every update of the parameters: a function of w
/// alone, where PyTorch keeps u from step to step. The value is at most the norm, and after k steps
/// short of it by a share of the order of (1 - q) q^(2 k - 1) / 2, q = (sigma_2 / sigma_1)^2.
/// Throws std::invalid_argument for 0 iterations.
ad::Var spectral_norm(ad::Var w, std::size_t iterations);

/// w / spectral_norm(w), for the layers of a network: MlpOptions{.map = spectral_normalisation()}.
/// A weight of zeros has none and becomes NaN. 15 iterations leave a square matrix of 128 normal
/// numbers within 5 % of norm 1, half of them within 1.3 %.
WeightMap spectral_normalisation(std::size_t iterations = 15);

}  // namespace eqp::nn
