#include "mcmc/medoids.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace eqp::mcmc {
namespace {

/// Distances between all rows, (n, n).
class Distances {
 public:
  explicit Distances(ad::ConstView x) : n_(x.rows()), values_(n_ * n_) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        double squares = 0;
        for (std::size_t c = 0; c < x.cols(); ++c) {
          const double step = double(x(i, c)) - double(x(j, c));
          squares += step * step;
        }
        values_[i * n_ + j] = values_[j * n_ + i] = std::sqrt(squares);
      }
    }
  }
  double operator()(std::size_t i, std::size_t j) const { return values_[i * n_ + j]; }

 private:
  std::size_t n_;
  std::vector<double> values_;
};

std::size_t medoid_of(const std::vector<std::size_t>& members, const Distances& distance) {
  std::size_t best = members[0];
  double least = std::numeric_limits<double>::infinity();
  for (const std::size_t i : members) {
    double sum = 0;
    for (const std::size_t j : members) sum += distance(i, j);
    if (sum < least) {
      least = sum;
      best = i;
    }
  }
  return best;
}

std::vector<std::size_t> far_apart(std::size_t n, std::size_t k, const Distances& distance) {
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t(0));
  std::vector<std::size_t> chosen{medoid_of(all, distance)};
  std::vector<double> nearest(n, std::numeric_limits<double>::infinity());
  while (chosen.size() < k) {
    for (std::size_t i = 0; i < n; ++i) {
      nearest[i] = std::min(nearest[i], distance(i, chosen.back()));
    }
    const auto farthest = std::ranges::max_element(nearest);
    if (*farthest == 0) break;
    chosen.push_back(std::size_t(farthest - nearest.begin()));
  }
  return chosen;
}

}  // namespace

std::vector<std::size_t> medoids(ad::ConstView x, std::size_t k) {
  const Distances distance(x);
  std::vector<std::size_t> chosen = far_apart(x.rows(), k, distance);
  // The sum of distances falls in every round but the last; the bound is for rounding.
  for (int round = 0; round < 100; ++round) {
    std::vector<std::vector<std::size_t>> clusters(chosen.size());
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const auto nearest = std::ranges::min_element(
          chosen, {}, [&](std::size_t medoid) { return distance(i, medoid); });
      clusters[std::size_t(nearest - chosen.begin())].push_back(i);
    }
    const std::vector<std::size_t> before = chosen;
    for (std::size_t c = 0; c < chosen.size(); ++c) chosen[c] = medoid_of(clusters[c], distance);
    if (chosen == before) break;
  }
  return chosen;
}

}  // namespace eqp::mcmc
