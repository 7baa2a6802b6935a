#include <boost/test/unit_test.hpp>
#include <cmath>

#include "train/optimiser.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

using Vector = std::vector<double>;

// f32 keeps the betas in single precision, whose 1 - 0.999 is off by 5e-5 of itself.
constexpr double kTolerance = sizeof(Real) == 4 ? 1e-4 : 1e-12;

// The gradient of sum_i c_i p_i^2 / 2 + p_0 p_1, c = (1, 3, -1/4).
Vector gradient(const Vector& p) { return {p[0] + p[1], 3 * p[1] + p[0], -0.25 * p[2]}; }

Vector after(std::unique_ptr<Optimiser> optimiser, int steps, double rate) {
  std::vector<Real> p{1, -2, 0.5};
  for (int t = 0; t < steps; ++t) {
    const Vector g = gradient({p.begin(), p.end()});
    optimiser->step(p, std::vector<Real>(g.begin(), g.end()), rate);
  }
  return {p.begin(), p.end()};
}

// Kingma & Ba 2015, algorithm 1, with the decoupled decay of Loshchilov & Hutter 2019, algorithm 2.
Vector adam_by_the_paper(AdamOptions o, int steps, double rate) {
  Vector p{1, -2, 0.5}, m(3), v(3);
  for (int t = 1; t <= steps; ++t) {
    const Vector g = gradient(p);
    for (std::size_t i = 0; i < 3; ++i) {
      m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
      v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(o.beta1, t));
      const double v_hat = v[i] / (1 - std::pow(o.beta2, t));
      p[i] -= rate * (m_hat / (std::sqrt(v_hat) + o.epsilon) + o.weight_decay * p[i]);
    }
  }
  return p;
}

void check_close(const Vector& found, const Vector& expected) {
  BOOST_TEST(found == expected, boost::test_tools::tolerance(kTolerance)
                                    << boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_CASE(many_parameters_move_as_each_would_alone) {
  constexpr std::size_t n = 40000;  // several tasks, the last one shorter
  std::vector<Real> many(n), g(n);
  const auto many_adam = adam({.weight_decay = 0.1});
  const auto slope = [](std::size_t i, int t) { return Real(std::sin(0.1 * double(i) + t)); };
  for (std::size_t i = 0; i < n; ++i) many[i] = Real(1 + i % 7);
  for (int t = 0; t < 3; ++t) {
    for (std::size_t i = 0; i < n; ++i) g[i] = slope(i, t);
    many_adam->step(many, g, 0.01);
  }
  for (const std::size_t i : {0ul, 1ul, 16383ul, 16384ul, 32768ul, n - 1}) {
    std::vector<Real> one{Real(1 + i % 7)};
    const auto one_adam = adam({.weight_decay = 0.1});
    for (int t = 0; t < 3; ++t) one_adam->step(one, std::vector<Real>{slope(i, t)}, 0.01);
    BOOST_TEST(std::abs(many[i] - one[0]) < (sizeof(Real) == 4 ? 1e-6 : 1e-14));
  }
}

BOOST_AUTO_TEST_CASE(adam_follows_the_published_recursion) {
  for (const AdamOptions o : {AdamOptions{}, AdamOptions{.beta1 = 0, .beta2 = 0.9},
                              AdamOptions{.beta1 = 0.8, .epsilon = 0.1, .weight_decay = 0.3}}) {
    check_close(after(adam(o), 25, 0.02), adam_by_the_paper(o, 25, 0.02));
  }
}

// torch 2.13 in float64, p = (1, -2, 0.5), loss (1, 3, -0.25) . p^2 / 2 + p_0 p_1, four steps of
// each; the constructor's arguments stand beside the numbers.
BOOST_AUTO_TEST_CASE(optimisers_agree_with_pytorch) {
  // Adam([p], lr=0.1)
  check_close(after(adam(), 4, 0.1), {1.38697932253282, -1.60282680470203, 0.900818597992986});
  // Adam([p], lr=0.1, betas=(0.5, 0.9), eps=0.01)
  check_close(after(adam({.beta1 = 0.5, .beta2 = 0.9, .epsilon = 0.01}), 4, 0.1),
              {1.35977299233583, -1.61151454421586, 0.887707734762029});
  // AdamW([p], lr=0.1, weight_decay=0.2)
  check_close(after(adam({.weight_decay = 0.2}), 4, 0.1),
              {1.29537281512238, -1.46038289275213, 0.850309418248829});
  // SGD([p], lr=0.1, momentum=0.9)
  check_close(after(sgd({.momentum = 0.9}), 4, 0.1), {1.2149, 0.6551, 0.6174869140625});
}

BOOST_AUTO_TEST_CASE(plain_descent_subtracts_the_scaled_gradient) {
  check_close(after(sgd(), 1, 0.25), {1.25, -0.75, 0.53125});
}

BOOST_AUTO_TEST_CASE(momentum_follows_the_heavy_ball) {
  Vector p{1, -2, 0.5}, v(3);
  for (int t = 0; t < 30; ++t) {
    const Vector g = gradient(p);
    for (std::size_t i = 0; i < 3; ++i) p[i] -= 0.05 * (v[i] = 0.7 * v[i] + g[i]);
  }
  check_close(after(sgd({.momentum = 0.7}), 30, 0.05), p);
}

BOOST_AUTO_TEST_CASE(clipping_shortens_long_gradients_only) {
  std::vector<Real> g{3, -4, 12};
  BOOST_TEST(clip_norm(g, 0) == 13);
  BOOST_TEST(clip_norm(g, 14) == 13);
  check_close({g.begin(), g.end()}, {3, -4, 12});
  BOOST_TEST(clip_norm(g, 2) == 13);
  check_close({g.begin(), g.end()}, {6. / 13, -8. / 13, 24. / 13});
}

BOOST_AUTO_TEST_CASE(the_moving_average_is_the_weighted_sum_of_the_past) {
  ad::Params params;
  params.add("p", {2}, [](std::span<Real> v) { v[0] = 1, v[1] = -2; });
  Ema ema(params, 0.8);
  const std::vector<Vector> path{{2, 0}, {-1, 5}, {4, 3}};
  Vector expected{1 * std::pow(0.8, 3), -2 * std::pow(0.8, 3)};
  for (std::size_t t = 0; t < 3; ++t) {
    std::ranges::copy(path[t], params.mutate().begin());
    ema.update(params);
    for (std::size_t i = 0; i < 2; ++i) {
      expected[i] += 0.2 * std::pow(0.8, 2 - double(t)) * path[t][i];
    }
  }
  const std::uint64_t version = params.version();
  ema.swap(params);
  check_close({params.values().begin(), params.values().end()}, expected);
  BOOST_TEST(params.version() > version);  // programs must notice
  ema.swap(params);
  check_close({params.values().begin(), params.values().end()}, {4, 3});
  for (const double decay : {-0.1, 1.0, std::nan("")}) {
    BOOST_CHECK_THROW(Ema(params, decay), std::invalid_argument);
  }
}
