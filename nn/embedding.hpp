#pragma once

#include "autodiff/ops.hpp"
#include "autodiff/random.hpp"

// A number as waves of many frequencies, which let a network tell close values apart. Frequencies
// are constants: no parameters, neither trained nor saved.
namespace eqp::nn {

/// t (n) or (n, 1) -> (n, 1). Throws std::invalid_argument for another shape.
ad::Var column(ad::Var t);

/// [cos(t w), sin(t w)] with w_j = 10000^(-j / m), j = 0 ... m - 1, for m = channels / 2 (Vaswani
/// et al. 2017; cosines first, as in DDPM++).  t (n) or (n, 1) -> (n, channels)
/// Throws std::invalid_argument unless `channels` is even and positive.
ad::Var sinusoidal_embedding(ad::Var t, std::size_t channels);

/// `shape` (m, d) frequencies N(0, std^2), in waves per unit of x. A function of the key alone: a
/// model that is loaded is built from the key it was trained with.
ad::Tensor random_frequencies(const ad::Shape& shape, double std, ad::Key key);

/// [cos(2 pi x B'), sin(2 pi x B')] for frequencies B (m, d) (Tancik et al. 2020, eq. 5 with all
/// a_j = 1).  x (n, d), or (n) where d = 1 -> (n, 2 m)
ad::Var fourier_features(ad::Var x, const ad::Tensor& frequencies);

}  // namespace eqp::nn
