#include "train/update.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/grad.hpp"

namespace eqp::train {

Update::Update(std::string name, ad::Params& params, std::vector<ad::Shape> row_shapes, Loss loss,
               std::unique_ptr<Optimiser> optimiser, Options options)
    : name_(std::move(name)),
      params_(params),
      loss_and_grad_(std::move(row_shapes),
                     [loss = std::move(loss), &params](std::span<const ad::Var> in) -> ad::Vars {
                       const ad::Var rows = loss(in);
                       return {rows, ad::grad(rows, params)};
                     }),
      optimiser_(std::move(optimiser)),
      options_(options),
      gradient_(params.size()) {
  if (options.block == 0) throw std::invalid_argument(name_ + ": block 0: need at least 1 row");
}

void Update::prepare(std::size_t rows) {
  if (rows == blocks_.rows) return;
  blocks_ = {rows, options_.block};
  workspaces_.clear();
  for (std::size_t b = 0; b < blocks_.count(); ++b) {
    workspaces_.push_back(loss_and_grad_.workspace(blocks_.size(b)));
  }
}

// Block after block, so that the bits depend on the blocks alone; the parameters are shared out
// among the threads where that is worth waking them up.
void Update::sum_gradients() {
  constexpr std::size_t kWork = std::size_t(1) << 16;
  const Real scale = Real(1 / double(blocks_.rows));
  const ad::Blocks pieces{gradient_.size(),
                          std::max<std::size_t>(kWork / workspaces_.size(), 4096)};
  ad::parallel_for(pieces.count(), [&](std::size_t p) {
    const std::size_t first = pieces.first(p), size = pieces.size(p);
    Real* sum = &gradient_[first];
    std::copy_n(workspaces_[0].out(1).data + first, size, sum);
    for (std::size_t b = 1; b < workspaces_.size(); ++b) {
      const Real* g = workspaces_[b].out(1).data + first;
      for (std::size_t i = 0; i < size; ++i) sum[i] += g[i];
    }
    for (std::size_t i = 0; i < size; ++i) sum[i] *= scale;
  });
}

Update::Result Update::step(std::span<const ad::ConstView> batch, double learning_rate) {
  prepare(batch[0].rows());
  const double n = double(blocks_.rows);
  ad::parallel_for(blocks_.count(), [&](std::size_t b) {
    ad::Workspace& ws = workspaces_[b];
    for (std::size_t k = 0; k < batch.size(); ++k) {
      const ad::ConstView rows = batch[k].slice(blocks_.first(b), blocks_.size(b));
      std::ranges::copy(rows.flat(), ws.in(k).data);
    }
    ws.run();
  });

  Result result;
  for (const ad::Workspace& ws : workspaces_) {
    for (Real v : ws.out(0).flat()) result.loss += v / n;
  }
  sum_gradients();
  result.gradient_norm = clip_norm(gradient_, options_.clip_norm);
  if (!std::isfinite(result.loss + result.gradient_norm)) {
    for (std::size_t b = 0; b < workspaces_.size(); ++b) {
      try {
        workspaces_[b].run_checked();
      } catch (const std::runtime_error& e) {
        const std::size_t first = blocks_.first(b), last = first + blocks_.size(b) - 1;
        throw std::runtime_error(name_ + ": in rows " + std::to_string(first) + " to " +
                                 std::to_string(last) + " of the batch: " + e.what());
      }
    }
    throw std::runtime_error(name_ + ": the sum of the losses or of the gradient overflowed");
  }
  optimiser_->step(params_.mutate(), gradient_, learning_rate);
  return result;
}

}  // namespace eqp::train
