#include "mcmc/summary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "mcmc/ess.hpp"
#include "mcmc/mcse.hpp"
#include "mcmc/rhat.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Two digits more than where the standard error begins, between 0 and 6; 3 without one.
int decimals(const Estimate& e) {
  if (!(e.mcse > 0) || !std::isfinite(e.mcse)) return 3;
  return int(std::clamp(1 - std::floor(std::log10(e.mcse)), 0.0, 6.0));
}

std::string fixed(double value, int digits) {
  std::ostringstream text;
  // Huge numbers would be as wide as they are long.
  if (std::abs(value) >= 1e9) {
    text << std::scientific << std::setprecision(3) << value;
  } else {
    text << std::fixed << std::setprecision(digits) << value;
  }
  return text.str();
}

using Cells = std::vector<std::string>;

Cells cells(const Summary& s) {
  Cells row{s.name};
  for (const Estimate& e : {s.mean, s.sd, s.q5, s.q50, s.q95}) {
    row.push_back(fixed(e.value, decimals(e)));
    row.push_back(fixed(e.mcse, decimals(e)));
  }
  row.push_back(fixed(s.ess_bulk, 0));
  row.push_back(fixed(s.ess_tail, 0));
  row.push_back(fixed(s.r_hat, 3));
  return row;
}

}  // namespace

Summary summarise(std::string name, const ChainValues& x) {
  split(x);  // refuses too few draws
  Summary s{.name = std::move(name),
            .mean = {kNan, kNan},
            .sd = {kNan, kNan},
            .q5 = {kNan, kNan},
            .q50 = {kNan, kNan},
            .q95 = {kNan, kNan},
            .ess_bulk = kNan,
            .ess_tail = kNan,
            .r_hat = kNan};
  s.not_finite =
      std::size_t(std::ranges::count_if(x.values, [](double v) { return !std::isfinite(v); }));
  if (s.not_finite > 0) return s;
  const MeanVariance m = mean_variance(x.values);
  s.mean = {m.mean, mcse_mean(x)};
  s.sd = {std::sqrt(m.variance), mcse_sd(x)};
  // Sorting, and the ESS of quantiles, would be most of the time if done where they are used.
  const std::vector<double> in_order = sorted(x.values);
  const double low = ess_quantile(x, 0.05, in_order), middle = ess_quantile(x, 0.5, in_order),
               high = ess_quantile(x, 0.95, in_order);
  s.q5 = {quantile(in_order, 0.05), mcse_quantile(in_order, 0.05, low)};
  s.q50 = {quantile(in_order, 0.5), mcse_quantile(in_order, 0.5, middle)};
  s.q95 = {quantile(in_order, 0.95), mcse_quantile(in_order, 0.95, high)};
  s.ess_bulk = ess_bulk(x);
  s.ess_tail = std::fmin(low, high);
  s.r_hat = rhat(x);
  return s;
}

std::vector<Summary> summarise(ad::ConstView draws, const std::vector<std::string>& names) {
  const std::size_t d = draws.shape.rank() == 3 ? draws.shape[2] : 0;
  if (d == 0 || (!names.empty() && names.size() != d)) {
    throw std::invalid_argument("summarise: draws " + str(draws.shape) + " with " +
                                std::to_string(names.size()) +
                                " names; need (chains, draws, d), d >= 1, and no or d names");
  }
  std::vector<Summary> summaries(d);
  ad::parallel_for(d, [&](std::size_t j) {
    const std::string name = names.empty() ? "x[" + std::to_string(j) + "]" : names[j];
    summaries[j] = summarise(name, coordinate(draws, j));
  });
  return summaries;
}

double smallest_ess(std::span<const Summary> summaries) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const Summary& s : summaries) {
    for (const double ess : {s.ess_bulk, s.ess_tail}) {
      if (std::isnan(ess)) return ess;
      smallest = std::min(smallest, ess);
    }
  }
  return smallest;
}

std::string table(std::span<const Summary> summaries) {
  std::vector<Cells> rows{{"", "mean", "mcse", "sd", "mcse", "q5", "mcse", "q50", "mcse", "q95",
                           "mcse", "ess_bulk", "ess_tail", "r_hat"}};
  for (const Summary& s : summaries) rows.push_back(cells(s));
  std::vector<std::size_t> widths(rows[0].size());
  for (const Cells& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  }
  std::ostringstream text;
  for (const Cells& row : rows) {
    text << std::left << std::setw(int(widths[0])) << row[0] << std::right;
    for (std::size_t k = 1; k < row.size(); ++k)
      text << "  " << std::setw(int(widths[k])) << row[k];
    text << '\n';
  }
  return text.str();
}

std::string table(std::span<const Summary> summaries, const Cost& cost) {
  const double ess = smallest_ess(summaries);
  std::ostringstream text;
  text << table(summaries) << "smallest ESS " << fixed(ess, 0);
  text << std::setprecision(3);
  if (cost.gradients > 0)
    text << ", " << 1000 * ess / double(cost.gradients) << " per 1000 gradients";
  if (cost.seconds > 0) text << ", " << ess / cost.seconds << " per second";
  text << '\n';
  return text.str();
}

}  // namespace eqp::mcmc
