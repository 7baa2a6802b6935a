#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/program.hpp"
#include "autodiff/ranks.hpp"
#include "train/optimiser.hpp"

namespace eqp::train {

/// The losses of the rows of a batch, recorded: inputs (n, ...) -> (n). Or one loss of the whole
/// batch, (): for those that couple rows, such as a variance or a log-sum over the batch.
using Loss = std::function<ad::Var(std::span<const ad::Var> in)>;

/// One optimisation step on the mean of a loss over a batch. The batch is cut into blocks of rows
/// that run in parallel, and on the ranks of a job; their gradients are summed in a fixed order, so
/// that the step has the same bits on any number of threads and ranks. A loss of the whole batch is
/// one block, whose kernels run in parallel where they are large, and which every rank does.
class Update {
 public:
  struct Options {
    std::size_t block = 0;  // rows per task; 0: as ad::Batched suggests
    double clip_norm = 0;   // largest gradient norm; 0 does not clip
    double clip_value = 0;  // largest size of its entries, after the norm; 0 does not clip
  };
  struct Result {
    double loss = 0;           // mean over the batch
    double gradient_norm = 0;  // before clipping
    std::size_t block = 0;     // rows per task
  };

  /// row_shapes: the shape of one row of each input. Throws std::invalid_argument for a limit that
  /// is negative or not finite.
  Update(std::string name, ad::Params& params, std::vector<ad::Shape> row_shapes, Loss loss,
         std::unique_ptr<Optimiser> optimiser, Options options);

  /// Throws std::runtime_error naming the first bad operation when the loss or the gradient is not
  /// finite, and std::invalid_argument if the loss is neither (n) nor (), or (n) with rows that
  /// depend on each other; the parameters keep their values.
  Result step(std::span<const ad::ConstView> batch, double learning_rate);
  /// The parameters and what the optimiser remembers.
  void archive(ad::Archive& a) {
    a("params", params_);
    a("optimiser", *optimiser_);
    a("moved", moved_);
  }

 private:
  void prepare(std::size_t rows);
  /// Whether the loss of so many rows is one of them all.
  bool is_of_batch(std::size_t rows) const;
  /// Throws std::invalid_argument if the loss of a row changes with the rows beside it.
  void check_rows_apart(std::span<const ad::ConstView> batch);
  ad::Workspace& load(std::span<const ad::ConstView> batch, std::size_t block);
  void run_group(std::span<const ad::ConstView> batch, std::size_t group);
  /// Every rank gets the losses of the others' blocks.
  void gather_losses();
  /// gradient_ <- the mean over the batch, on every rank.
  void sum_gradients();
  /// gradients_[0] <- the sum of all, of which this rank has its share.
  void sum_of_ranks(ad::Share mine);
  /// Replays the blocks, checked, and throws what the first bad one says.
  [[noreturn]] void explain(std::span<const ad::ConstView> batch);

  std::string name_;
  ad::Params& params_;
  ad::Batched loss_and_grad_;
  std::unique_ptr<Optimiser> optimiser_;
  Options options_;
  ad::Blocks blocks_{0, 1};  // rows in blocks
  ad::Blocks groups_{0, 1};  // blocks in groups, which run one after the other
  bool of_batch_ = false;    // the loss is one of all rows
  double losses_per_batch_ = 1;
  bool apart_ = false;  // rows were seen not to depend on each other
  // Per worker, for a full block and for the last one, made when first needed. What a workspace
  // holds is scratch, so results do not depend on which worker takes a group.
  std::vector<std::array<std::optional<ad::Workspace>, 2>> workspaces_;
  std::vector<double> losses_;                // of the blocks
  std::vector<std::vector<Real>> gradients_;  // of the groups
  std::vector<Real> gradient_;
  bool moved_ = false;  // by a step
};

}  // namespace eqp::train
