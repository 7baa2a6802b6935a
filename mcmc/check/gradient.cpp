#include "mcmc/check/gradient.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mcmc/check/features.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kRounding = std::numeric_limits<Real>::epsilon();
/// Steps 0.1, 0.1 / 4, ... of max(1, |x|), down to where rounding takes over.
constexpr std::size_t kSteps = sizeof(Real) == 4 ? 6 : 11;

struct Difference {
  double value = 0, error = std::numeric_limits<double>::infinity();
};

/// From the differences of steps k = 0 ... kSteps - 1 and their rounding errors.
Difference best(const std::vector<double>& value, const std::vector<double>& rounding) {
  Difference result;
  for (std::size_t k = 1; k + 1 < kSteps; ++k) {
    const double error =
        std::max(std::abs(value[k] - value[k - 1]), std::abs(value[k + 1] - value[k])) +
        rounding[k];
    if (error < result.error) result = {value[k], error};
  }
  return result;
}

void require_points(const char* who, ad::ConstView points, std::size_t least) {
  if (points.shape.rank() == 2 && points.rows() >= least && points.cols() > 0) return;
  throw std::invalid_argument(std::string(who) + ": points " + ad::str(points.shape) +
                              "; need (n, d) with n >= " + std::to_string(least));
}

/// Central differences of U at every point: (d) times (n).
std::vector<std::vector<Difference>> differences(const Energy& energy, ad::ConstView points) {
  const std::size_t n = points.rows(), d = points.cols();
  ad::Workspace at = value(energy, d).workspace(n);
  std::vector<std::vector<Difference>> result(d, std::vector<Difference>(n));
  for (std::size_t j = 0; j < d; ++j) {
    std::vector<std::vector<double>> slope(n, std::vector<double>(kSteps)), rounding = slope;
    for (std::size_t k = 0; k < kSteps; ++k) {
      const double relative = 0.1 * std::pow(0.25, double(k));
      std::vector<double> up(n), moved(n);
      for (const double side : {1.0, -1.0}) {
        std::ranges::copy(points.flat(), at.in(0).data);
        for (std::size_t i = 0; i < n; ++i) {
          const double x = points(i, j);
          at.in(0)(i, j) = Real(x + side * relative * std::max(1.0, std::abs(x)));
          moved[i] += side * double(at.in(0)(i, j));  // as rounded
        }
        at.run();
        for (std::size_t i = 0; i < n; ++i) {
          const double u = at.out(0)[i];
          if (side > 0) up[i] = u;
          slope[i][k] = (up[i] - u) / moved[i];
          rounding[i][k] = kRounding * (std::abs(up[i]) + std::abs(u)) / moved[i];
        }
      }
    }
    for (std::size_t i = 0; i < n; ++i) result[j][i] = best(slope[i], rounding[i]);
  }
  return result;
}

std::string place(std::size_t coordinate, std::size_t point, double x) {
  return "coordinate " + std::to_string(coordinate + 1) + " of point " + std::to_string(point) +
         " (" + shown(x) + ")";
}

}  // namespace

Check check_gradient(const Energy& energy, ad::ConstView points, const GradientOptions& options) {
  require_points("gradient", points, 1);
  const std::size_t n = points.rows(), d = points.cols();
  ad::Workspace at = value_and_grad(energy, d).workspace(n);
  evaluate(at, points);
  const auto differences_of = differences(energy, points);
  Check check{.name = "gradient", .threshold = options.tolerance};
  std::size_t compared = 0;
  std::vector<double> told;  // relative errors of the differences
  std::string worst;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      const double g = at.out(1)(i, j);
      const auto [value, error] = differences_of[j][i];
      if (!std::isfinite(at.out(0)[i]) || !std::isfinite(error)) continue;
      ++compared;
      const double size = std::max(std::abs(g), std::abs(value));
      if (size > 0) told.push_back(error / size);
      // Where the energy is flat to the last digit, both are 0 up to the smallest number.
      const double off = std::abs(g - value), ratio = std::isfinite(g)
                                                          ? off / std::max(error, 1e-300)
                                                          : std::numeric_limits<double>::infinity();
      if (ratio < check.statistic || (ratio == check.statistic && !worst.empty())) continue;
      check.statistic = ratio;
      worst = place(j, i, points(i, j)) + ": " + shown(g) + " recorded, " + shown(value) + " +- " +
              shown(error) + " by differences, relative error " + shown(size > 0 ? off / size : 0);
    }
  }
  if (compared == 0) {
    check.outcome = Outcome::failed;
    check.sentence = "The energy is finite around none of the points.";
    return check;
  }
  std::ranges::sort(told);
  const double median = told.empty() ? 0 : told[told.size() / 2];
  if (!(check.statistic <= options.tolerance)) {
    check.outcome = Outcome::failed;
    check.sentence = "The gradient is not that of the energy, worst at " + worst + ".";
  } else if (median > 0.1) {
    check.outcome = Outcome::failed;
    check.sentence = "Differences tell the gradient only up to a relative " + shown(median) +
                     ": the energy jumps, or rounding hides it.";
  } else {
    check.sentence = std::to_string(compared) + " derivatives agree with differences, which tell " +
                     "them up to a relative " + shown(median) + " (median); worst at " + worst +
                     ".";
    if (compared < n * d) {
      check.sentence += " " + std::to_string(n * d - compared) + " are not finite.";
    }
  }
  return check;
}

