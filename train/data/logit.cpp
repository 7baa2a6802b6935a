#include "train/data/logit.hpp"

#include <cmath>

#include "autodiff/parallel.hpp"
#include "train/data/entries.hpp"

namespace eqp::train {
namespace {

flows::Mapped to_logits(ad::Var x, double alpha) {
  // 1 - a from 1 - x: near x = 1 nothing cancels.
  const double slope = 1 - 2 * alpha;
  const ad::Var log_a = log(alpha + slope * x), log_rest = log(alpha + slope * (1 - x));
  return {log_a - log_rest, sum(std::log(slope) - log_a - log_rest, 1)};
}

flows::Mapped from_logits(ad::Var y, double alpha) {
  // log a and log(1 - a) are -softplus(-y) and -softplus(y).
  const double slope = 1 - 2 * alpha;
  return {(sigmoid(y) - alpha) / slope, sum(-std::log(slope) - softplus(-y) - softplus(y), 1)};
}

/// Maps the rows of x in place; `rest` sees each block's workspace and first row.
template <class Rest>
void map_rows(const ad::Batched& map, ad::View x, Rest rest) {
  const ad::Blocks blocks{x.rows(), map.block(x.rows())};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const ad::View rows = x.slice(blocks.first(b), blocks.size(b));
    ad::Workspace ws = map.workspace(rows.rows());
    std::ranges::copy(rows.flat(), ws.in(0).data);
    ws.run();
    std::ranges::copy(ws.out(0).flat(), rows.data);
    rest(ws, blocks.first(b));
  });
}

void check_columns(ad::ConstView x, std::size_t dim) {
  if (x.cols() == dim) return;
  throw std::invalid_argument("logit: " + std::to_string(x.cols()) + " columns for a map of " +
                              std::to_string(dim));
}

}  // namespace

Logit::Logit(std::size_t dim, double alpha)
    : Bijection("logit", dim),
      alpha_(alpha),
      apply_({{dim}},
             [alpha](std::span<const ad::Var> in) -> ad::Vars {
               const auto [y, log_det] = to_logits(in[0], alpha);
               return {y, log_det};
             }),
      invert_({{dim}}, [alpha](std::span<const ad::Var> in) -> ad::Vars {
        return {from_logits(in[0], alpha).y};
      }) {
  if (!(alpha > 0 && alpha < 0.5)) {
    throw std::invalid_argument("logit: alpha " + std::to_string(alpha) +
                                "; need between 0 and 0.5");
  }
}

flows::Mapped Logit::push(ad::Var y, ad::Var) const { return from_logits(y, alpha_); }
flows::Mapped Logit::pull(ad::Var x, ad::Var) const { return to_logits(x, alpha_); }

std::vector<double> Logit::apply(ad::View x) const {
  check_columns(x, dim());
  require_entries("logit", x, "0 to 1", [](Real v) { return (v >= 0) & (v <= 1); });
  std::vector<double> log_det(x.rows());
  map_rows(apply_, x, [&](const ad::Workspace& ws, std::size_t first) {
    for (std::size_t i = 0; i < ws.out(1).size(); ++i) log_det[first + i] = ws.out(1)[i];
  });
  return log_det;
}

void Logit::invert(ad::View y) const {
  check_columns(y, dim());
  map_rows(invert_, y, [](const ad::Workspace&, std::size_t) {});
}

}  // namespace eqp::train
