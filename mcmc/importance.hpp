#pragma once

#include <functional>
#include <span>
#include <vector>

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"

// Importance sampling: w = exp(-U) / q of draws from a proposal q.
namespace eqp::mcmc {

/// What n log weights say.
struct ImportanceReport {
  std::size_t draws = 0;
  double ess = 0;             ///< (sum w)^2 / sum w^2, in draws (Kong 1992)
  double largest_weight = 0;  ///< the share of all weight on one draw: near 1, ess tells nothing
  double log_z = 0;           ///< log mean w, an estimate of log of the integral of exp(-U)
  double log_z_error = 0;     ///< its standard error by the delta method, sqrt(1 / ess - 1 / n)
  std::size_t worst = 0;      ///< the draw of the largest weight
  /// log (w / mean w) of that draw: an independence sampler that arrives there stays for about as
  /// many steps as its exponential.
  double worst_log_weight = 0;
};

/// Throws std::invalid_argument for fewer than 2 log weights, std::runtime_error unless their
/// largest is finite and none is NaN.
ImportanceReport importance_report(std::span<const double> log_weights);

/// -U(x) - log q(x) of any positions, such as exact draws of the target or the states of chains: of
/// a place that q never draws, draws of q tell nothing.  x (n, d) -> (n). An infinite U is
/// -infinity. Throws NonFinite for a NaN.
std::vector<double> log_weights(const Energy& energy, const Proposal& proposal, ad::ConstView x);

/// Weighted draws of a target.
struct ImportanceSample {
  ad::Tensor draws;                 ///< (n, d)
  std::vector<double> log_weights;  ///< (n)
  ImportanceReport report;

  /// w_i / sum w, of sum 1.
  std::vector<double> weights() const;
  struct Mean {
    double value, error;
  };
  /// sum w f(x) / sum w, with its standard error by the delta method.
  Mean mean(const std::function<double(std::span<const Real> x)>& f) const;
};

/// n draws, a function of the key, in parallel blocks. Throws std::invalid_argument for fewer than
/// 2 draws, NonFinite or std::runtime_error when a weight is NaN or all are 0.
ImportanceSample importance_sample(const Energy& energy, const Proposal& proposal, std::size_t n,
                                   ad::Key key);

}  // namespace eqp::mcmc
