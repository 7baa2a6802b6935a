#include "mcmc/check/weights.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mcmc/check/statistics.hpp"
#include "mcmc/diagnostics.hpp"

namespace eqp::mcmc {
namespace {

struct Estimate {
  double mean = 0, variance = 0;  // the variance is that of the mean
};

Estimate estimate(std::span<const double> values) {
  const double n = double(values.size());
  Estimate e;
  for (const double v : values) e.mean += v / n;
  for (const double v : values) e.variance += (v - e.mean) * (v - e.mean) / (n - 1) / n;
  return e;
}

/// Sums of equal weights are exact up to rounding, which is no error.
double z_of(double off, double variance) {
  constexpr double rounding = 1e-10;
  return off / std::sqrt(variance + rounding * rounding);
}

void require_sizes(ad::ConstView draws, std::size_t n, std::size_t dim, std::size_t runs) {
  const bool enough = runs ? runs >= 20 && n % runs == 0 : n >= 100;
  if (draws.shape.rank() == 2 && draws.rows() == n && draws.cols() == dim && enough) return;
  throw std::invalid_argument("check_weights: draws " + ad::str(draws.shape) + ", " +
                              std::to_string(n) + " weights, " + std::to_string(runs) +
                              " runs; need (n, " + std::to_string(dim) +
                              ") with n weights, in 20 or more equal runs or 100 rows");
}

/// The mean log weight of the runs, which must not be above the log normaliser.
void add_jensen(Tests& tests, std::span<const double> log_weights, std::size_t runs,
                double log_normaliser) {
  const std::size_t size = log_weights.size() / runs;
  std::vector<double> of_run(runs);
  for (std::size_t r = 0; r < runs; ++r) {
    of_run[r] = log_mean_exp(log_weights.subspan(r * size, size)) - log_normaliser;
  }
  const Estimate e = estimate(of_run);
  if (e.mean == -std::numeric_limits<double>::infinity()) return;  // a weight of 0
  tests.add("the mean log weight, above the log normaliser by " + shown(e.mean),
            e.mean <= 0 ? 0 : z_of(e.mean, e.variance));
}

}  // namespace

Check check_weights(ad::ConstView draws, std::span<const double> log_weights, const Target& target,
                    const WeightsOptions& options) {
  const std::size_t n = log_weights.size(), runs = options.runs ? options.runs : n;
  require_sizes(draws, n, target.dim, options.runs);
  std::vector<double> weight(n), of_run(runs);
  const std::size_t size = n / runs;
  // Means over each run, which are the independent values.
  const auto means = [&](const auto& value_of) {
    std::ranges::fill(of_run, 0.0);
    for (std::size_t i = 0; i < n; ++i) of_run[i / size] += value_of(i) / double(size);
    return std::span<const double>(of_run);
  };
  for (std::size_t i = 0; i < n; ++i) weight[i] = std::exp(log_weights[i] - options.log_normaliser);
  const Estimate total = estimate(means([&](std::size_t i) { return weight[i]; }));
  const double effective =
      double(runs) / (1 + total.variance * double(runs) / (total.mean * total.mean));

  Tests tests;
  tests.add("the mean weight, " + shown(total.mean) + " of the normaliser",
            z_of(total.mean - 1, total.variance));
  add_jensen(tests, log_weights, runs, options.log_normaliser);
  const Features features(exact_draws("check_weights", target, options.pilot, options.key.fork(0)),
                          {}, target.log_prob, {.key = options.key.fork(1)});
  const auto scores = features.scores(draws);
  auto exact =
      features.scores(exact_draws("check_weights", target, options.fresh, options.key.fork(2)));
  for (std::size_t f = 0; f < features.size(); ++f) {
    for (const int power : {1, 2}) {
      if (power == 2) {
        for (double& v : exact[f]) v *= v;
      }
      const Estimate truth = estimate(exact[f]);
      // Around the truth, so that an error of the mean weight is not counted again.
      const Estimate off = estimate(means(
          [&](std::size_t i) { return weight[i] * (std::pow(scores[f][i], power) - truth.mean); }));
      tests.add("the weighted mean of " + std::string(power == 2 ? "the square of " : "") +
                    features.name(f),
                z_of(off.mean, off.variance + truth.variance));
    }
  }
  Check check = tests.check("weights", options.false_alarm);
  const std::string worth = shown(effective) + " effective of " + std::to_string(runs) +
                            (options.runs ? " runs" : " draws");
  if (check.outcome == Outcome::failed) {
    check.sentence = "The weights are wrong: with " + worth + ", off is " + tests.worst() + ".";
  } else if (!(effective >= std::min(50.0, double(runs) / 4))) {
    check.outcome = Outcome::failed;
    check.sentence = "Only " + worth + ", too few to judge by.";
  } else {
    check.sentence = "Weighted by " + worth + ", draws follow " + target.name +
                     " and the mean weight is its normaliser.";
  }
  return check;
}

}  // namespace eqp::mcmc
