#include "train/data/logit.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "autodiff/grad.hpp"
#include "autodiff/parallel.hpp"
#include "flows/base.hpp"
#include "tests/message.hpp"
#include "train/data/dequantise.hpp"

namespace eqp::train {
namespace {

using test::refusal;

constexpr double kEpsilon = std::numeric_limits<Real>::epsilon();

double exact(double x, double alpha) {
  const double slope = 1 - 2 * alpha;
  return std::log(alpha + slope * x) - std::log(alpha + slope * (1 - x));
}

/// (n, d) on (0, 1), with both ends in the first row.
ad::Tensor points(std::size_t n, std::size_t d) {
  ad::Tensor x = ad::uniform({n, d}, {6, 1});
  x(0, 0) = 0;
  x(0, 1) = 1;
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_logit)

BOOST_AUTO_TEST_CASE(values_are_those_of_the_formula_and_finite_at_both_ends) {
  for (const double alpha : {1e-6, 0.05}) {
    const ad::Tensor x = points(70, 5);
    ad::Tensor y = x;
    Logit(5, alpha).apply(y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      // The logarithms are at most 14, and their arguments are rounded.
      BOOST_TEST(std::abs(double(y[i]) - exact(x[i], alpha)) < 32 * kEpsilon);
    }
    BOOST_TEST(std::abs(double(y[0]) + double(y[1])) < 32 * kEpsilon);
    BOOST_TEST(std::abs(double(y[1]) - std::log((1 - alpha) / alpha)) < 32 * kEpsilon);
  }
}

BOOST_AUTO_TEST_CASE(log_det_is_that_of_finite_differences) {
  constexpr std::size_t n = 40, d = 3;
  const double alpha = 0.02, h = sizeof(Real) == 4 ? 4e-3 : 1e-5;
  ad::Tensor x = ad::uniform({n, d}, {6, 2});
  for (Real& v : x.flat()) v = Real(0.1) + Real(0.8) * v;
  ad::Tensor up = x, down = x, y = x;
  for (Real& v : up.flat()) v += Real(h);
  for (Real& v : down.flat()) v -= Real(h);
  std::vector<double> width(x.size());  // what rounding leaves of 2 h
  for (std::size_t i = 0; i < x.size(); ++i) width[i] = double(up[i]) - double(down[i]);
  const Logit logit(d, alpha);
  logit.apply(up);
  logit.apply(down);
  const std::vector<double> log_det = logit.apply(y);
  for (std::size_t i = 0; i < n; ++i) {
    double expected = 0;
    for (std::size_t j = 0; j < d; ++j) {
      expected += std::log((double(up(i, j)) - double(down(i, j))) / width[i * d + j]);
    }
    // h^2 / 6 of the third derivative over the first, at most 2 / 0.1^2, and the values' rounding
    // over h.
    const double tolerance = d * (h * h / 6 * 200 + 4 * kEpsilon / h);
    BOOST_TEST(std::abs(log_det[i] - expected) < tolerance);
  }
}

BOOST_AUTO_TEST_CASE(invert_undoes_apply) {
  const ad::Tensor x = points(300, 7);  // several blocks, the last one shorter
  ad::Tensor y = x;
  const Logit logit(7);
  logit.apply(y);
  logit.invert(y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    // y up to 14 is rounded by 8 epsilon, and dx/dy is at most 1/4.
    BOOST_TEST(std::abs(double(y[i]) - double(x[i])) < 4 * kEpsilon);
  }
}

BOOST_AUTO_TEST_CASE(rows_come_out_the_same_on_any_number_of_threads) {
  const ad::Tensor x = points(333, 20);
  ad::Tensor one = x, four = x;
  const Logit logit(20);
  const auto log_det = ad::with_threads(1, [&] { return logit.apply(one); });
  const auto again = ad::with_threads(4, [&] { return logit.apply(four); });
  BOOST_TEST(std::ranges::equal(one.flat(), four.flat()));
  BOOST_TEST(log_det == again, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(as_a_layer_it_maps_both_ways_with_the_recorded_jacobian) {
  constexpr std::size_t n = 30, d = 3;
  const Logit logit(d, 0.01);
  ad::Tensor x = ad::uniform({n, d}, {6, 3}), y = x;
  const std::vector<double> log_det = logit.apply(y);
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        const flows::Mapped to = logit.inverse(in[0]), back = logit.forward(to.y);
        // The map is one of each coordinate: the Jacobian is diagonal.
        const ad::Var slopes = ad::grad(sum(to.y), in[0]);
        return {to.y, to.log_det, sum(log(slopes), 1), back.y, back.log_det};
      },
      {x});
  for (std::size_t i = 0; i < n; ++i) {
    BOOST_TEST(std::abs(double(out[1][i]) - log_det[i]) < 32 * kEpsilon);
    // Sums of 3 terms up to 5.
    BOOST_TEST(std::abs(double(out[1][i]) - double(out[2][i])) < 32 * kEpsilon);
    // The same through y, which is rounded up to 5 epsilon in each of the 3 coordinates.
    BOOST_TEST(std::abs(double(out[1][i]) + double(out[4][i])) < 64 * kEpsilon);
    for (std::size_t j = 0; j < d; ++j) {
      BOOST_TEST(std::abs(double(out[0](i, j)) - double(y(i, j))) < 32 * kEpsilon);
      BOOST_TEST(std::abs(double(out[3](i, j)) - double(x(i, j))) < 4 * kEpsilon);
    }
  }
}

// Of N(0.5, 1.5^2) all but 1e-17 is within logit(1e-6) of 0.
BOOST_AUTO_TEST_CASE(a_density_of_logits_is_one_of_the_data) {
  using Layers = std::vector<std::shared_ptr<const flows::Bijection>>;
  const auto base =
      std::make_shared<flows::DiagonalGaussian>(std::vector<double>{1.5}, std::vector<double>{0.5});
  const flows::Flow flow(base, Layers{std::make_shared<Logit>(1)});
  constexpr std::size_t points = 20000;
  ad::Tensor x({points, 1});
  for (std::size_t i = 0; i < points; ++i) x[i] = Real((double(i) + 0.5) / points);
  const ad::Tensor log_prob = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars { return {flow.log_prob(in[0])}; }, {x})[0];
  double mass = 0, mean = 0;
  for (std::size_t i = 0; i < points; ++i) {
    const double p = std::exp(double(log_prob[i])) / points;
    mass += p;
    mean += p * exact(x[i], 1e-6);
  }
  BOOST_TEST(std::abs(mass - 1) < 1e-5);  // midpoint rule and, in single precision, rounding
  BOOST_TEST(std::abs(mean - 0.5) < 1e-4);
}

// Papamakarios et al. 2017 give bits per pixel from the density of logits y:
// -log p(y) / (D log 2) - log2(1 - 2 alpha) + 8 + mean(log2 sigmoid(y) + log2(1 - sigmoid(y))).
BOOST_AUTO_TEST_CASE(bits_per_dim_are_those_of_the_published_formula) {
  constexpr std::size_t d = 6;
  const double alpha = 1e-6, log_p = -17.25;
  ad::Tensor y = points(4, d);
  const std::vector<double> log_det = Logit(d, alpha).apply(y);
  for (std::size_t i = 0; i < 4; ++i) {
    double published = -log_p / (d * std::numbers::ln2) - std::log2(1 - 2 * alpha) + 8;
    for (const Real v : y.row(i)) {
      const double s = 1 / (1 + std::exp(-double(v))), rest = 1 / (1 + std::exp(double(v)));
      published += (std::log2(s) + std::log2(rest)) / d;
    }
    BOOST_TEST(std::abs(bits_per_dim(log_p + log_det[i], d, 256) - published) < 64 * kEpsilon);
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  ad::Tensor x = points(4, 3);
  x(2, 1) = 17;
  BOOST_TEST(refusal([&] { Logit(3).apply(x); }) ==
             "logit: row 2, column 1 (from 0) is 17.000000, expected 0 to 1");
  x(2, 1) = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(refusal([&] { Logit(3).apply(x); }).starts_with("logit: row 2, column 1"));
  BOOST_TEST(refusal([&] { Logit(2).apply(x); }) == "logit: 3 columns for a map of 2");
  BOOST_TEST(refusal([&] { Logit(2).invert(x); }) == "logit: 3 columns for a map of 2");
  ad::Tape tape;
  BOOST_CHECK_THROW(Logit(2).inverse(tape.input({4, 3})), std::invalid_argument);
  BOOST_CHECK_THROW(Logit(2).forward(tape.input({4, 3})), std::invalid_argument);
  for (const double alpha : {0.0, 0.5, -1.0, std::nan("")}) {
    BOOST_CHECK_THROW(Logit(2, alpha), std::invalid_argument);
  }
  BOOST_CHECK_THROW(Logit(0), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
