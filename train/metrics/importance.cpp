#include "train/metrics/importance.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "autodiff/parallel.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/weights.hpp"

namespace eqp::train {
namespace {

std::vector<double> log_weights(const flows::Flow& flow, const mcmc::Energy& energy, std::size_t n,
                                ad::Key key) {
  const ad::Batched fresh = mcmc::fresh_weight(energy, mcmc::from_flow(flow));
  const ad::Blocks blocks{n, fresh.block(n)};
  std::vector<double> log_w(n);
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const std::size_t first = blocks.first(b);
    ad::Workspace at = fresh.workspace(blocks.size(b));
    ad::BlockRng{key, 0, std::uint32_t(first)}.normal(at.in(0));
    at.run();
    for (std::size_t i = 0; i < blocks.size(b); ++i) {
      log_w[first + i] = -double(at.out(1)[i]) - double(at.out(2)[i]);
      if (!std::isnan(log_w[first + i])) continue;
      at.run_checked(i);
      throw std::runtime_error("importance: the weight of draw " + std::to_string(first + i) +
                               " is not a number");
    }
  });
  return log_w;
}

}  // namespace

Importance importance(const flows::Flow& flow, const mcmc::Energy& energy, std::size_t draws,
                      ad::Key key) {
  if (draws < 2) {
    throw std::invalid_argument("importance: " + std::to_string(draws) + " draws; need at least 2");
  }
  const std::vector<double> log_w = log_weights(flow, energy, draws, key);
  const double top = *std::ranges::max_element(log_w), n = double(draws);
  if (!std::isfinite(top)) {
    throw std::runtime_error("importance: the largest of " + std::to_string(draws) +
                             " log weights is " + std::to_string(top) +
                             "; need draws where the target is finite and not 0");
  }
  double sum = 0, squares = 0;
  for (const double l : log_w) {
    const double w = std::exp(l - top);
    sum += w;
    squares += w * w;
  }
  const double ess = sum * sum / squares;
  return {.draws = draws,
          .ess = ess,
          .largest_weight = 1 / sum,
          .log_z = top + std::log(sum / n),
          .log_z_error = std::sqrt(std::max(0.0, 1 / ess - 1 / n))};
}

}  // namespace eqp::train
