#include "mcmc/importance.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "autodiff/parallel.hpp"
#include "mcmc/weights.hpp"

namespace eqp::mcmc {
namespace {

/// The log weights of a workspace whose outputs `u` and `u + 1` are U and log q.
void read_log_weights(ad::Workspace& at, std::size_t u, std::span<double> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = -double(at.out(u)[i]) - double(at.out(u + 1)[i]);
    if (!std::isnan(to[i])) continue;
    at.run_checked(i);
    throw ad::NonFinite("importance: U + log q is not a number", ad::NonFinite::Origin::operation,
                        i);
  }
}

/// f(first, rows) for the blocks of n rows; an error tells the row among all.
template <class F>
void in_blocks(std::size_t n, std::size_t block, const F& f) {
  const ad::Blocks blocks{n, block};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    try {
      f(blocks.first(b), blocks.size(b));
    } catch (const ad::NonFinite& e) {
      const std::size_t row = blocks.first(b) + e.row.value_or(0);
      throw ad::NonFinite("draw " + std::to_string(row) + ": " + e.what(), e.origin, row);
    }
  });
}

}  // namespace

std::vector<double> log_weights(const Energy& energy, const Proposal& proposal, ad::ConstView x) {
  const ad::Batched at = current_weight(energy, proposal);
  std::vector<double> log_w(x.rows());
  in_blocks(x.rows(), at.block(x.rows()), [&](std::size_t first, std::size_t rows) {
    ad::Workspace w = workspace_for("log_weights", at, proposal.dim, x.slice(first, rows));
    evaluate(w, x.slice(first, rows));
    read_log_weights(w, 0, std::span(log_w).subspan(first, rows));
  });
  return log_w;
}

ImportanceSample importance_sample(const Energy& energy, const Proposal& proposal, std::size_t n,
                                   ad::Key key) {
  const ad::Batched fresh = fresh_weight(energy, proposal);
  ImportanceSample sample{ad::Tensor({n, proposal.dim}), std::vector<double>(n), {}};
  in_blocks(n, n == 0 ? 1 : fresh.block(n), [&](std::size_t first, std::size_t rows) {
    ad::Workspace at = fresh.workspace(rows);
    ad::BlockRng{key, 0, std::uint32_t(first)}.normal(at.in(0));
    at.run();
    std::ranges::copy(at.out(0).flat(), sample.draws.view().slice(first, rows).data);
    read_log_weights(at, 1, std::span(sample.log_weights).subspan(first, rows));
  });
  sample.report = importance_report(sample.log_weights);
  return sample;
}

std::vector<double> ImportanceSample::weights() const {
  std::vector<double> w(log_weights.size());
  const double log_sum = report.log_z + std::log(double(w.size()));
  std::ranges::transform(log_weights, w.begin(), [=](double l) { return std::exp(l - log_sum); });
  return w;
}

ImportanceSample ImportanceSample::smoothed() const {
  std::vector<double> log_w = pareto_smoothed(log_weights).log_weights;
  ImportanceReport of_these = importance_report(log_w);
  of_these.pareto_k = report.pareto_k;
  return {draws, std::move(log_w), of_these};
}

ImportanceSample::Mean ImportanceSample::mean(
    const std::function<double(std::span<const Real>)>& f) const {
  const std::vector<double> w = weights();
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < w.size(); ++i) mean += w[i] * f(draws.row(i));
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double deviation = w[i] * (f(draws.row(i)) - mean);
    squares += deviation * deviation;
  }
  return {mean, std::sqrt(squares)};
}

}  // namespace eqp::mcmc
