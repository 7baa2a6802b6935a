#pragma once

#include <cmath>
#include <limits>

#include "mcmc/run.hpp"
#include "train/roll_back.hpp"
#include "train/schedule.hpp"
#include "train/update.hpp"

namespace eqp::train {

/// What a training step reports. NaN: the method has no such thing.
struct StepLog {
  double loss = 0;
  double gradient_norm = 0;
  double acceptance = std::numeric_limits<double>::quiet_NaN();  // of the local moves
  double global_moves =
      std::numeric_limits<double>::quiet_NaN();  // moves between modes: i-SIR, swaps
  double weight_ess =
      std::numeric_limits<double>::quiet_NaN();  // of the i-SIR weights, in particles
  double flow_loss = std::numeric_limits<double>::quiet_NaN();
  double chain_ess = std::numeric_limits<double>::quiet_NaN();  // of the bank's weights, as a share
  double log_z = std::numeric_limits<double>::quiet_NaN();      // of the model, by these weights
  double pace = 1;         // of all learning rates: less than 1 after roll-backs
  double energy_pace = 1;  // of the energy's, besides: less where the method holds it back
  /// What the training, or the method, has done by itself since the last step, a line each.
  std::vector<std::string> events;
  std::size_t block = 0, chain_block = 0;  // rows and chains per task; 0: there are no chains
};

/// The chains that a method takes its negatives from, with its parameters and its step size as they
/// are: what they are worth can be seen apart from the training.
struct NegativeChains {
  std::uint32_t steps = 0;  // per update
  /// Where an update may start them: the states of the bank, or fresh ones.  (m, d)
  std::function<ad::Tensor()> starts;
  /// mcmc::run of the method's kernel from x0 (n, d).
  std::function<mcmc::RunResult(ad::ConstView x0, const mcmc::RunOptions& options)> run;
};

/// A training method, as a value: the loss, recorded once, and what feeds it at every step.
/// Whatever a method keeps between steps (a replay buffer, chains, a flow's optimiser) lives in its
/// closures, and `archive` writes and reads it.
struct Objective {
  std::string name;
  std::size_t batch = 0;              // rows
  std::vector<ad::Shape> row_shapes;  // of the inputs of the loss
  Loss loss;
  /// Fills the inputs of step t: data, noise, negatives.
  std::function<void(std::uint32_t t, std::span<const ad::View> in, StepLog& log)> feed;
  /// Optional: what the method does after the parameters moved, with the same inputs.
  std::function<void(std::uint32_t t, std::span<const ad::View> in, StepLog& log)> after;
  /// Optional: the state beyond the parameters.
  ad::State archive;
  /// Optional: its chains.
  std::optional<NegativeChains> chains = {};
};

/// The data of step t: fills out (n, d). A pure function of t.
using DataSource = std::function<void(std::uint32_t t, ad::View out)>;

struct FitOptions {
  std::uint32_t steps = 1000;
  Schedule learning_rate = constant(1e-3);
  std::size_t block = 0;                 // rows per task; 0: see Update
  double clip_norm = 0, clip_value = 0;  // see Update
  double ema = 0;           // decay of an average that replaces the parameters at the end; 0: none
  bool ema_warmup = false;  // see EmaOptions
  RollBackOptions roll_back = {};  // after a divergence; OnStep then sees earlier steps again
  /// Keeps the state after every step, and a fit that begins goes on from what it kept, with the
  /// same bits as if it had never been stopped; null: none.
  ad::Keeper* keeper = nullptr;
};

/// Called after every step; returning false ends the training there.
using OnStep = std::function<bool(std::uint32_t step, const StepLog& log)>;

/// Minimises the objective. Returns the number of steps done, those before a restart included.
/// Throws std::runtime_error at the first loss that is not finite, naming step, operation and
/// layer, once no retry of roll_back is left.
std::uint32_t fit(ad::Params& params, const Objective& objective,
                  std::unique_ptr<Optimiser> optimiser, const FitOptions& options,
                  const OnStep& on_step = {});

}  // namespace eqp::train
