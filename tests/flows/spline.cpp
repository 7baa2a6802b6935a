#include "flows/spline.hpp"

#include <cmath>
#include <numeric>

#include "autodiff/grad.hpp"
#include "tests/flows/splines.hpp"

using namespace eqp;
using namespace eqp::flows::test;
using flows::Monotone;
using flows::SplineOptions;
using flows::Tails;

namespace {

// Durkan et al. 2019, section 3.1, word for word, in double.
struct Naive {
  std::vector<double> x, y, slope;  // of the knots

  Naive(const SplineOptions& o, const std::vector<double>& raw) {
    const auto knots = [&](std::size_t first, double least) {
      std::vector<double> e(o.bins), at{-o.bound};
      for (std::size_t k = 0; k < o.bins; ++k) e[k] = std::exp(raw[first + k]);
      const double total = std::accumulate(e.begin(), e.end(), 0.0);
      for (const double v : e) {
        const double share = least + (1 - double(o.bins) * least) * v / total;
        at.push_back(at.back() + 2 * o.bound * share);
      }
      return at;
    };
    x = knots(0, o.min_width);
    y = knots(o.bins, o.min_height);
    const double shift = std::log(std::exp(1 - o.min_slope) - 1);
    const auto positive = [&](std::size_t i) {
      return o.min_slope + std::log(1 + std::exp(raw[2 * o.bins + i] + shift));
    };
    for (std::size_t k = 0; k <= o.bins; ++k) {
      if (o.tails == Tails::circular) {
        slope.push_back(positive(k % o.bins));
      } else {
        slope.push_back(k == 0 || k == o.bins ? 1 : positive(k - 1));
      }
    }
  }

