#include "mcmc/run.hpp"

#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace eqp::mcmc {
namespace {

std::string whole(double count) { return std::to_string(std::uint64_t(count)); }

}  // namespace

void check(const RunOptions& options, bool adaptable) {
  const auto fail = [](const std::string& what) { throw std::invalid_argument("run: " + what); };
  const auto text = [](double value) { return (std::ostringstream() << value).str(); };
  if (options.steps == 0) fail("steps 0; need at least 1");
  if (options.thin == 0 || options.thin > options.steps) {
    fail("thin " + std::to_string(options.thin) + " of " + std::to_string(options.steps) +
         " steps; need 1 to the number of steps");
  }
  if (options.warmup > std::numeric_limits<std::uint32_t>::max() - options.steps) {
    fail(std::to_string(options.warmup) + " + " + std::to_string(options.steps) +
         " steps; need fewer than 2^32");
  }
  if (!(options.target_accept >= 0 && options.target_accept < 1)) {
    fail("target_accept " + text(options.target_accept) +
         "; need a number between 0 and 1, or 0 not to adapt");
  }
  if (!(options.largest_step >= 0)) {
    fail("largest_step " + text(options.largest_step) + "; need a number above 0, or 0 for none");
  }
  if (options.adapt) {
    check(*options.adapt);
    if (!adaptable) fail("adapt for a kernel that has no step size to adapt");
    if (options.warmup == 0) fail("adapt without warm-up steps to adapt in");
    if (options.target_accept > 0) fail("both adapt and target_accept; need one of them");
    if (options.largest_step > 0) fail("largest_step with adapt; it caps target_accept's steps");
  }
  if (options.target_accept == 0) return;
  if (!adaptable) fail("target_accept for a kernel that has no step size to adapt");
  if (options.warmup == 0) fail("target_accept without warm-up steps to adapt in");
}

std::string warning(const Counts& counts, const Counts& global) {
  Counts all = counts;
  all += global;
  std::vector<std::string> sentences;
  if (all.not_finite > 0) {
    sentences.push_back(std::to_string(all.not_finite) +
                        " proposals were rejected because their energy was not finite (" +
                        std::to_string(all.nan) + " nan, " +
                        std::to_string(all.not_finite - all.nan) + " infinite).");
  }
  if (all.divergences > 0) {
    sentences.push_back(std::to_string(all.divergences) + " of " + whole(counts.proposed) +
                        " trajectories diverged, so that parts of the target may be missing: lower "
                        "the step size, raise the target acceptance or reparameterise.");
  }
  if (all.saturations > 0) {
    sentences.push_back(std::to_string(all.saturations) + " of " + whole(counts.proposed) +
                        " trajectories ended at max_depth before a U-turn: raise the step size or "
                        "max_depth, or adapt the metric.");
  }
  std::string text;
  for (const std::string& s : sentences) text += (text.empty() ? "" : " ") + s;
  return text;
}

ad::Tensor first_draws(ad::ConstView draws, std::size_t kept) {
  const std::size_t chains = draws.shape[0], d = draws.shape[2];
  ad::Tensor first({chains, kept, d});
  for (std::size_t c = 0; c < chains; ++c) {
    std::ranges::copy(draws.row(c).first(kept * d), first.row(c).begin());
  }
  return first;
}

}  // namespace eqp::mcmc
