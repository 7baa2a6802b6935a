#include "flows/continuous.hpp"

#include <stdexcept>

#include "autodiff/checkpoint.hpp"
#include "autodiff/grad.hpp"

namespace eqp::flows {
namespace {

// A state (x, log_det), or how it moves.
struct State {
  ad::Var x, log_det;
};

State plus(const State& s, double h, const State& slope) {
  return {s.x + h * slope.x, s.log_det + h * slope.log_det};
}

}  // namespace

ad::Var Divergence::operator()(ad::Var f, ad::Var x) const {
  if (probes == 0) return ad::divergence(f, x);
  const std::size_t n = x.shape()[0], d = x.shape()[1];
  ad::Tensor signs({probes, 1, d});
  ad::Draws draws(key);
  for (std::size_t i = 0; i < signs.size(); ++i) signs[i] = draws.uniform() < 0.5 ? -1 : 1;
  return ad::hutchinson_divergence(
      f, x, broadcast_to(x.tape->constant(std::move(signs)), {probes, n, d}));
}

Continuous::Continuous(std::string name, std::size_t dim, Velocity velocity,
                       const ContinuousOptions& options)
    : Bijection(std::move(name), dim, options.context_dim),
      velocity_(std::move(velocity)),
      options_(options) {
  if (options_.steps > 0) return;
  throw std::invalid_argument("continuous flow \"" + this->name() + "\": 0 steps; need at least 1");
}

Mapped Continuous::push(ad::Var z, ad::Var context) const { return integrate(z, context, 0, 1); }
Mapped Continuous::pull(ad::Var x, ad::Var context) const { return integrate(x, context, 1, 0); }

Mapped Continuous::integrate(ad::Var x, ad::Var context, double from, double to) const {
  const std::size_t n = x.shape()[0];
  const double h = (to - from) / double(options_.steps);
  const auto slope = [&](const State& s, double t) -> State {
    const ad::Var f = velocity_(s.x, full(*s.x.tape, {n, 1}, t), context);
    if (f.shape() != x.shape()) {
      throw std::invalid_argument("continuous flow \"" + name() + "\": velocity " + str(f.shape()) +
                                  " at " + str(x.shape()) + "; need the same");
    }
    return {f, options_.divergence(f, s.x)};
  };
  const auto step = [&](const State& s, double t) {
    const State k1 = slope(s, t), k2 = slope(plus(s, h / 2, k1), t + h / 2);
    const State k3 = slope(plus(s, h / 2, k2), t + h / 2), k4 = slope(plus(s, h, k3), t + h);
    return plus(plus(plus(plus(s, h / 6, k1), h / 3, k2), h / 3, k3), h / 6, k4);
  };
  State s{x, full(*x.tape, {n}, 0)};
  for (std::size_t i = 0; i < options_.steps; ++i) {
    const double t = from + double(i) * h;
    if (options_.checkpoint) {
      const ad::Vars next = ad::checkpoint(
          [&](const ad::Vars& in) {
            const State after = step({in[0], in[1]}, t);
            return ad::Vars{after.x, after.log_det};
          },
          {s.x, s.log_det});
      s = {next[0], next[1]};
    } else {
      s = step(s, t);
    }
  }
  return {s.x, s.log_det};
}

}  // namespace eqp::flows
