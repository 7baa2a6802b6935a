#include "mcmc/check/calibration.hpp"

#include <cmath>
#include <stdexcept>

#include "mcmc/check/statistics.hpp"
#include "mcmc/diagnostics.hpp"

namespace eqp::mcmc {
namespace {

std::string quantity(const Ranks& ranks, std::size_t k) {
  return k + 1 == ranks.ranks.size() ? "the energy" : "theta_" + std::to_string(k + 1);
}

/// Mean and variance of f(rank / L - 1/2) if ranks are uniform.
template <class F>
std::pair<double, double> uniform_moments(std::size_t draws, F f) {
  double mean = 0, square = 0;
  for (std::size_t r = 0; r <= draws; ++r) {
    const double v = f(double(r) / double(draws) - 0.5);
    mean += v / double(draws + 1);
    square += v * v / double(draws + 1);
  }
  return {mean, square - mean * mean};
}

/// How many standard errors the mean of f(rank / L - 1/2) is off.
template <class F>
double z_of_ranks(std::span<const std::size_t> ranks, std::size_t draws, F f) {
  const auto [mean, variance] = uniform_moments(draws, f);
  double sum = 0;
  for (const std::size_t r : ranks) sum += f(double(r) / double(draws) - 0.5) - mean;
  return sum / std::sqrt(double(ranks.size()) * variance);
}

double slope(std::span<const std::size_t> ranks, std::size_t draws) {
  return z_of_ranks(ranks, draws, [](double u) { return u; });
}
double curvature(std::span<const std::size_t> ranks, std::size_t draws) {
  return z_of_ranks(ranks, draws, [](double u) { return u * u; });
}

double chi_square(std::span<const std::size_t> ranks, std::size_t draws, std::size_t bins) {
  std::vector<double> seen(bins), expected(bins);
  for (const std::size_t r : ranks) seen[r * bins / (draws + 1)] += 1;
  for (std::size_t r = 0; r <= draws; ++r) {
    expected[r * bins / (draws + 1)] += double(ranks.size()) / double(draws + 1);
  }
  double sum = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    sum += (seen[b] - expected[b]) * (seen[b] - expected[b]) / expected[b];
  }
  return sum;
}

/// sqrt(n) times the largest distance of the distribution function of ranks from the diagonal.
double envelope(std::span<const std::size_t> ranks, std::size_t draws) {
  const double n = double(ranks.size());
  std::vector<double> seen(draws + 1);
  for (const std::size_t r : ranks) seen[r] += 1 / n;
  double below = 0, distance = 0;
  for (std::size_t r = 0; r <= draws; ++r) {
    below += seen[r];
    distance = std::max(distance, std::abs(below - double(r + 1) / double(draws + 1)));
  }
  return std::sqrt(n) * distance;
}

}  // namespace

void require_sensible(const CalibrationOptions& options) {
  const std::size_t ranks = options.chains * options.draws + 1;
  if (ranks < 2 || options.bins < 2 || options.bins > ranks || options.tasks == 0 ||
      options.replicates < 5 * options.bins) {
    throw std::invalid_argument(
        "calibration: " + std::to_string(options.replicates) + " replicates of " +
        std::to_string(options.chains) + " chains x " + std::to_string(options.draws) +
        " draws in " + std::to_string(options.bins) + " bins and " + std::to_string(options.tasks) +
        " tasks; need 2 bins or more, a draw per bin and 5 replicates per bin");
  }
}

std::uint32_t thinning(ad::ConstView draws) {
  const std::size_t chains = draws.shape[0], length = draws.shape[1], d = draws.shape[2];
  double longest = 1;
  for (std::size_t j = 0; j < d; ++j) {
    const double ess = ess_mean(coordinate(draws, j));
    if (!(ess > 0)) {
      throw std::runtime_error("calibration: theta_" + std::to_string(j + 1) + " stood still for " +
                               std::to_string(length) + " steps");
    }
    longest = std::max(longest, double(chains * length) / ess);
  }
  return std::uint32_t(std::min(std::ceil(2 * longest), double(length)));
}

void rank(Ranks& ranks, std::size_t replicate, ad::ConstView points, ad::Workspace& at,
          ad::Key key) {
  const std::size_t draws = points.rows() - 1, d = points.cols();
  evaluate(at, points);
  for (std::size_t k = 0; k <= d; ++k) {
    const auto value_of = [&](std::size_t i) { return k < d ? points(i, k) : at.out(0)[i]; };
    std::size_t below = 0, equal = 0;
    for (std::size_t i = 0; i < draws; ++i) {
      below += value_of(i) < value_of(draws);
      equal += value_of(i) == value_of(draws);
    }
    ad::Draws ties(key, std::uint32_t(replicate), std::uint32_t(k));
    ranks.ranks[k][replicate] = below + ties.below(equal + 1);
  }
}

std::string reading(double slope, double curvature) {
  if (std::abs(slope) > std::abs(curvature)) {
    return slope > 0 ? "ranks pile up at the top: the draws are too low"
                     : "ranks pile up at the bottom: the draws are too high";
  }
  return curvature > 0 ? "the histogram is a U: the draws are too narrow (under-dispersed), or "
                         "still correlated"
                       : "the histogram is a hump: the draws are too wide (over-dispersed)";
}

Check judge_calibration(const Model& model, const Ranks& ranks, const CalibrationOptions& options) {
  Tests tests;
  for (std::size_t k = 0; k < ranks.ranks.size(); ++k) {
    const auto& of = ranks.ranks[k];
    const std::string name = "ranks of " + quantity(ranks, k);
    const double tilt = slope(of, ranks.draws), bend = curvature(of, ranks.draws);
    const std::string says = ", " + reading(tilt, bend);
    tests.add("the mean of " + name + says, tilt);
    tests.add("the spread of " + name + says, bend);
    tests.add("the histogram of " + name + says,
              z_of_chi_square(chi_square(of, ranks.draws, options.bins), double(options.bins - 1)));
    tests.add("the distribution function of " + name + says,
              z_of_kolmogorov(envelope(of, ranks.draws)));
  }
  Check check = tests.check("calibration", options.false_alarm);
  check.sentence = check.outcome == Outcome::failed
                       ? "ConditionedModel draws of " + model.name +
                             " are not calibrated: off is " + tests.worst() + "."
                       : std::to_string(ranks.ranks[0].size()) + " prior draws of " + model.name +
                             " rank uniformly among " + std::to_string(ranks.draws) +
                             " posterior draws each.";
  return check;
}

}  // namespace eqp::mcmc