  struct Value {
    double y, log_slope;
  };
  Value operator()(double v) const {
    if (v < x.front() || v > x.back()) return {v, 0};
    std::size_t k = 0;
    while (k + 2 < x.size() && v >= x[k + 1]) ++k;
    const double w = x[k + 1] - x[k], h = y[k + 1] - y[k], s = h / w, t = (v - x[k]) / w;
    const double d0 = slope[k], d1 = slope[k + 1];
    const double bottom = s + (d1 + d0 - 2 * s) * t * (1 - t);
    const double top = d1 * t * t + 2 * s * t * (1 - t) + d0 * (1 - t) * (1 - t);
    return {y[k] + h * (s * t * t + d0 * t * (1 - t)) / bottom,
            std::log(s * s * top / (bottom * bottom))};
  }
};

ad::Vars both(const Monotone::Value& v) { return {v.y, v.log_slope}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(spline)

BOOST_AUTO_TEST_CASE(values_and_slopes_are_those_of_the_formulas) {
  for_each_setting([](const SplineOptions& o, const Monotone& map) {
    const Inputs in(o, map, 203);  // not a multiple of any SIMD width
    const auto out =
        ad::evaluate([&](auto v) { return both(map.forward(v[0], v[1])); }, {in.x, in.raw});
    for (std::size_t i = 0; i < 203; ++i) {
      const auto expected = Naive(o, in.column(i))(double(in.x[i]));
      BOOST_TEST(std::abs(double(out[0][i]) - expected.y) < (kDouble ? 1e-13 : 5e-6));
      BOOST_TEST(std::abs(double(out[1][i]) - expected.log_slope) < (kDouble ? 1e-12 : 5e-5));
    }
  });
}

BOOST_AUTO_TEST_CASE(the_inverse_undoes_the_map_and_has_the_opposite_log_slope) {
  for_each_setting([](const SplineOptions& o, const Monotone& map) {
    const Inputs in(o, map, 500);
    const auto out = ad::evaluate(
        [&](auto v) {
          const auto y = map.forward(v[0], v[1]);
          const auto x = map.inverse(y.y, v[1]);
          return ad::Vars{x.y, y.log_slope, x.log_slope};
        },
        {in.x, in.raw});
    for (std::size_t i = 0; i < 500; ++i) {
      // A slope of 1e-3 makes a rounding error of y a thousand times as large in x.
      const double steep = 1 + std::exp(-double(out[1][i]));
      BOOST_TEST(std::abs(double(out[0][i] - in.x[i])) < (kDouble ? 1e-14 : 2e-6) * steep * 5);
      BOOST_TEST(std::abs(double(out[1][i] + out[2][i])) < (kDouble ? 1e-11 : 1e-3));
    }
  });
}

BOOST_AUTO_TEST_CASE(parameters_of_0_make_it_the_identity) {
  for_each_setting([](const SplineOptions& o, const Monotone& map) {
    const Inputs in(o, map, 64);
    const ad::Tensor zero(in.raw.shape());
    const auto out = ad::evaluate(
        [&](auto v) {
          const auto y = map.forward(v[0], v[1]), x = map.inverse(v[0], v[1]);
          return ad::Vars{y.y, y.log_slope, x.y, x.log_slope};
        },
        {in.x, zero});
    for (std::size_t i = 0; i < 64; ++i) {
      BOOST_TEST(std::abs(double(out[0][i] - in.x[i])) < (kDouble ? 1e-14 : 2e-6));
      BOOST_TEST(std::abs(double(out[2][i] - in.x[i])) < (kDouble ? 1e-14 : 2e-6));
      BOOST_TEST(std::abs(double(out[1][i])) < (kDouble ? 1e-13 : 2e-5));
      BOOST_TEST(std::abs(double(out[3][i])) < (kDouble ? 1e-13 : 2e-5));
    }
  });
}

BOOST_AUTO_TEST_CASE(the_ends_of_the_interval_stay_where_they_are) {
  for_each_setting([](const SplineOptions& o, const Monotone& map) {
    ad::Tensor x({2});
    x[0] = Real(-o.bound), x[1] = Real(o.bound);
    const ad::Tensor raw = ad::normal({map.n_params(), 2}, {3, 0});
    const auto out = ad::evaluate(
        [&](auto v) {
          const auto y = map.forward(v[0], v[1]), back = map.inverse(v[0], v[1]);
          return ad::Vars{y.y, back.y, ad::grad(y.y, v[0]), ad::grad(back.y, v[0]),
                          exp(y.log_slope)};
        },
        {x, raw});
    for (std::size_t i = 0; i < 2; ++i) {
      BOOST_TEST(double(out[0][i]) == double(x[i]), boost::test_tools::tolerance(1e-6));
      BOOST_TEST(double(out[1][i]) == double(x[i]), boost::test_tools::tolerance(1e-6));
      const double slope = o.tails == Tails::linear ? 1 : double(out[4][i]);
      BOOST_TEST(double(out[2][i]) == slope, boost::test_tools::tolerance(kDouble ? 1e-10 : 1e-4));
      BOOST_TEST(double(out[3][i]) == 1 / slope,
                 boost::test_tools::tolerance(kDouble ? 1e-10 : 1e-4));
    }
  });
}

BOOST_AUTO_TEST_CASE(on_a_circle_both_ends_have_one_slope) {
  const auto map = flows::rational_quadratic({.bins = 5, .bound = 2, .tails = Tails::circular});
  ad::Tensor x({2}), raw({map->n_params(), 2});
  x[0] = -2, x[1] = 2;
  const ad::Tensor column = ad::normal({map->n_params(), 1}, {3, 0});
  for (std::size_t p = 0; p < raw.rows(); ++p) raw(p, 0) = raw(p, 1) = column[p];
  const ad::Tensor log_slope = ad::evaluate(
      [&](auto v) { return ad::Vars{map->forward(v[0], v[1]).log_slope}; }, {x, raw})[0];
  BOOST_TEST(double(log_slope[0]) == double(log_slope[1]),
             boost::test_tools::tolerance(kDouble ? 1e-11 : 1e-4));
  BOOST_TEST(std::abs(double(log_slope[0])) > 0.01);
}

BOOST_AUTO_TEST_CASE(a_batch_in_the_tails_is_left_alone_and_moves_no_parameter) {
  const auto map = flows::rational_quadratic();
  ad::Tensor x({6});
  const double far[] = {5.5, -7, 1e4, -1e4, 1e30, -1e30};
  for (std::size_t i = 0; i < 6; ++i) x[i] = Real(far[i]);
  const ad::Tensor raw = ad::normal({map->n_params(), 6}, {3, 0});
  for (const Direction apply : {&Monotone::forward, &Monotone::inverse}) {
    const auto out = ad::evaluate(
        [&](auto v) {
          const auto y = ((*map).*apply)(v[0], v[1]);
          const ad::Var total = sum(y.y) + sum(y.log_slope);
          return ad::Vars{y.y, y.log_slope, ad::grad(total, v[0]), ad::grad(total, v[1])};
        },
        {x, raw});
    for (std::size_t i = 0; i < 6; ++i) {
      BOOST_TEST(out[0][i] == x[i]);
      BOOST_TEST(out[1][i] == 0);
      BOOST_TEST(out[2][i] == 1);
    }
    for (const Real g : out[3].flat()) BOOST_TEST(g == 0);
  }
}

BOOST_AUTO_TEST_CASE(extreme_parameters_keep_it_finite_and_increasing) {
  const auto map = flows::rational_quadratic();
  constexpr std::size_t m = 400;
  ad::Tensor x({m}), raw({map->n_params(), m});
  const ad::Tensor column = ad::normal({map->n_params(), 1}, {3, 0});
  for (std::size_t i = 0; i < m; ++i) {
    x[i] = Real(-5 + 10 * double(i) / (m - 1));
    for (std::size_t p = 0; p < raw.rows(); ++p) raw(p, i) = 60 * column[p];
  }
  for (const Direction apply : {&Monotone::forward, &Monotone::inverse}) {
    const auto out = ad::evaluate(
        [&](auto v) {
          const auto y = ((*map).*apply)(v[0], v[1]);
          const ad::Var total = sum(y.y) + sum(y.log_slope);
          return ad::Vars{y.y, y.log_slope, ad::grad(total, v[0]), ad::grad(total, v[1])};
        },
        {x, raw});
    for (const ad::Tensor& t : out) {
      for (const Real v : t.flat()) BOOST_REQUIRE(std::isfinite(v));
    }
    for (std::size_t i = 1; i < m; ++i) BOOST_TEST(out[0][i] >= out[0][i - 1]);
  }
}

BOOST_AUTO_TEST_CASE(impossible_options_are_refused) {
  const auto refused = [](const SplineOptions& o) {
    BOOST_CHECK_THROW(flows::rational_quadratic(o), std::invalid_argument);
  };
  refused({.bins = 1});
  refused({.bins = 65});
  refused({.bound = 0});
  refused({.bound = std::nan("")});
  refused({.bins = 10, .min_width = 0.1});
  refused({.min_height = 0});
  refused({.min_slope = 1});
  ad::Tape tape;
  const auto map = flows::rational_quadratic();
  BOOST_CHECK_THROW(map->forward(tape.input({4}), tape.input({map->n_params(), 5})),
                    std::invalid_argument);
  BOOST_CHECK_THROW(map->inverse(tape.input({4}), tape.input({map->n_params() - 1, 4})),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
