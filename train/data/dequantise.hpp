#pragma once

#include "autodiff/random.hpp"

// Data in whole levels 0 ... levels - 1, such as pixels, for models of a density.
namespace eqp::train {

/// x <- (x + u) / levels in place, with u uniform on (0, 1), fresh for every address of rng: row i
/// of step t has the same noise in every run (uniform dequantisation, Theis, van den Oord & Bethge
/// 2016). x (n, ...) comes out in (0, 1), and levels x rounded down is what went in. Throws
/// std::invalid_argument, naming row and column, for an entry that is no level, and for fewer than
/// 2 levels or so many that noise would drown in rounding: over 4096 in single precision.
void dequantise(ad::View x, std::size_t levels, const ad::BlockRng& rng);

/// Bits per dimension of data of so many levels and dimensions, given the log density that a model
/// has on (0, 1)^dim at the dequantised point (nats; with the log_det of every map between the
/// point and the model, such as Logit's):  log2(levels) - log_prob / (dim log 2).
///
/// With p the density on (0, 1)^dim, q(v) = p(v / levels) / levels^dim is one on the scale of the
/// levels, by the change of variables, and the model of the levels it implies gives x the mass of
/// the unit cell above it: P(x) = int q(x + u) du over u in (0, 1)^dim. By Jensen's inequality
/// log P(x) >= E_u log q(x + u) = E_u log p((x + u) / levels) - dim log(levels). So the mean of
/// this function over the noise is an upper bound of -log2 P(x) / dim, what a lossless code of the
/// levels would cost (Theis et al. 2016, section 3.1).
double bits_per_dim(double log_prob, std::size_t dim, std::size_t levels);

}  // namespace eqp::train
