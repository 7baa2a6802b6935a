#include "mcmc/barker.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/mala.hpp"
#include "tests/mcmc/laws.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// U = s_0 x_0 + s_1 x_1 + ...
Energy linear(std::vector<double> slopes) {
  return [=](ad::Var x) {
    ad::Vars terms;
    for (std::size_t j = 0; j < slopes.size(); ++j) {
      terms.push_back(slopes[j] * slice(x, 1, j, j + 1));
    }
    return sum(ad::concat(terms, 1), 1);
  };
}

/// U(x) and its gradient, in the plane.
std::pair<double, std::array<double, 2>> at(const Energy& energy, std::span<const Real> x) {
  ad::Tensor point({1, 2});
  std::ranges::copy(x, point.flat().begin());
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        const ad::Var u = energy(in[0]);
        return {u, ad::grad(u, in[0])};
      },
      {point});
  return {out[0][0], {out[1][0], out[1][1]}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(barker)

BOOST_AUTO_TEST_CASE(moves_are_accepted_as_computed) {
  // log q(x, y) = sum_j log 2 N(m_j; 0, h^2) - log (1 + exp(m_j d_j U(x))), m = y - x.
  const Energy energy = test::asymmetric_mixture().energy();
  const Barker kernel(energy, 2, {.step_size = 1.3});
  const ad::Tensor x0 = ad::normal({40, 2}, {.seed = 1});
  std::size_t rejected = 0;
  for (std::uint32_t i = 0; i < 40; ++i) {
    auto s = kernel.init(x0.view().slice(i, 1));
    kernel.step(s, {{.seed = 2}, 0, i});
    const auto [from, slope_from] = at(energy, x0.row(i));
    const auto [to, slope_to] = at(energy, s.proposal.row(0));
    double log_a = from - to;
    for (std::size_t j = 0; j < 2; ++j) {
      const double move = double(s.proposal[j]) - double(x0(i, j));
      log_a += std::log(1 + std::exp(move * slope_from[j])) -
               std::log(1 + std::exp(-move * slope_to[j]));
    }
    BOOST_TEST(s.counts.accepted == std::min(1.0, std::exp(log_a)),
               boost::test_tools::tolerance(sizeof(Real) == 4 ? 1e-4 : 1e-11));
    rejected += log_a < -0.1;
  }
  BOOST_TEST(rejected > 10u);
}

BOOST_AUTO_TEST_CASE(the_sign_of_a_move_follows_the_gradient) {
  // Of a proposal the slope s says only the sign: E y = x - E |z| tanh(s |z| / 2), which for a
  // slope of 0 is 0 and for a steep one E |z| = h sqrt(2 / pi); the law of |y - x| is that of |z|.
  const std::size_t n = 40000;
  const double h = 0.7;
  const Barker kernel(linear({0, 1e6, -1.5}), 3, {.step_size = h});
  auto s = kernel.init(ad::Tensor({n, 3}));
  kernel.step(s, {{.seed = 3}});
  std::array<double, 3> mean{}, squares{};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      mean[j] += double(s.proposal(i, j)) / double(n);
      squares[j] += double(s.proposal(i, j)) * double(s.proposal(i, j)) / double(n);
    }
  }
  double expected = 0;  // E |z| tanh(1.5 |z| / 2), by the midpoint rule
  for (double z = 0.0005; z < 8 * h; z += 0.001) {
    expected += 0.001 * z * std::tanh(0.75 * z) * std::sqrt(2 / std::numbers::pi) / h *
                std::exp(-z * z / (2 * h * h));
  }
  const double error = h / std::sqrt(double(n));
  BOOST_TEST(std::abs(mean[0]) < 4 * error);
  BOOST_TEST(std::abs(mean[1] + h * std::sqrt(2 / std::numbers::pi)) < 4 * error);
  BOOST_TEST(std::abs(mean[2] - expected) < 4 * error);
  for (const double v : squares) BOOST_TEST(std::abs(v / (h * h) - 1) < 4 * std::sqrt(2.0 / n));
}

BOOST_AUTO_TEST_CASE(a_flat_energy_accepts_everything) {
  const auto result =
      run(Barker(linear({0, 0}), 2, {.step_size = 2}), ad::Tensor({20, 2}), {.steps = 10});
  BOOST_TEST(result.counts.rate() == 1.0);
}

BOOST_AUTO_TEST_CASE(a_scale_that_a_step_size_misses_costs_less_than_langevin) {
  // Livingstone & Zanella 2022, theorem 3.3: where one coordinate is narrower than the step size by
  // a factor l, the acceptance falls like 1/l, that of Mala exponentially.
  const Energy narrow = [](ad::Var x) {
    return 0.5 * (sum(square(slice(x, 1, 0, 1)), 1) + 400 * sum(square(slice(x, 1, 1, 2)), 1));
  };
  ad::Tensor x0 = ad::normal({500, 2}, {.seed = 4});
  for (std::size_t i = 0; i < 500; ++i) x0(i, 1) /= 20;
  const auto rate = [&](const auto& kernel) {
    return run(kernel, x0, {.steps = 20}).counts.rate();
  };
  BOOST_TEST(rate(Barker(narrow, 2, {.step_size = 1})) > 0.04);
  BOOST_TEST(rate(Mala(narrow, 2, {.step_size = 0.5})) < 0.005);  // moves of the same length
}

BOOST_AUTO_TEST_CASE(a_step_size_that_makes_no_sense_is_refused) {
  for (const double bad : {0.0, -1.0, std::nan("")}) {
    BOOST_CHECK_THROW(Barker(linear({1, 1}), 2, {.step_size = bad}), std::invalid_argument);
  }
}

BOOST_AUTO_TEST_SUITE_END()