Check check_rows(const Energy& energy, ad::ConstView points) {
  require_points("rows", points, 2);
  const std::size_t n = points.rows(), d = points.cols();
  ad::Workspace at = value_and_grad(energy, d).workspace(n);
  const auto results = [&](std::size_t i) {
    std::vector<double> row{double(at.out(0)[i])};
    row.insert(row.end(), at.out(1).row(i).begin(), at.out(1).row(i).end());
    return row;
  };
  evaluate(at, points);
  std::vector<std::vector<double>> among;
  for (std::size_t i = 0; i < n; ++i) among.push_back(results(i));
  Check check{.name = "rows", .threshold = 64};
  std::string worst = "none";
  for (std::size_t i = 0; i < n; ++i) {
    // Every other row now holds another point.
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t from = k == i ? i : (k + 1 + (k + 1 == i)) % n;
      std::ranges::copy(points.row(from), at.in(0).row(k).begin());
    }
    at.run();
    const auto alone = results(i);
    double scale = 0;
    for (const double v : among[i]) scale = std::max(scale, std::abs(v));
    for (std::size_t k = 0; k <= d; ++k) {
      const double off = std::abs(alone[k] - among[i][k]) / (kRounding * std::max(scale, 1e-30));
      if (!std::isfinite(among[i][k]) || off <= check.statistic) continue;
      check.statistic = off;
      worst = std::to_string(i);
    }
  }
  if (check.statistic > check.threshold) {
    check.outcome = Outcome::failed;
    check.sentence = "Energies of a batch depend on the rows beside them, first of all row " +
                     worst + ", by " + shown(check.statistic) + " roundings.";
  } else {
    check.sentence = "Energy and gradient of a row do not depend on the rows beside it.";
  }
  return check;
}

Verdict check_target(const Target& target, const GradientOptions& options) {
  const ad::Tensor draws =
      exact_draws("check_target", target, options.draws + options.large, options.key);
  ad::Tensor points = draws;
  for (std::size_t i = options.draws; i < points.rows(); ++i) {
    for (Real& v : points.row(i)) v *= Real(options.stretch);
  }
  Verdict verdict{
      {check_gradient(target.energy, points, options), check_rows(target.energy, points)}};
  if (!target.log_prob) {
    verdict.checks.push_back(not_applicable("density", "The target has no log_prob."));
    return verdict;
  }
  ad::Workspace at = value(target.energy, target.dim).workspace(draws.rows());
  evaluate(at, draws);
  Check check{.name = "density", .threshold = std::sqrt(kRounding)};
  std::string worst;
  for (std::size_t i = 0; i < draws.rows(); ++i) {
    const std::vector<double> x(draws.row(i).begin(), draws.row(i).end());
    const double log_p = target.log_prob(x), u = at.out(0)[i];
    const double off = std::abs(u + log_p) / (1 + std::abs(log_p));
    if (off <= check.statistic) continue;
    check.statistic = std::isnan(off) ? std::numeric_limits<double>::infinity() : off;
    worst = "energy " + shown(u) + ", log_prob " + shown(log_p);
  }
  if (check.statistic > check.threshold) {
    check.outcome = Outcome::failed;
    check.sentence = "The energy is not minus log_prob: " + worst + ".";
  } else {
    check.sentence =
        "The energy is minus log_prob up to a relative " + shown(check.statistic) + ".";
  }
  verdict.checks.push_back(check);
  return verdict;
}

}  // namespace eqp::mcmc
