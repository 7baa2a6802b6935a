#include <boost/test/unit_test.hpp>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/plan.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

// What derivatives cost, in floating-point operations of their products.
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

Var weight(Var like, const Shape& shape, std::uint32_t stream) {
  return like.tape->constant(normal(shape, {81, stream}));
}

double flops(const Program& program) {
  double total = 0;
  const Plan& plan = program.plan();
  for (const Step& step : plan.steps) {
    if (!step.op->flops) continue;
    std::vector<ConstView> in;
    for (std::uint32_t id : step.in) in.push_back({nullptr, plan.slots[id].shape});
    total += step.op->flops(in, step.attr);
  }
  return total;
}

}  // namespace

BOOST_AUTO_TEST_CASE(costs_are_what_the_theory_promises) {
  constexpr std::size_t n = 64, d = 32, width = 128;
  const auto u = [](Var x) {
    const Var h = silu(affine(x, weight(x, {d, width}, 0), weight(x, {width}, 1)));
    const Var k = silu(affine(h, weight(x, {width, width}, 2), weight(x, {width}, 3)));
    return sum(matmul(k, weight(x, {width, 1}, 4)), 1);
  };
  const auto cost = [&](const Function& f) {
    return flops(compile({{n, d}, {n, d}}, f, {.fold = false, .hoist = false}));
  };
  const double value = cost([&](Args in) { return Vars{u(in[0])}; });
  const double gradient = cost([&](Args in) { return Vars{grad(u(in[0]), in[0])}; });
  const double forward = cost([&](Args in) {
    const Var y = u(in[0]);
    return Vars{y, jvp(y, in[0], in[1])};
  });
  const double hessian = cost([&](Args in) { return Vars{hvp(u(in[0]), in[0], in[1])}; });
  const double trace = cost([&](Args in) { return Vars{laplacian(u(in[0]), in[0])}; });
  BOOST_TEST(gradient <= 2 * value);
  BOOST_TEST(forward <= 1.5 * gradient);
  BOOST_TEST(hessian <= 3 * gradient);
  // Tangents of d directions through all layers but the first, whose tangents are its rows; the
  // second derivatives are one more.
  BOOST_TEST(trace <= double(d + 2) * value);
}
