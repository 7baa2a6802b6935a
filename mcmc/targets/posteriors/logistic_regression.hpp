#pragma once

#include "mcmc/targets/posteriors/posterior.hpp"

namespace eqp::mcmc {

/// P(y_i = 1) = 1 / (1 + exp(-sum_k x_ik beta_k)), beta_k ~ N(0, 1), over beta.
struct LogisticRegression {
  ad::Tensor features;  ///< x (n, k)
  ad::Tensor labels;    ///< y (n), each 1 or -1
};

/// Throws std::invalid_argument unless there is a label of 1 or -1 for every row.
Posterior logistic_regression(const std::string& name, const LogisticRegression& model);

/// German credit data in its numeric version (H. Hofmann 1994; Statlog project, UCI repository):
/// features (1000, 25) are ones, then 24 columns scaled to mean 0 and standard deviation 1 (of n);
/// labels are 1 for good credit, -1 for bad.
LogisticRegression read_german_credit(const std::filesystem::path& file);

}  // namespace eqp::mcmc
