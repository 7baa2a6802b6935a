#include "flows/continuous.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "flows/dopri5.hpp"
#include "nn/mlp.hpp"

using namespace eqp;
using flows::Continuous;
using flows::ContinuousOptions;
using flows::Direction;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;

// dx/dt = a x + b sin(2 pi t) in one dimension: x(1) = e^a (x(0) + b I) with
// I = int_0^1 e^{-a t} sin(2 pi t) dt = 2 pi (1 - e^{-a}) / (a^2 + 4 pi^2).
constexpr double kA = 0.7, kB = 1.3;

ad::Var linear(ad::Var x, ad::Var t, ad::Var) { return kA * x + kB * sin(2 * M_PI * t); }

double exact(double z) {
  return std::exp(kA) * (z + kB * 2 * M_PI * (1 - std::exp(-kA)) / (kA * kA + 4 * M_PI * M_PI));
}

// A field with a Jacobian that changes from place to place.
struct Network {
  ad::Params params;
  nn::Mlp net{params, "net", {3, 16, 2}, ad::tanh, {1, 0}};

  flows::Velocity velocity() const {
    return [this](ad::Var x, ad::Var t, ad::Var) { return 2.0 * net(concat(ad::Vars{x, t}, 1)); };
  }
  Continuous flow(const ContinuousOptions& options) const {
    return {"ode", 2, velocity(), options};
  }
};

ad::Vars both(const flows::Mapped& m) { return {m.y, m.log_det}; }

std::vector<ad::Tensor> forward(const Continuous& flow, const ad::Tensor& z) {
  return ad::evaluate([&](auto in) { return both(flow.forward(in[0])); }, {z});
}

double largest(const ad::Tensor& a, const ad::Tensor& b) {
  double d = 0;
  for (std::size_t i = 0; i < a.size(); ++i) d = std::max(d, std::abs(double(a[i] - b[i])));
  return d;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(continuous)

BOOST_AUTO_TEST_CASE(a_linear_equation_is_solved_to_fourth_order) {
  if (!kDouble) return;
  const ad::Tensor z = ad::normal({8, 1}, {1, 0});
  const auto error = [&](std::size_t steps) {
    const auto out = forward({"ode", 1, linear, {.steps = steps}}, z);
    double worst = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      worst = std::max(worst, std::abs(double(out[0][i]) - exact(double(z[i]))));
      BOOST_TEST(std::abs(double(out[1][i]) - kA) < 1e-12);
    }
    return worst;
  };
  const double coarse = error(10), fine = error(20);
  BOOST_TEST(fine < 1e-5);
  BOOST_TEST(coarse / fine == 16, boost::test_tools::tolerance(0.1));
}

BOOST_AUTO_TEST_CASE(the_integrated_divergence_is_the_log_det_of_what_was_integrated) {
  const Network network;
  const Continuous flow = network.flow({.steps = 40});
  const ad::Tensor z = ad::normal({16, 2}, {1, 0});
  const auto out = ad::evaluate(
      [&](auto in) {
        const auto y = flow.forward(in[0]);
        ad::Vars all = both(y);
        for (std::size_t j = 0; j < 2; ++j) {
          all.push_back(ad::grad(sum(slice(y.y, 1, j, j + 1), 1), in[0]));
        }
        all.push_back(flow.inverse(y.y).y);
        all.push_back(flow.inverse(y.y).log_det);
        return all;
      },
      {z});
  // The error of the method, of order (1 / 40)^4, beside rounding.
  const double tolerance = kDouble ? 2e-7 : 2e-5;
  for (std::size_t i = 0; i < 16; ++i) {
    const double det =
        double(out[2](i, 0)) * double(out[3](i, 1)) - double(out[2](i, 1)) * double(out[3](i, 0));
    BOOST_TEST(std::abs(double(out[1][i]) - std::log(std::abs(det))) < tolerance);
    BOOST_TEST(std::abs(double(out[1][i] + out[5][i])) < tolerance);
  }
  BOOST_TEST(largest(out[4], z) < tolerance);
  BOOST_TEST(largest(out[0], z) > 0.1);
}

