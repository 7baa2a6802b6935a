#pragma once

#include <cstdint>
#include <string>

#include "autodiff/archive.hpp"

namespace eqp::train {

struct BalanceOptions {
  bool on = false;
  double least_moves = 0.1;             // of i-SIR per step, below which the flow lags behind
  double least_ess = 1.5;               // of its weights, in particles: the same
  std::uint32_t most_flow_updates = 5;  // per update of the energy
  double least_pace = 1.0 / 64;         // of the energy
  std::uint32_t every = 50;             // updates between two judgements, which see their mean
};

/// The balance of learning rates between an energy and the flow that proposes its samples. Where
/// i-SIR hardly moves, or one particle has all the weight, the energy has run away from the flow:
/// the flow gets an update more, up to the most, and beyond that, or where the flow does not learn,
/// the energy goes at half its pace. Where both are twice what is needed, this is taken back in the
/// opposite order.
class Balance {
 public:
  /// With the flow's usual number of updates, and the particles of i-SIR. Throws
  /// std::invalid_argument for shares that are not between 0 and 1, an ESS below 1, counts of 0,
  /// and, if it is on, where i-SIR could not reach twice what is needed: N particles are worth N at
  /// most, and a flow that is the model has it move by 1 - 1 / N of its steps.
  Balance(const BalanceOptions& options, std::uint32_t flow_updates, std::size_t particles);

  /// Takes note of an update's chains. Returns what changes from this update on, for a log;
  /// empty: nothing. NaNs, of chains without global moves, are no reason to change anything.
  std::string watch(double global_moves, double weight_ess);

  std::uint32_t flow_updates() const { return flow_updates_; }
  /// Share of its learning rate by which the energy moves.
  double pace() const { return pace_; }

  void archive(ad::Archive& a) {
    a("flow_updates", flow_updates_);
    a("pace", pace_);
    a("seen", seen_);
    a("moves", moves_);
    a("ess", ess_);
  }

 private:
  void catch_up();
  void relax();

  BalanceOptions options_;
  std::uint32_t usual_flow_updates_, flow_updates_;
  double pace_ = 1;
  std::uint32_t seen_ = 0;
  double moves_ = 0, ess_ = 0;  // sums over the updates seen
};

}  // namespace eqp::train
