#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "mcmc/adapt.hpp"
#include "mcmc/chains.hpp"
#include "train/bank.hpp"
#include "train/jarzynski.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// Which states of the chains are the negatives of an update.
enum class Negatives {
  last,       // the final state of each of `batch` chains
  all,        // every state of batch / length chains (rounded up)
  subsample,  // `per_chain` evenly spaced states of each of batch / per_chain chains
};

struct BankChainsOptions {
  std::size_t batch = 64;    // negatives per update
  std::uint32_t length = 1;  // states of a chain per update
  Negatives negatives = Negatives::last;
  std::size_t per_chain = 4;    // for Negatives::subsample
  double target_accept = 0.75;  // of the step size, which adapts once per update
  ad::Key key;
};

/// Persistent chains with a step size that adapts: each update draws slots of a bank, moves them by
/// `length` steps of the kernel, keeps some of the states as negatives, and puts the last ones
/// back.
template <mcmc::Adaptable K>
class BankChains {
 public:
  /// Weights, if there are any, are of the bank's states. Throws std::invalid_argument, in the name
  /// of `who`, for chains without steps, for more negatives per chain than states, and for weights
  /// of a single chain, which would all be 1; and for more chains than the bank has states, or an
  /// energy that is not finite there.
  BankChains(const std::string& who, K kernel, Bank bank, const BankChainsOptions& options,
             std::optional<JarzynskiWeights> weights = {})
      : o_(options),
        who_(who),
        kernel_(std::move(kernel)),
        bank_(std::move(bank)),
        dim_(bank_.states().cols()),
        weights_(std::move(weights)),
        chains_(begin()) {}

  /// Writes the negatives of update t to out (batch, d).
  void operator()(std::uint32_t t, ad::View out, StepLog& log) {
    ad::Tensor start({chains(), dim_});
    if (weights_) weights_->look(t, bank_);
    bank_.take(t, start);
    chains_.set(kernel_, start);
    if (weights_) weights_->arrive(bank_.taken(), start);
    chains_.reset_counts();
    const mcmc::Written negatives{out.flat(), [&](std::size_t chain) {
                                    return std::max(chain * per_chain(), surplus(out)) * dim_ -
                                           surplus(out) * dim_;
                                  }};
    chains_.advance(kernel_, t * o_.length, o_.length, o_.key,
                    [&](std::size_t first_chain, std::uint32_t step, ad::ConstView x) {
                      collect(first_chain, step - t * o_.length, x, out);
                    },
                    {&negatives, 1});
    bank_.put_back(chains_.positions());
    if (weights_) weights_->leave(bank_.taken(), chains_.positions());
    log.chain_block = chains_.block();

    if (weights_) log.chain_ess = weights_->ess(), log.log_z = weights_->log_z();
    const mcmc::Counts global = chains_.global_counts(), local = chains_.counts();
    if (global.proposed > 0) {
      log.global_moves = global.rate();
      log.weight_ess = global.mean_weight_ess();
    }
    if (local.proposed > 0) {
      log.acceptance = local.rate();
      adapter_.update(kernel_.step_size(), local.rate(), o_.length);
    }
  }

  /// The weights of the last update's negatives (batch), of mean 1; all 1 without weights.
  void weigh(ad::View out) const {
    std::ranges::fill(out.flat(), Real(1));
    if (!weights_) return;
    // By rows: the first chain may have fewer of them than the others.
    std::vector<std::size_t> slots(out.rows());
    for (std::size_t row = 0; row < slots.size(); ++row) {
      slots[row] = bank_.taken()[(row + surplus(out)) / per_chain()];
    }
    std::ranges::transform(weights_->of(slots), out.data, [](double w) { return Real(w); });
  }

  const Bank& bank() const { return bank_; }
  const K& kernel() const { return kernel_; }
  /// As the last update left it.
  double step_size() { return kernel_.step_size(); }

  /// The chains begin every update at slots of the bank.
  void archive(ad::Archive& a) {
    a("bank", bank_);
    a("step_size", kernel_.step_size());
    if (weights_) a("jarzynski", *weights_);
  }

 private:
  // Before any update, so that a training that goes on finds what one that was never stopped has:
  // chains which are set, and report an energy that has overflowed as a divergence.
  mcmc::Chains<K> begin() {
    if (o_.length == 0) {
      throw std::invalid_argument(who_ + ": chains of 0 steps: need at least 1");
    }
    if (per_chain() == 0 || per_chain() > o_.length) {
      throw std::invalid_argument(who_ + ": " + std::to_string(per_chain()) +
                                  " negatives per chain: need 1 to its " +
                                  std::to_string(o_.length) + " states");
    }
    if (weights_ && chains() == 1) {
      throw std::invalid_argument(who_ +
                                  ": Jarzynski weights of 1 chain per update: need at least 2");
    }
    ad::Tensor start({chains(), dim_});
    bank_.take(0, start);
    return {kernel_, start};
  }

  std::size_t per_chain() const {
    switch (o_.negatives) {
      case Negatives::last:
        return 1;
      case Negatives::all:
        return o_.length;
      case Negatives::subsample:
        return o_.per_chain;
    }
    throw std::logic_error(who_ + ": unknown choice of negatives");
  }
  std::size_t chains() const { return (o_.batch + per_chain() - 1) / per_chain(); }

  // The k-th of a chain's per_chain states is taken after step (k + 1) length / per_chain.
  void collect(std::size_t first_chain, std::uint32_t step, ad::ConstView x, ad::View out) const {
    const std::size_t n = per_chain();
    const std::size_t k = std::size_t(step + 1) * n / o_.length;
    if (k == std::size_t(step) * n / o_.length) return;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const std::size_t row = (first_chain + i) * n + k - 1, left_out = surplus(out);
      if (row >= left_out) std::ranges::copy(x.row(i), out.row(row - left_out).begin());
    }
  }
  // Where the chains make more states than the batch holds, the last ones count.
  std::size_t surplus(ad::ConstView out) const { return chains() * per_chain() - out.rows(); }

  BankChainsOptions o_;
  std::string who_;
  K kernel_;
  Bank bank_;
  std::size_t dim_;
  std::optional<JarzynskiWeights> weights_;
  mcmc::StepSizeAdapter adapter_{{.target = o_.target_accept, .largest = 1}};
  mcmc::Chains<K> chains_;
};

}  // namespace eqp::train
