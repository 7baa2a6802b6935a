#include "train/ema.hpp"

#include <algorithm>

#include "train/checks.hpp"

namespace eqp::train {

Ema::Ema(const ad::Params& params, EmaOptions options)
    : options_(options), average_(params.values().begin(), params.values().end()) {
  need_share("ema: decay", options_.decay);
}

void Ema::update(const ad::Params& params) {
  ++t_;
  const double most = options_.warmup ? (1 + t_) / (10 + t_) : 1;
  const Real keep = Real(std::min(options_.decay, most));
  const std::span<const Real> now = params.values();
  for (std::size_t i = 0; i < average_.size(); ++i) {
    average_[i] = keep * average_[i] + (1 - keep) * now[i];
  }
}

void Ema::swap(ad::Params& params) { std::ranges::swap_ranges(params.mutate(), average_); }

}  // namespace eqp::train
