#include "flows/linear.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/program.hpp"
#include "flows/base.hpp"
#include "flows/flow.hpp"
#include "tests/message.hpp"

using namespace eqp;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;
constexpr double kTolerance = kDouble ? 1e-11 : 2e-4;

// Correlated rows with unequal spreads around (3, -1, 0.5).
ad::Tensor skewed(std::size_t n) {
  ad::Tensor x = ad::normal({n, 3}, {4, 0});
  for (std::size_t i = 0; i < n; ++i) {
    const Real a = x(i, 0), b = x(i, 1), c = x(i, 2);
    x(i, 0) = 3 + 2 * a;
    x(i, 1) = -1 + a - Real(0.5) * b;
    x(i, 2) = Real(0.5) + Real(0.1) * c + Real(0.2) * b;
  }
  return x;
}

struct Moments {
  std::vector<double> mean, covariance;
};

Moments moments(const ad::Tensor& x) {
  const std::size_t d = x.cols();
  Moments m{std::vector<double>(d), std::vector<double>(d * d)};
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < d; ++j) m.mean[j] += double(x(i, j)) / double(x.rows());
  }
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < d * d; ++j) {
      m.covariance[j] += (double(x(i, j / d)) - m.mean[j / d]) *
                         (double(x(i, j % d)) - m.mean[j % d]) / double(x.rows());
    }
  }
  return m;
}

ad::Tensor inverse(const flows::Bijection& map, const ad::Tensor& x) {
  return ad::evaluate([&](auto in) { return ad::Vars{map.inverse(in[0]).y}; }, {x})[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(linear)

BOOST_AUTO_TEST_CASE(activation_normalisation_started_from_data_gives_them_mean_0_and_variance_1) {
  ad::Params params;
  const flows::ElementwiseAffine map(params, "a", 3);
  const ad::Tensor x = skewed(500);
  map.start_from(params, x);
  const Moments m = moments(inverse(map, x));
  for (std::size_t j = 0; j < 3; ++j) {
    BOOST_TEST(std::abs(m.mean[j]) < kTolerance);
    BOOST_TEST(std::abs(m.covariance[4 * j] - 1) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(whitening_started_from_data_gives_them_the_covariance_I) {
  ad::Params params;
  const flows::Whitening map(params, "w", 3);
  const ad::Tensor x = skewed(500);
  map.start_from(params, x);
  const Moments m = moments(inverse(map, x));
  for (std::size_t j = 0; j < 9; ++j) {
    BOOST_TEST(std::abs(m.covariance[j] - (j % 4 == 0)) < 10 * kTolerance);
  }
  for (std::size_t j = 0; j < 3; ++j) BOOST_TEST(std::abs(m.mean[j]) < 10 * kTolerance);
}

BOOST_AUTO_TEST_CASE(a_flow_starts_its_layers_from_what_reaches_them) {
  ad::Params params;
  const auto first = std::make_shared<flows::ElementwiseAffine>(params, "first", 3);
  const auto last = std::make_shared<flows::Whitening>(params, "last", 3);
  const flows::Flow flow(std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(3)),
                         {first, last});
  const ad::Tensor x = skewed(300);
  flow.start_from(params, x);
  // What the whitening leaves is normal already: the layer before it begins as the identity.
  for (const auto& e : params.entries()) {
    if (!e.name.starts_with("first")) continue;
    for (const Real v : params.view(e).flat()) BOOST_TEST(std::abs(double(v)) < 10 * kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(data_of_another_width_are_no_start) {
  ad::Params params;
  const flows::Flow flow(std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(3)),
                         {std::make_shared<flows::Whitening>(params, "w", 3)});
  BOOST_CHECK_THROW(flow.start_from(params, ad::Tensor({9, 2})), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(data_without_spread_are_no_start) {
  ad::Params params;
  const flows::ElementwiseAffine a(params, "a", 2);
  const flows::Whitening w(params, "w", 2);
  ad::Tensor flat({3, 2});
  flat(1, 0) = 1;
  for (const flows::Bijection* map :
       {static_cast<const flows::Bijection*>(&a), static_cast<const flows::Bijection*>(&w)}) {
    BOOST_CHECK_THROW(map->start_from(params, flat), std::invalid_argument);
    BOOST_CHECK_THROW(map->start_from(params, ad::Tensor({1, 2})), std::invalid_argument);
  }
}

BOOST_AUTO_TEST_CASE(parameters_of_another_model_are_no_start) {
  ad::Params params, others;
  const flows::ElementwiseAffine a(params, "a", 3);
  const flows::Whitening w(params, "w", 3);
  const flows::ElementwiseAffine alike(others, "a", 3);
  const ad::Tensor x = skewed(50);
  const auto refusal = [&](const flows::Bijection& map) {
    return eqp::test::refusal([&] { map.start_from(others, x); });
  };
  BOOST_TEST(refusal(a) == "a: parameters of another model to start in; need its own");
  BOOST_TEST(refusal(w) == "w: parameters of another model to start in; need its own");
  for (const Real v : others.values()) BOOST_TEST(v == 0);
  BOOST_TEST(refusal(alike) == "");
}

BOOST_AUTO_TEST_CASE(the_lu_map_is_its_formula) {
  ad::Params params;
  const flows::LuLinear map(params, "m", 3, {1, 0});
  const auto values = params.mutate();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = Real(0.3 + 0.17 * double(i % 5));
  const auto entry = [&](const std::string& name, std::size_t i) {
    for (const auto& e : params.entries()) {
      if (e.name == "m." + name) return double(params.view(e)[i]);
    }
    throw std::logic_error(name);
  };
  const ad::Tensor z = ad::normal({5, 3}, {2, 0});
  const auto out = ad::evaluate(
      [&](auto in) {
        const auto y = map.forward(in[0]);
        return ad::Vars{y.y, y.log_det};
      },
      {z});
  const auto order = ad::permutation(3, {1, 0});
  for (std::size_t n = 0; n < 5; ++n) {
    double u[3], l[3];
    for (std::size_t i = 0; i < 3; ++i) {
      u[i] = std::exp(entry("log_diagonal", i)) * double(z(n, i));
      // Row i of U^T below the diagonal is column i of U above it.
      for (std::size_t j = i + 1; j < 3; ++j) {
        u[i] += entry("upper", j * (j - 1) / 2 + i) * double(z(n, j));
      }
    }
    for (std::size_t i = 0; i < 3; ++i) {
      l[i] = u[i];
      for (std::size_t j = 0; j < i; ++j) l[i] += entry("lower", i * (i - 1) / 2 + j) * u[j];
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const double expected = l[order[i]] + entry("shift", i);
      BOOST_TEST(std::abs(double(out[0](n, i)) - expected) < (kDouble ? 1e-13 : 1e-5));
    }
    double log_det = 0;
    for (std::size_t i = 0; i < 3; ++i) log_det += entry("log_diagonal", i);
    BOOST_TEST(std::abs(double(out[1][n]) - log_det) < (kDouble ? 1e-14 : 1e-6));
  }
}

BOOST_AUTO_TEST_SUITE_END()
