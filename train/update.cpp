#include "train/update.hpp"

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
  std::ranges::fill(gradient_, Real(0));
  for (const ad::Workspace& ws : workspaces_) {
    for (Real v : ws.out(0).flat()) result.loss += v / n;
    const std::span<const Real> g = ws.out(1).flat();
    for (std::size_t i = 0; i < g.size(); ++i) gradient_[i] += g[i];
  }
  for (Real& g : gradient_) g = Real(g / n);
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
