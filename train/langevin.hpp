#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "mcmc/chains.hpp"
#include "mcmc/ula.hpp"
#include "train/objective.hpp"

namespace eqp::train {

struct LangevinOptions {
  std::size_t dim = 0;
  std::uint32_t steps = 10;                                // per update
  double step_size = 0.01;                                 // in units of x squared
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula, also the next two
  std::optional<double> noise = std::nullopt;              // none: sqrt(2 step_size)
  double clip = std::numeric_limits<double>::infinity();
  ad::Key key;
};

/// Negatives by unadjusted Langevin steps from given starts: what contrastive divergence and its
/// persistent form share. Copies share the chains' memory.
class LangevinNegatives {
 public:
  /// Chains begin at start (n, d), before any update, so that a training that goes on finds what
  /// one that was never stopped has. Throws std::invalid_argument unless the energy is finite
  /// there.
  LangevinNegatives(const mcmc::Energy& energy, const LangevinOptions& options, ad::ConstView start)
      : options_(options),
        ula_(energy, options.dim,
             {.step_size = options.step_size,
              .bound = options.bound,
              .noise = options.noise,
              .clip = options.clip}),
        chains_(std::make_shared<mcmc::Chains<mcmc::Ula>>(ula_, start)) {}

  /// Writes to out where chains from start (n, d) are after the steps of update t; start and out
  /// may be the same rows, as many as at first.
  void operator()(std::uint32_t t, ad::ConstView start, ad::View out, StepLog& log) const {
    chains_->set(ula_, start);
    chains_->advance(ula_, t * options_.steps, options_.steps, options_.key);
    take(out, log);
  }
  /// The same; visit(first_chain, step, x) writes what it sees of the positions of a block after
  /// every step, as in mcmc::Chains, steps counted from that of update 0.
  template <class Visit>
  void operator()(std::uint32_t t, ad::ConstView start, ad::View out, StepLog& log,
                  const Visit& visit, std::span<const mcmc::Written> written) const {
    chains_->set(ula_, start);
    chains_->advance(ula_, t * options_.steps, options_.steps, options_.key, visit, written);
    take(out, log);
  }

  const mcmc::Ula& kernel() const { return ula_; }

 private:
  void take(ad::View out, StepLog& log) const {
    std::ranges::copy(chains_->positions().flat(), out.data);
    log.chain_block = chains_->block();
  }

  LangevinOptions options_;
  mcmc::Ula ula_;
  std::shared_ptr<mcmc::Chains<mcmc::Ula>> chains_;
};

}  // namespace eqp::train
