#pragma once

#include <cstdint>
#include <functional>
#include <vector>

// Learning rates: a few curves, and four ways to make one schedule of others. With them PyTorch's
// schedulers of a base rate r, counted in steps, are
//   LinearLR(a, b, n)                        linear(a r, n, b r)
//   ExponentialLR(f)                         exponential(r, f)
//   StepLR(n, f)                             every(exponential(r, f), n)
//   MultiStepLR(at, f)                       step_decay(r, at, f)
//   CosineAnnealingLR(n, low)                cosine(r, n, low)
//   CosineAnnealingWarmRestarts(n, k, low)   cosine_restarts(r, {n, k, low})
//   OneCycleLR(r, n)                         then(cosine(r / 25, m, r), m, cosine(r, n - m - 1,
//                                            r / 25e4)) with m = 0.3 n - 1
//   SequentialLR({a, b}, {m})                then(a, m, b)
//   ChainedScheduler({a, b})                 product(a, b), one of them with base rate 1
// and schedules per epoch every(schedule, steps_per_epoch). Throws std::invalid_argument for rates
// and factors that are negative or not finite, and for lengths of 0 steps.
namespace eqp::train {

/// The learning rate of step 0, 1, 2, ...
using Schedule = std::function<double(std::uint32_t step)>;

Schedule constant(double rate);

/// A straight line from `rate` at step 0 to `final_rate` at step `steps`, constant afterwards.
Schedule linear(double rate, std::uint32_t steps, double final_rate = 0);

/// Multiplied by `factor` at every step.
Schedule exponential(double rate, double factor);

/// Multiplied by `factor` at each of the given steps.
Schedule step_decay(double rate, std::vector<std::uint32_t> at, double factor);

/// Half a cosine from `rate` at step 0 to `final_rate` at step `steps`, constant afterwards
/// (Loshchilov & Hutter 2017, one cycle).
Schedule cosine(double rate, std::uint32_t steps, double final_rate = 0);

struct Restarts {
  std::uint32_t first;       // steps of the first cycle
  std::uint32_t growth = 1;  // of the length, from one cycle to the next
  double final_rate = 0;
};
/// Half a cosine again and again, each from `rate` (Loshchilov & Hutter 2017, equation 5).
Schedule cosine_restarts(double rate, Restarts restarts);

/// Grows linearly to the schedule's own rate over the first `warmup` steps.
Schedule with_warmup(Schedule schedule, std::uint32_t warmup);

/// `first` up to step `at`, from where on `next` counts its steps.
Schedule then(Schedule first, std::uint32_t at, Schedule next);

/// Moves on by one every `steps` steps.
Schedule every(Schedule schedule, std::uint32_t steps);

/// The one schedule as a factor of the other.
Schedule product(Schedule a, Schedule b);

}  // namespace eqp::train
