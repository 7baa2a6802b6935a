#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "train/optimiser.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

using Vector = std::vector<double>;

constexpr double kTolerance = sizeof(Real) == 4 ? 1e-5 : 1e-12;  // of 25 or 30 rounded steps

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

struct Rule {
  const char* name;
  std::unique_ptr<Optimiser> (*make)();
};
constexpr Rule kRules[] = {{"sgd", [] { return sgd({.momentum = 0.9}); }},
                           {"nesterov", [] { return sgd({.momentum = 0.9, .nesterov = true}); }},
                           {"adam", [] { return adam(); }},
                           {"adamax", [] { return adamax(); }},
                           {"lion", [] { return lion(); }}};

void check_close(const Vector& found, const Vector& expected) {
  BOOST_TEST(found == expected, boost::test_tools::tolerance(kTolerance)
                                    << boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_CASE(many_parameters_move_as_each_would_alone) {
  constexpr std::size_t n = 40000;  // several tasks, the last one shorter
  const auto slope = [](std::size_t i, int t) { return Real(std::sin(0.1 * double(i) + t)); };
  for (const Rule& rule : kRules) {
    std::vector<Real> many(n), g(n);
    const auto together = rule.make();
    for (std::size_t i = 0; i < n; ++i) many[i] = Real(1 + i % 7);
    for (int t = 0; t < 3; ++t) {
      for (std::size_t i = 0; i < n; ++i) g[i] = slope(i, t);
      together->step(many, g, 0.01);
    }
    for (const std::size_t i : {0ul, 1ul, 16383ul, 16384ul, 32768ul, n - 1}) {
      std::vector<Real> one{Real(1 + i % 7)};
      const auto alone = rule.make();
      for (int t = 0; t < 3; ++t) alone->step(one, std::vector<Real>{slope(i, t)}, 0.01);
      BOOST_TEST(std::abs(many[i] - one[0]) < (sizeof(Real) == 4 ? 1e-6 : 1e-14),
                 rule.name << ", parameter " << i);
    }
  }
}

BOOST_AUTO_TEST_CASE(adam_follows_the_published_recursion) {
  for (const AdamOptions o : {AdamOptions{}, AdamOptions{.beta1 = 0, .beta2 = 0.9},
                              AdamOptions{.beta1 = 0.8, .epsilon = 0.1, .weight_decay = 0.3}}) {
    check_close(after(adam(o), 25, 0.02), adam_by_the_paper(o, 25, 0.02));
  }
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

BOOST_AUTO_TEST_CASE(a_gradient_that_stays_0_moves_nothing) {
  for (const Rule& rule : kRules) {
    BOOST_TEST_CONTEXT(rule.name) {
      const auto optimiser = rule.make();
      std::vector<Real> p{1, -2, Real(0.5)};
      for (int t = 0; t < 3; ++t) optimiser->step(p, std::vector<Real>(3), 0.1);
      check_close({p.begin(), p.end()}, {1, -2, 0.5});
    }
  }
}

BOOST_AUTO_TEST_CASE(decay_alone_shrinks_parameters_by_its_share_of_the_rate) {
  const auto shrunk = [](std::unique_ptr<Optimiser> optimiser) {
    std::vector<Real> p{8};
    for (int t = 0; t < 3; ++t) optimiser->step(p, std::vector<Real>{0}, 0.5);
    return double(p[0]);
  };
  BOOST_TEST(shrunk(adam({.weight_decay = 0.5})) == 8 * 0.75 * 0.75 * 0.75);
  BOOST_TEST(shrunk(adamw({.weight_decay = 0.5})) == 8 * 0.75 * 0.75 * 0.75);
  BOOST_TEST(shrunk(lion({.weight_decay = 0.5})) == 8 * 0.75 * 0.75 * 0.75);
}

// Whatever the betas are in single precision: m and v hold 1 - beta of the first gradient, which
// has to go.
BOOST_AUTO_TEST_CASE(the_first_step_of_adam_has_the_length_of_the_rate) {
  for (const auto make : {+[] { return adam(); }, +[] { return adam({.beta1 = 0.999}); },
                          +[] { return adamax(); }, +[] { return adamax({.beta1 = 0.999}); }}) {
    std::vector<Real> p{0, 0};
    make()->step(p, std::vector<Real>{3, Real(-0.25)}, 0.1);
    const double rounding = 4 * std::numeric_limits<Real>::epsilon() + 1e-7;  // and epsilon / |g|
    BOOST_TEST(std::abs(p[0] + 0.1) < 0.1 * rounding);
    BOOST_TEST(std::abs(p[1] - 0.1) < 0.1 * rounding);
  }
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  const auto refused = [](auto make, const std::string& message) {
    BOOST_CHECK_EXCEPTION(make(), std::invalid_argument,
                          [&](const auto& e) { return e.what() == message; });
  };
  const std::string share = "; need at least 0 and less than 1";
  const std::string size = "; need a finite number of at least 0";
  const std::string above = "; need a finite number above 0";
  refused([] { return adam({.epsilon = 0}); }, "adam: epsilon 0" + above);
  refused([] { return sgd({.momentum = 1}); }, "sgd: momentum 1" + share);
  refused([] { return adam({.beta1 = -0.5}); }, "adam: beta1 -0.5" + share);
  refused([] { return adam({.beta2 = std::nan("")}); }, "adam: beta2 nan" + share);
  refused([] { return adam({.epsilon = -1e-8}); }, "adam: epsilon -1e-08" + above);
  refused([] { return adamw({.beta1 = 1.5}); }, "adamw: beta1 1.5" + share);
  refused([] { return adamw({.weight_decay = -1}); }, "adamw: weight_decay -1" + size);
  refused([] { return adamax({.beta1 = 1}); }, "adamax: beta1 1" + share);
  refused([] { return adamax({.beta2 = 1}); }, "adamax: beta2 1" + share);
  refused([] { return adamax({.epsilon = INFINITY}); }, "adamax: epsilon inf" + above);
  refused([] { return lion({.beta1 = 1}); }, "lion: beta1 1" + share);
  refused([] { return lion({.beta2 = 2}); }, "lion: beta2 2" + share);
  refused([] { return lion({.weight_decay = -1}); }, "lion: weight_decay -1" + size);
}
