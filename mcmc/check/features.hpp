#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autodiff/random.hpp"
#include "mcmc/check/verdict.hpp"
#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

/// Exact draws of a target: (n, d). Throws std::invalid_argument, in the name of `who`, for a
/// target without a sampler.
ad::Tensor exact_draws(const std::string& who, const Target& target, std::size_t n, ad::Key key);

/// What checks compare laws by: coordinates, random projections, products of neighbours, the radius
/// and the log density, each as its normal score among pilot draws of the law in question. Scores
/// are about standard normal whatever the law's tails, so that means of a few thousand
/// of them, and of their squares and cubes, are normal. A check compares scores with scores, so
/// that it is exact however few the pilot draws are.
class Features {
 public:
  struct Options {
    std::size_t coordinates = 12;  // at most; evenly chosen among more
    std::size_t projections = 4;
    ad::Key key;
  };
  using LogProb = std::function<double(std::span<const double>)>;

  /// pilot (m, d): draws of the law, independent of all that is compared. names (d), or empty: x_1
  /// ... x_d. An empty log_prob is left out. Throws std::invalid_argument for fewer than 100 draws.
  Features(ad::ConstView pilot, std::vector<std::string> names, LogProb log_prob,
           const Options& options);

  std::size_t size() const { return names_.size(); }
  const std::string& name(std::size_t feature) const { return names_[feature]; }
  /// Scores of x (n, d), feature by feature: (size(), n).
  std::vector<std::vector<double>> scores(ad::ConstView x) const;

 private:
  void raw(std::span<const Real> x, std::span<double> point, std::span<double> out) const;

  std::size_t dim_;
  LogProb log_prob_;
  std::vector<double> mean_, sd_;                // (d)
  std::vector<std::size_t> coordinates_;         // which of them are features
  std::vector<std::vector<double>> directions_;  // projections times (d), of length 1
  std::vector<std::string> names_;
  std::vector<std::vector<double>> sorted_;  // (size(), m) values of the pilot draws
  std::vector<double> score_;                // of each of the m + 1 gaps between them
};

/// Does a law stay what it was? Adds to `tests`, per feature, the paired changes of score, squared
/// score and cubed score from before to after, and the two-sample Kolmogorov-Smirnov distance
/// between after and fresh. All are (n, d), rows independent; row i of `before` became row i of
/// `after`.
void compare_laws(Tests& tests, const Features& features, ad::ConstView before, ad::ConstView after,
                  ad::ConstView fresh);

}  // namespace eqp::mcmc
