#pragma once

#include <span>
#include <vector>

#include "mcmc/energy.hpp"
#include "train/bank.hpp"

namespace eqp::train {

struct JarzynskiOptions {
  bool on = false;
  double resample_below = 0.5;  // ESS of the weights, as a share of the bank
  std::uint32_t every = 10;     // updates between looks at the whole bank
};

/// Weights of persistent chains whose energy learns (Carbone, Hua, Coste & Vanden-Eijnden 2023,
/// algorithm 1): a state that stays where it is while the parameters move gains
///   log w += U_then(x) - U_now(x),
/// and kernels that leave exp(-U_now) invariant leave w alone. Weighted means are then those of the
/// present model and the mean weight is its Z, however slowly the chains mix: what chains alone
/// would have to find by moving between modes, weights do by changing. Between two visits of a slot
/// its increments telescope, so that slots nobody moves cost nothing; now and then the whole bank
/// is brought up to date, and resampled when its weights are too unequal.
///
/// Weights of some of the slots are relative to each other, so that means over n of them are biased
/// by O(1 / n) towards what the bank holds: a mode with half of the bank's states and twice the
/// weight of the other has 2/3 of the model, but on the mean 0.5 of a single slot, 0.583 of two,
/// 0.613 of three and 0.651 of ten.
class JarzynskiWeights {
 public:
  /// Of states (n, d) that are draws of a normalised density q, in a bank; `start` is -log q.
  /// Throws std::invalid_argument unless resample_below is between 0 and 1 and every at least 1.
  JarzynskiWeights(const mcmc::Energy& energy, const mcmc::Energy& start, ad::ConstView states,
                   const JarzynskiOptions& options, ad::Key key);

  /// Before update t takes slots: looks at the whole bank if it is time to.
  void look(std::uint32_t t, Bank& bank);
  /// The slots taken, x (n, d): their weights now, as the kernel is about to move them.
  void arrive(std::span<const std::size_t> slots, ad::ConstView x);
  /// The same slots where the kernel has left them.
  void leave(std::span<const std::size_t> slots, ad::ConstView x);
  /// Weights of these slots, which may repeat, of mean 1: that of a single one is 1.
  std::vector<double> of(std::span<const std::size_t> slots) const;

  /// As the last look found them: the ESS as a share of the bank, before resampling, and log Z of
  /// the model.
  double ess() const { return ess_; }
  double log_z() const { return log_z_; }

  void archive(ad::Archive& a) {
    a("log_weight", std::span(log_weight_));
    a("energy", std::span(energy_));
    a("ess", ess_);
    a("log_z", log_z_);
  }

 private:
  JarzynskiOptions options_;
  ad::Batched evaluate_;
  ad::Key key_;
  std::vector<double> log_weight_;  // (bank)
  std::vector<double> energy_;      // of every slot, as it was last looked at
  double ess_ = 1, log_z_ = 0;
};

}  // namespace eqp::train
