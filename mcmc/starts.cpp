#include "mcmc/starts.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {
namespace {

/// What was wrong with the points of one chain.
struct Failures {
  std::uint32_t nan = 0, infinite = 0, gradient = 0;
};

void check(const StartOptions& options, std::size_t dim, std::size_t chains) {
  const auto fail = [](const auto&... what) {
    std::ostringstream text;
    (text << "find_starts: " << ... << what);
    throw std::invalid_argument(text.str());
  };
  if (chains == 0 || dim == 0) {
    fail(chains, " chains in ", dim, " dimensions; need at least 1 of each");
  }
  if (options.attempts == 0) fail("attempts 0; need at least 1");
  for (const std::size_t size : {options.low.size(), options.high.size()}) {
    if (size != 1 && size != dim) fail(size, " bounds of a region; need 1 or ", dim);
  }
  for (std::size_t j = 0; j < dim; ++j) {
    const double low = options.low[j % options.low.size()],
                 high = options.high[j % options.high.size()];
    if (std::isfinite(high - low) && low <= high) continue;
    fail("coordinate ", j, " between ", low, " and ", high,
         "; need finite bounds, the lower one first");
  }
}

/// The starts of a block of chains, from chain first_chain on.
class Search {
 public:
  Search(ad::Workspace at, ad::Key key, const StartOptions& options, std::size_t first_chain)
      : at_(std::move(at)), key_(key), options_(options), first_chain_(first_chain) {}

  void run(ad::View x) {
    std::vector<Failures> failures(x.rows());
    std::vector<std::size_t> searching(x.rows());
    for (std::size_t i = 0; i < x.rows(); ++i) searching[i] = i;
    for (std::uint32_t attempt = 0; attempt < options_.attempts; ++attempt) {
      for (const std::size_t i : searching) draw(x.slice(i, 1), attempt, i);
      // Those that are found are evaluated along: a program is for one number of rows.
      evaluate(at_, x);
      std::erase_if(searching, [&](std::size_t i) { return good(i, failures[i]); });
      if (searching.empty()) return;
    }
    give_up(searching[0], failures[searching[0]]);
  }

 private:
  void draw(ad::View x, std::uint32_t attempt, std::size_t i) const {
    ad::BlockRng{key_, attempt, std::uint32_t(first_chain_ + i)}.uniform(x);
    for (std::size_t j = 0; j < x.cols(); ++j) {
      const double low = options_.low[j % options_.low.size()],
                   high = options_.high[j % options_.high.size()];
      x(0, j) = Real(high - low) * x(0, j) + Real(low);
    }
  }

  bool good(std::size_t i, Failures& failures) const {
    const Real energy = at_.out(0)[i];
    if (std::isnan(energy)) return ++failures.nan, false;
    if (std::isinf(energy)) return ++failures.infinite, false;
    if (!ad::all_finite(at_.out(1).row(i))) return ++failures.gradient, false;
    return true;
  }

  [[noreturn]] void give_up(std::size_t i, const Failures& failures) {
    std::ostringstream text;
    text << "find_starts: chain " << first_chain_ + i << " has no start: of " << options_.attempts
         << " points, " << failures.nan << " had an energy of nan, " << failures.infinite
         << " an infinite one and " << failures.gradient << " a gradient that is not finite";
    try {
      at_.run_checked(i);
    } catch (const ad::NonFinite& e) {
      text << "; at the last one " << e.what();
    }
    text << "; choose a region where the target has a density";
    throw std::invalid_argument(text.str());
  }

  ad::Workspace at_;
  ad::Key key_;
  const StartOptions& options_;
  std::size_t first_chain_;
};

}  // namespace

ad::Tensor find_starts(const Energy& energy, std::size_t dim, std::size_t chains, ad::Key key,
                       const StartOptions& options) {
  check(options, dim, chains);
  const ad::Batched program = value_and_grad(energy, dim);
  const ad::Blocks blocks{chains, program.block(chains)};
  ad::Tensor x({chains, dim});
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    Search(program.workspace(blocks.size(b)), key, options, blocks.first(b))
        .run(x.view().slice(blocks.first(b), blocks.size(b)));
  });
  return x;
}

}  // namespace eqp::mcmc
