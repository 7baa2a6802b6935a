#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/checks.hpp"

namespace eqp::train {
namespace {

// From `rate` at t = 0 to `final_rate` at t = 1.
double half_cosine(double rate, double final_rate, double t) {
  return final_rate + (rate - final_rate) * (1 + std::cos(std::numbers::pi * t)) / 2;
}

}  // namespace

Schedule constant(double rate) {
  need_at_least_0("constant: rate", rate);
  return [=](std::uint32_t) { return rate; };
}

Schedule linear(double rate, std::uint32_t steps, double final_rate) {
  need_at_least_0("linear: rate", rate);
  need_at_least_1("linear: steps", steps);
  need_at_least_0("linear: final_rate", final_rate);
  return [=](std::uint32_t step) {
    return std::lerp(rate, final_rate, std::min(1.0, double(step) / steps));
  };
}

Schedule exponential(double rate, double factor) {
  need_at_least_0("exponential: rate", rate);
  need_at_least_0("exponential: factor", factor);
  return [=](std::uint32_t step) { return rate * std::pow(factor, step); };
}

Schedule step_decay(double rate, std::vector<std::uint32_t> at, double factor) {
  need_at_least_0("step_decay: rate", rate);
  need_at_least_0("step_decay: factor", factor);
  return [=, at = std::move(at)](std::uint32_t step) {
    const auto passed = std::ranges::count_if(at, [&](std::uint32_t s) { return step >= s; });
    return rate * std::pow(factor, double(passed));
  };
}

Schedule cosine(double rate, std::uint32_t steps, double final_rate) {
  need_at_least_0("cosine: rate", rate);
  need_at_least_1("cosine: steps", steps);
  need_at_least_0("cosine: final_rate", final_rate);
  return [=](std::uint32_t step) {
    return half_cosine(rate, final_rate, std::min(1.0, double(step) / steps));
  };
}

Schedule cosine_restarts(double rate, Restarts restarts) {
  const auto [first, growth, final_rate] = restarts;
  need_at_least_0("cosine_restarts: rate", rate);
  need_at_least_1("cosine_restarts: first", first);
  need_at_least_1("cosine_restarts: growth", growth);
  need_at_least_0("cosine_restarts: final_rate", final_rate);
  return [=](std::uint32_t step) {
    std::uint64_t at = growth == 1 ? step % first : step, length = first;  // in the cycle; its own
    for (; at >= length; length *= growth) at -= length;
    return half_cosine(rate, final_rate, double(at) / double(length));
  };
}

Schedule with_warmup(Schedule schedule, std::uint32_t warmup) {
  return [=, schedule = std::move(schedule)](std::uint32_t step) {
    return schedule(step) * (step < warmup ? double(step + 1) / warmup : 1.0);
  };
}

Schedule then(Schedule first, std::uint32_t at, Schedule next) {
  return [=, first = std::move(first), next = std::move(next)](std::uint32_t step) {
    return step < at ? first(step) : next(step - at);
  };
}

Schedule every(Schedule schedule, std::uint32_t steps) {
  need_at_least_1("every: steps", steps);
  return [=, schedule = std::move(schedule)](std::uint32_t step) { return schedule(step / steps); };
}

Schedule product(Schedule a, Schedule b) {
  return [a = std::move(a), b = std::move(b)](std::uint32_t step) { return a(step) * b(step); };
}

}  // namespace eqp::train
