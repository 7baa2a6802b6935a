#include "train/update.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/grad.hpp"
#include "autodiff/non_finite.hpp"
#include "autodiff/plan.hpp"
#include "autodiff/ranks.hpp"
#include "train/checks.hpp"
#include "train/clip.hpp"

namespace eqp::train {
namespace {

/// What to try. Before the first step only the data can be at fault, or how the parameters began.
const char* advice(ad::NonFinite::Origin origin, bool moved) {
  if (origin == ad::NonFinite::Origin::input) return "check that row of the data";
  return moved ? "lower the learning rate or clip the gradient"
               : "check the data and what the parameters begin with";
}

/// f(g, apart) for the pairs of sums to add, that at g + apart to that at g: a binary tree.
template <class F>
void for_pairs(std::size_t n, const F& f) {
  for (std::size_t apart = 1; apart < n; apart *= 2) {
    for (std::size_t g = 0; g + apart < n; g += 2 * apart) f(g, apart);
  }
}

/// Whether all that the sum of a pair is made of is in a share.
bool is_within(ad::Share share, std::size_t g, std::size_t apart, std::size_t n) {
  return g >= share.first && std::min(g + 2 * apart, n) <= share.end;
}

void add(const Real* part, std::size_t n, Real* sum) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += part[i];
}

}  // namespace

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
  need_at_least_0(name_ + ": clip_norm", options_.clip_norm);
  need_at_least_0(name_ + ": clip_value", options_.clip_value);
}

bool Update::is_of_batch(std::size_t rows) const {
  const ad::Plan& plan = loss_and_grad_.program(rows).plan();
  const ad::Shape& loss = plan.slots[plan.outputs[0]].shape;
  if (loss.rank() == 0) return true;
  if (loss == ad::Shape{rows}) return false;
  throw std::invalid_argument(name_ + ": the loss of " + std::to_string(rows) + " rows is " +
                              ad::str(loss) + "; need " + ad::str({rows}) + " or ()");
}

void Update::prepare(std::size_t rows) {
  constexpr std::size_t kGroups = 8;  // gradients to keep and to sum, and threads of use at most
  if (workspaces_.size() < ad::n_workers()) workspaces_.resize(ad::n_workers());
  if (rows == blocks_.rows) return;
  const std::size_t block =
      options_.block ? std::min(rows, options_.block) : loss_and_grad_.block(rows);
  of_batch_ = is_of_batch(block);
  blocks_ = {rows, of_batch_ ? rows : block};
  losses_per_batch_ = of_batch_ ? 1 : double(rows);
  groups_ = {blocks_.count(), (blocks_.count() + kGroups - 1) / kGroups};
  workspaces_.clear();
  workspaces_.resize(ad::n_workers());
  losses_.assign(blocks_.count(), 0);
  gradients_.assign(groups_.count(), std::vector<Real>(params_.size()));
}

ad::Workspace& Update::load(std::span<const ad::ConstView> batch, std::size_t block) {
  const std::size_t rows = blocks_.size(block);
  auto& workspace = workspaces_[ad::worker()][rows == blocks_.block ? 0 : 1];
  if (!workspace) workspace = loss_and_grad_.workspace(rows);
  for (std::size_t k = 0; k < batch.size(); ++k) {
    std::ranges::copy(batch[k].slice(blocks_.first(block), rows).flat(), workspace->in(k).data);
  }
  return *workspace;
}

void Update::check_rows_apart(std::span<const ad::ConstView> batch) {
  // One row tells nothing, not even in blocks of one.
  const std::size_t rows =
      std::min<std::size_t>(blocks_.rows, std::max<std::size_t>(blocks_.block, 2));
  apart_ = of_batch_ || rows >= 2;
  if (of_batch_ || rows < 2) return;
  ad::Workspace ws = loss_and_grad_.workspace(rows);
  for (std::size_t k = 0; k < batch.size(); ++k) {
    std::ranges::copy(batch[k].slice(0, rows).flat(), ws.in(k).data);
  }
  ws.run();
  const Real among_others = ws.out(0)[0];
  for (std::size_t k = 0; k < batch.size(); ++k) {
    const ad::View in = ws.in(k);
    for (std::size_t i = 1; i < in.rows(); ++i) {
      std::ranges::copy(in.row(0), in.row(i).begin());
    }
  }
  ws.run();
  // The same kernels: what does not depend on the other rows has the same bits.
  const Real among_itself = ws.out(0)[0];
  if (among_others == among_itself || std::isnan(among_others)) return;
  throw std::invalid_argument(name_ + ": the loss of a row changes with the rows beside it; " +
                              "return one loss of the batch, (), as by mean(loss)");
}

void Update::run_group(std::span<const ad::ConstView> batch, std::size_t group) {
  const std::size_t first = groups_.first(group), end = first + groups_.size(group);
  std::vector<Real>& sum = gradients_[group];
  for (std::size_t b = first; b < end; ++b) {
    ad::Workspace& ws = load(batch, b);
    ws.run();
    losses_[b] = 0;
    for (Real v : ws.out(0).flat()) losses_[b] += v;
    const Real* g = ws.out(1).data;
    if (b == first) {
      std::copy_n(g, sum.size(), sum.begin());
    } else {
      add(g, sum.size(), sum.data());
    }
  }
}

