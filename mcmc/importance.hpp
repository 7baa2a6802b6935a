#pragma once

#include <functional>
#include <span>
#include <vector>

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"
#include "mcmc/log_weights.hpp"

// Importance sampling: w = exp(-U) / q of draws from a proposal q.
namespace eqp::mcmc {

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
  /// The same draws with pareto_smoothed weights; k stays that of these.
  ImportanceSample smoothed() const;
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