BOOST_AUTO_TEST_CASE(hutchinson_s_log_det_is_right_in_the_mean_over_keys) {
  const Network network;
  const ad::Tensor z = ad::normal({4, 2}, {1, 0});
  const auto exact = forward(network.flow({.steps = 10}), z)[1];
  constexpr std::uint32_t kKeys = 200;
  std::vector<double> sum(4), squares(4);
  for (std::uint32_t k = 0; k < kKeys; ++k) {
    const auto estimate =
        forward(network.flow({.steps = 10, .divergence = {.probes = 1, .key = {5, k}}}), z)[1];
    for (std::size_t i = 0; i < 4; ++i) {
      sum[i] += double(estimate[i]);
      squares[i] += double(estimate[i]) * double(estimate[i]);
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const double mean = sum[i] / kKeys;
    const double error = std::sqrt((squares[i] / kKeys - mean * mean) / kKeys);
    BOOST_TEST(error > 0);
    BOOST_TEST(std::abs(mean - double(exact[i])) < 4 * error);
  }
}

BOOST_AUTO_TEST_CASE(checkpoints_change_no_value_and_no_gradient) {
  const Network network;
  const ad::Tensor z = ad::normal({4, 2}, {1, 0});
  const auto with = [&](bool checkpoint) {
    const Continuous flow = network.flow({.steps = 5, .checkpoint = checkpoint});
    return ad::evaluate(
        [&](auto in) {
          const auto y = flow.inverse(in[0]);
          const ad::Var loss = sum(square(y.y)) - sum(y.log_det);
          return ad::Vars{y.y, y.log_det, ad::grad(loss, network.params), ad::grad(loss, in[0])};
        },
        {z});
  };
  const auto a = with(false), b = with(true);
  for (std::size_t k = 0; k < a.size(); ++k) {
    BOOST_TEST(largest(a[k], b[k]) < (kDouble ? 1e-12 : 1e-4));
  }
}

BOOST_AUTO_TEST_CASE(adaptive_steps_solve_to_the_tolerance_asked_for) {
  const Continuous flow("ode", 1, linear);
  const ad::Tensor z = ad::normal({100, 1}, {1, 0});
  const auto there = flows::solve(flow, Direction::forward, z);
  const auto back = flows::solve(flow, Direction::inverse, there.x);
  for (std::size_t i = 0; i < 100; ++i) {
    BOOST_TEST(std::abs(double(there.x[i]) - exact(double(z[i]))) < 1e-4);
    BOOST_TEST(std::abs(there.log_det[i] - kA) < 1e-5);
    BOOST_TEST(std::abs(back.log_det[i] + kA) < 1e-5);
  }
  BOOST_TEST(largest(back.x, z) < 1e-4);
  if (!kDouble) return;
  const auto tight =
      flows::solve(flow, Direction::forward, z, {}, {.relative = 1e-10, .absolute = 1e-10});
  for (std::size_t i = 0; i < 100; ++i) {
    BOOST_TEST(std::abs(double(tight.x[i]) - exact(double(z[i]))) < 1e-8);
  }
  BOOST_TEST(tight.accepted > there.accepted);
}

BOOST_AUTO_TEST_CASE(adaptive_and_fixed_steps_agree_and_rows_do_not_depend_on_each_other) {
  const Network network;
  const Continuous flow = network.flow({.steps = 60});
  const ad::Tensor z = ad::normal({70, 2}, {1, 0});
  const auto fixed = forward(flow, z);
  const auto adaptive = flows::solve(flow, Direction::forward, z);
  BOOST_TEST(largest(adaptive.x, fixed[0]) < 1e-4);
  for (std::size_t i = 0; i < 70; ++i) {
    BOOST_TEST(std::abs(adaptive.log_det[i] - double(fixed[1][i])) < 1e-4);
  }
  ad::Tensor one({1, 2});
  one[0] = z(41, 0), one[1] = z(41, 1);
  const auto alone = flows::solve(flow, Direction::forward, one);
  // Another number of rows goes through other kernels of the products: equal but for rounding.
  BOOST_TEST(std::abs(double(alone.x[0] - adaptive.x(41, 0))) < (kDouble ? 1e-12 : 1e-5));
  BOOST_TEST(std::abs(alone.log_det[0] - adaptive.log_det[41]) < (kDouble ? 1e-12 : 1e-5));
}

BOOST_AUTO_TEST_CASE(an_equation_that_blows_up_is_reported_with_its_row) {
  // dx/dt = x^2 from x(0) = 2 leaves every bound at t = 1 / 2.
  const Continuous flow("ode", 1, [](ad::Var x, ad::Var, ad::Var) { return square(x); });
  ad::Tensor z({2, 1});
  z[0] = Real(0.1), z[1] = 2;
  BOOST_CHECK_EXCEPTION(flows::solve(flow, Direction::forward, z), std::runtime_error,
                        [](const std::runtime_error& e) {
                          return std::string(e.what()).find("row 1 at time 0.5") !=
                                 std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(a_context_reaches_the_velocity) {
  const flows::Velocity velocity = [](ad::Var x, ad::Var, ad::Var context) {
    return x * 0.0 + context;
  };
  const Continuous flow("ode", 2, velocity, {.steps = 2, .context_dim = 2});
  const ad::Tensor z = ad::normal({3, 2}, {1, 0}), c = ad::normal({3, 2}, {2, 0});
  const auto y = ad::evaluate([&](auto in) { return both(flow.forward(in[0], in[1])); }, {z, c})[0];
  const auto adaptive = flows::solve(flow, Direction::forward, z, c);
  for (std::size_t i = 0; i < 6; ++i) {
    BOOST_TEST(std::abs(double(y[i] - z[i] - c[i])) < 1e-6);
    BOOST_TEST(std::abs(double(adaptive.x[i] - z[i] - c[i])) < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(bad_arguments_are_refused) {
  BOOST_CHECK_THROW(Continuous("ode", 1, linear, {.steps = 0}), std::invalid_argument);
  const Continuous wrong("ode", 2, [](ad::Var x, ad::Var, ad::Var) { return sum(x, 1); });
  ad::Tape tape;
  BOOST_CHECK_THROW(wrong.forward(tape.input({3, 2})), std::invalid_argument);
  BOOST_CHECK_THROW(flows::solve({"ode", 2, linear}, Direction::forward, ad::Tensor({3, 1})),
                    std::invalid_argument);
  for (const flows::AdaptiveOptions& bad :
       {flows::AdaptiveOptions{.absolute = 0}, flows::AdaptiveOptions{.first_step = 0}}) {
    BOOST_CHECK_THROW(
        flows::solve({"ode", 1, linear}, Direction::forward, ad::Tensor({3, 1}), {}, bad),
        std::invalid_argument);
  }
}

BOOST_AUTO_TEST_SUITE_END()