void Update::gather_losses() {
  std::vector<std::size_t> starts{0};
  for (std::size_t r = 0; r < ad::n_ranks(); ++r) {
    const std::size_t block = groups_.first(ad::share(groups_.count(), r).end);
    starts.push_back(std::min(block, blocks_.count()) * sizeof losses_[0]);
  }
  ad::gather_bytes(std::as_writable_bytes(std::span(losses_)), starts);
}

// Pairs of neighbours, then pairs of pairs: an order that depends on the groups alone, and in which
// ranks that hold neighbouring groups exchange few sums. The parameters are shared out among the
// threads where that is worth waking them up.
void Update::sum_gradients() {
  constexpr std::size_t kWork = std::size_t(1) << 16;
  const std::size_t groups = gradients_.size();
  const ad::Share mine = ad::is_shared_out() ? ad::share(groups) : ad::Share{0, groups};
  const auto in_pieces = [&](auto f) {
    const ad::Blocks pieces{gradient_.size(), std::max<std::size_t>(kWork / groups, 4096)};
    ad::parallel_for(pieces.count(), [&](std::size_t p) { f(pieces.first(p), pieces.size(p)); });
  };
  const auto take_mean = [&](std::size_t first, std::size_t size) {
    const Real scale = Real(1 / losses_per_batch_);
    for (std::size_t i = first; i < first + size; ++i) gradient_[i] = scale * gradients_[0][i];
  };
  const bool alone = !ad::is_shared_out();
  in_pieces([&](std::size_t first, std::size_t size) {
    for_pairs(groups, [&](std::size_t g, std::size_t apart) {
      if (!is_within(mine, g, apart, groups)) return;
      add(&gradients_[g + apart][first], size, &gradients_[g][first]);
    });
    if (alone) take_mean(first, size);
  });
  if (alone) return;
  sum_of_ranks(mine);
  in_pieces(take_mean);
}

void Update::sum_of_ranks(ad::Share mine) {
  const std::size_t groups = gradients_.size();
  const auto has = [&](std::size_t g) { return g >= mine.first && g < mine.end; };
  const auto owner = [&](std::size_t g) {
    std::size_t r = 0;
    while (g >= ad::share(groups, r).end) ++r;
    return r;
  };
  std::vector<Real> theirs(gradient_.size());
  for_pairs(groups, [&](std::size_t g, std::size_t apart) {
    if (is_within(mine, g, apart, groups)) return;
    if (has(g) && has(g + apart)) {
      add(gradients_[g + apart].data(), theirs.size(), gradients_[g].data());
    } else if (has(g)) {
      ad::receive(std::as_writable_bytes(std::span(theirs)), owner(g + apart));
      add(theirs.data(), theirs.size(), gradients_[g].data());
    } else if (has(g + apart)) {
      ad::send(std::as_bytes(std::span(gradients_[g + apart])), owner(g));
    }
  });
  ad::broadcast(std::as_writable_bytes(std::span(gradients_[0])));
}

Update::Result Update::step(std::span<const ad::ConstView> batch, double learning_rate) {
  if (batch.empty() || batch[0].rows() == 0) {
    throw std::invalid_argument(name_ + ": a batch of 0 rows; need at least 1");
  }
  prepare(batch[0].rows());
  if (!apart_) check_rows_apart(batch);
  ad::parallel_for_share(groups_.count(), [&](std::size_t group) { run_group(batch, group); });
  if (ad::is_shared_out()) gather_losses();
  Result result{.block = blocks_.block};
  for (const double loss : losses_) result.loss += loss / losses_per_batch_;
  sum_gradients();
  result.gradient_norm = clip_norm(gradient_, options_.clip_norm);
  if (!std::isfinite(result.loss + result.gradient_norm)) explain(batch);
  clip_value(gradient_, options_.clip_value);
  optimiser_->step(params_.mutate(), gradient_, learning_rate);
  moved_ = true;
  return result;
}

void Update::explain(std::span<const ad::ConstView> batch) {
  for (std::size_t b = 0; b < blocks_.count(); ++b) {
    try {
      load(batch, b).run_checked();
    } catch (const ad::NonFinite& e) {
      const std::size_t first = blocks_.first(b), last = first + blocks_.size(b) - 1;
      const std::string row = e.row
                                  ? "row " + std::to_string(first + *e.row)
                                  : "rows " + std::to_string(first) + " to " + std::to_string(last);
      throw std::runtime_error(name_ + ": in " + row + " of the batch: " + e.what() + "; " +
                               advice(e.origin, moved_));
    }
  }
  throw std::runtime_error(name_ + ": the sum of the losses or of the gradient overflowed; " +
                           advice(ad::NonFinite::Origin::operation, moved_));
}

}  // namespace eqp::train
