#pragma once

#include <string>

#include "benchmarks/limit.hpp"
#include "train/objective.hpp"

namespace eqp::bench {

inline constexpr double kLearningRate = 1e-3;  // of Adam, everywhere

/// train::fit with Adam, one step at a time.
class Trainer {
 public:
  Trainer(ad::Params& params, train::Objective objective, std::size_t block);

  void step();
  /// Rows per task, once it stepped.
  std::size_t block() const { return used_block_; }
  /// Fills the inputs of the first step and shows them.
  std::span<const ad::View> first_batch();

 private:
  train::Objective objective_;
  train::Update update_;
  std::vector<ad::Tensor> batch_;
  std::vector<ad::View> in_;
  std::vector<ad::ConstView> read_;
  std::uint32_t done_ = 0;
  std::size_t used_block_ = 0;
};

/// A loss of rows, with the parameters it is minimised over.
struct Trained {
  ad::Params& params;
  std::vector<ad::Shape> row_shapes;
  train::Loss loss;
};

/// Adds out.<prefix>loss and out.<prefix>gradient.<name> of a batch: what a train::Update makes of
/// it, caught where the optimiser would take it.
void put_update(ad::Params& file, const std::string& prefix, const Trained& trained,
                std::span<const ad::ConstView> batch, std::size_t block);

/// Adds an update with Adam to a limit.
void add_update(Limit& limit, const Trained& trained, const ad::Blocks& blocks);

}  // namespace eqp::bench
