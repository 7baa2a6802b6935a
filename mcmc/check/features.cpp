#include "mcmc/check/features.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mcmc/check/statistics.hpp"

namespace eqp::mcmc {

ad::Tensor exact_draws(const std::string& who, const Target& target, std::size_t n, ad::Key key) {
  if (!target.sample) {
    throw std::invalid_argument(who + ": target '" + target.name +
                                "' cannot be drawn from; need one with `sample`");
  }
  ad::Tensor x({n, target.dim});
  target.sample(x, key, 0);
  return x;
}

Features::Features(ad::ConstView pilot, std::vector<std::string> names, LogProb log_prob,
                   const Options& options)
    : dim_(pilot.cols()), log_prob_(std::move(log_prob)), mean_(dim_), sd_(dim_) {
  const std::size_t m = pilot.rows();
  if (m < 100) {
    throw std::invalid_argument("Features: " + std::to_string(m) +
                                " pilot draws; need at least 100");
  }
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < dim_; ++j) mean_[j] += pilot(i, j) / double(m);
  }
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < dim_; ++j) sd_[j] += std::pow(pilot(i, j) - mean_[j], 2);
  }
  for (double& v : sd_) v = v > 0 ? std::sqrt(v / double(m)) : 1;

  if (names.empty()) {
    for (std::size_t j = 0; j < dim_; ++j) names.push_back("x_" + std::to_string(j + 1));
  }
  const std::size_t kept = std::min(options.coordinates, dim_);
  for (std::size_t c = 0; c < kept; ++c) {
    coordinates_.push_back(c * dim_ / kept);
    names_.push_back(names[coordinates_.back()]);
  }
  for (std::size_t c = 0; c + 1 < kept; ++c) names_.push_back(names_[c] + " " + names_[c + 1]);
  for (std::size_t p = 0; dim_ > 1 && p < options.projections; ++p) {
    ad::Draws draws(options.key, std::uint32_t(p));
    std::vector<double> direction(dim_);
    double squares = 0;
    for (double& v : direction) v = draws.normal();
    for (const double v : direction) squares += v * v;
    for (double& v : direction) v /= std::sqrt(squares);
    directions_.push_back(direction);
    names_.push_back("projection " + std::to_string(p + 1));
  }
  names_.push_back("the radius");
  if (log_prob_) names_.push_back("the log density");

  sorted_.assign(size(), std::vector<double>(m));
  std::vector<double> point(dim_), values(size());
  for (std::size_t i = 0; i < m; ++i) {
    raw(pilot.row(i), point, values);
    for (std::size_t f = 0; f < size(); ++f) sorted_[f][i] = values[f];
  }
  for (auto& values_of : sorted_) std::ranges::sort(values_of);
  for (std::size_t k = 0; k <= m; ++k) {
    score_.push_back(normal_quantile((double(k) + 0.5) / double(m + 1)));
  }
}

void Features::raw(std::span<const Real> x, std::span<double> point, std::span<double> out) const {
  std::ranges::copy(x, point.begin());
  std::size_t f = 0;
  if (log_prob_) out[size() - 1] = log_prob_(point);
  for (const std::size_t c : coordinates_) out[f++] = point[c];
  for (std::size_t j = 0; j < dim_; ++j) point[j] = (point[j] - mean_[j]) / sd_[j];
  for (std::size_t c = 0; c + 1 < coordinates_.size(); ++c) {
    out[f++] = point[coordinates_[c]] * point[coordinates_[c + 1]];
  }
  for (const auto& direction : directions_) {
    double sum = 0;
    for (std::size_t j = 0; j < dim_; ++j) sum += direction[j] * point[j];
    out[f++] = sum;
  }
  double squares = 0;
  for (const double v : point) squares += v * v;
  out[f] = squares;
}

std::vector<std::vector<double>> Features::scores(ad::ConstView x) const {
  std::vector<std::vector<double>> result(size(), std::vector<double>(x.rows()));
  std::vector<double> point(dim_), values(size());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    raw(x.row(i), point, values);
    for (std::size_t f = 0; f < size(); ++f) {
      const auto gap = std::ranges::lower_bound(sorted_[f], values[f]) - sorted_[f].begin();
      result[f][i] = std::isnan(values[f]) ? values[f] : score_[std::size_t(gap)];
    }
  }
  return result;
}

void compare_laws(Tests& tests, const Features& features, ad::ConstView before, ad::ConstView after,
                  ad::ConstView fresh) {
  const std::size_t n = before.rows();
  const auto old_scores = features.scores(before);
  auto new_scores = features.scores(after), fresh_scores = features.scores(fresh);
  std::vector<double> change(n);
  for (std::size_t f = 0; f < features.size(); ++f) {
    const std::string& name = features.name(f);
    const auto &a = old_scores[f], &b = new_scores[f];
    const char* what[] = {"", "the square of ", "the cube of "};
    for (int power = 1; power <= 3; ++power) {
      for (std::size_t i = 0; i < n; ++i) change[i] = std::pow(b[i], power) - std::pow(a[i], power);
      tests.add("the mean of " + (what[power - 1] + name), z_of_mean(change));
    }
    tests.add("the distribution of " + name,
              z_of_kolmogorov(kolmogorov_smirnov(new_scores[f], fresh_scores[f])));
  }
}

}  // namespace eqp::mcmc
