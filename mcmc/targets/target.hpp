#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"

// Distributions of which everything is known: what samplers and training methods are tested on.
namespace eqp::mcmc {

/// Exact draws: fills out (n, d), row i from chain first + i of the key.
using Sampler = std::function<void(ad::View out, ad::Key key, std::uint32_t first)>;

struct Target {
  std::string name;
  std::size_t dim = 0;
  Energy energy;  ///< -log p(x), normalised
  /// log p(x) of one point (d), in double and not by way of `energy`
  std::function<double(std::span<const double> x)> log_prob;
  Sampler sample;
  std::vector<double> mean;        ///< (d)
  std::vector<double> covariance;  ///< (d, d), row-major
};

/// A sampler from a function that writes one draw x (dim). It throws std::invalid_argument, in the
/// name of `who`, for an array of other than dim columns.
Sampler sample_rows(const std::string& who, std::size_t dim,
                    std::function<void(ad::Draws& draws, std::span<double> x)> draw);

}  // namespace eqp::mcmc
