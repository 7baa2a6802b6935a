#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/targets/rings.hpp"
#include "train/metrics/grid.hpp"

// Distributions to learn, of which the density and the mode weights are known.
namespace eqp::train {

struct Distribution {
  std::string name;
  std::size_t dim = 2;
  mcmc::Sampler sample;
  /// log p(x) of one point (dim), exact and normalised; -infinity outside the support
  std::function<double(std::span<const double> x)> log_prob;
  Modes modes;  ///< which mode a point belongs to
  /// Exact mass of every mode's region. Where modes overlap it is not quite the weight of the
  /// component it is named after, which reaches into its neighbours' regions.
  std::vector<double> weights;
  double base_variance = 1;  ///< the largest variance of a coordinate
};

/// n independent draws (n, dim), a function of the key.
ad::Tensor draw(const Distribution& distribution, std::size_t n, ad::Key key);

/// log p of the rows of x (n, dim) -> (n), in parallel.
std::vector<double> log_prob(const Distribution& distribution, ad::ConstView x);

struct TwoModesOptions {
  bool equal_covariance = false;
};
/// 1/3 N((-1.5, -1.5), 0.05 I) + 2/3 N((1.5, 1.5), v I) with v = 0.1, or 0.05 as the published
/// figure shows (Grenioux, Moulines & Gabrie 2023, C.2). Mode 1 is the top right.
Distribution two_modes(const TwoModesOptions& options = {});

/// Eight Gaussians on a circle, with any weights; mode k is around angle 2 pi k / 8.
Distribution eight_gaussians(const mcmc::EightGaussiansOptions& options = {});

/// 0.1, 0.2, 0.3, 0.4 N((-3, -1, 1, 3; 0), 0.05 I) (Grenioux et al. 2023, C.3).
Distribution four_modes();

/// Four equal N(mu, I) in an even number of dimensions: mu = a (1, ..., 1), a (-1, ..., -1, 1, ...,
/// 1), half of each, and their negatives (Grenioux et al. 2023, C.5). There a is printed as 0.5919,
/// where neighbours overlap (5 % of their mass for d = 16) though the text has them apart; the code
/// it was made with takes 0.5910 sqrt(2 ln d), and so does this. Throws std::invalid_argument for
/// an odd dim or 0.
Distribution four_corners(std::size_t dim);

/// Radii 1 ... 4, the modes being the rings (Grenioux et al. 2023, C.4).
Distribution rings(const mcmc::RingsOptions& options = {});

}  // namespace eqp::train
