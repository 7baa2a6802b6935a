#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <vector>

namespace eqp::train {

/// The learning rate of step 0, 1, 2, ...
using Schedule = std::function<double(std::uint32_t step)>;

inline Schedule constant(double rate) {
  return [=](std::uint32_t) { return rate; };
}

/// Multiplied by `factor` at each of the given steps.
inline Schedule step_decay(double rate, std::vector<std::uint32_t> at, double factor) {
  return [=](std::uint32_t step) {
    const auto passed = std::ranges::count_if(at, [&](std::uint32_t s) { return step >= s; });
    return rate * std::pow(factor, double(passed));
  };
}

/// Half a cosine from `rate` at step 0 to `final_rate` at step `steps`, constant afterwards
/// (Loshchilov & Hutter 2017, one cycle).
inline Schedule cosine(double rate, std::uint32_t steps, double final_rate = 0) {
  return [=](std::uint32_t step) {
    const double t = std::min(1.0, double(step) / steps);
    return final_rate + (rate - final_rate) * (1 + std::cos(std::numbers::pi * t)) / 2;
  };
}

/// Grows linearly to the schedule's own rate over the first `warmup` steps.
inline Schedule with_warmup(Schedule schedule, std::uint32_t warmup) {
  return [=, schedule = std::move(schedule)](std::uint32_t step) {
    return schedule(step) * (step < warmup ? double(step + 1) / warmup : 1.0);
  };
}

}  // namespace eqp::train
