#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "autodiff/ops.hpp"
#include "autodiff/random.hpp"
#include "tests/train/support.hpp"
#include "train/lbfgs.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr bool kSingle = sizeof(Real) == 4;
constexpr std::size_t kRows = 300, kDim = 4;
constexpr double kRidge = 0.01;

// Ridge logistic regression: log(1 + exp(-label x'w)) + kRidge |w|^2 / 2 per row.
struct Logistic {
  ad::Params params;
  ad::Param w = params.add("w", {kDim}, [](std::span<Real>) {});
  ad::Tensor x = ad::normal({kRows, kDim}, {51}), labels{{kRows}};

  Logistic() {
    const ad::Tensor noise = ad::normal({kRows}, {52});
    for (std::size_t i = 0; i < kRows; ++i) {
      x(i, 1) *= Real(5);  // columns of unlike scale
      x(i, 2) *= Real(0.2);
      const double score = x(i, 0) - 0.4 * x(i, 1) + 2 * x(i, 2) + noise[i];
      labels[i] = score > 0 ? Real(1) : Real(-1);
    }
  }

  ad::Var rows(std::span<const ad::Var> in) const {
    const ad::Var p = w.on(*in[0].tape);
    return softplus(-in[1] * sum(in[0] * p, 1)) + 0.5 * kRidge * sum(square(p));
  }
  LbfgsResult fit(const Loss& loss, const LbfgsOptions& options = {}) {
    const ad::ConstView data[] = {x, labels};
    return lbfgs(params, data, loss, options);
  }
};

using Weights = std::array<double, kDim>;

// a x = b by elimination; a is positive definite.
Weights solve(std::array<Weights, kDim> a, Weights b) {
  for (std::size_t k = 0; k < kDim; ++k) {
    for (std::size_t i = 0; i < kDim; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = 0; j < kDim; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = 0; k < kDim; ++k) b[k] /= a[k][k];
  return b;
}

Weights by_newton(const Logistic& model) {
  Weights w{};
  for (int iteration = 0; iteration < 30; ++iteration) {
    Weights g{};
    std::array<Weights, kDim> hessian{};
    for (std::size_t j = 0; j < kDim; ++j) g[j] = kRidge * w[j], hessian[j][j] = kRidge;
    for (std::size_t i = 0; i < kRows; ++i) {
      double score = 0;
      for (std::size_t j = 0; j < kDim; ++j) score += model.x(i, j) * w[j];
      const double label = model.labels[i], wrong = 1 / (1 + std::exp(label * score));
      for (std::size_t j = 0; j < kDim; ++j) {
        g[j] -= label * wrong * model.x(i, j) / kRows;
        for (std::size_t k = 0; k < kDim; ++k) {
          hessian[j][k] += wrong * (1 - wrong) * model.x(i, j) * model.x(i, k) / kRows;
        }
      }
    }
    const Weights step = solve(hessian, g);
    for (std::size_t j = 0; j < kDim; ++j) w[j] -= step[j];
  }
  return w;
}

}  // namespace

BOOST_AUTO_TEST_CASE(logistic_regression_ends_where_newton_does) {
  for (const bool of_batch : {false, true}) {
    Logistic model;
    const std::uint64_t version = model.params.version();
    const LbfgsResult r = model.fit(
        [&](std::span<const ad::Var> in) {
          return of_batch ? mean(model.rows(in)) : model.rows(in);
        },
        {.gradient_tolerance = 1e-5});
    // In f32 rounding may end it before the gradient is as small as asked for.
    if (!kSingle) BOOST_TEST((r.stop == LbfgsResult::Stop::gradient));
    BOOST_TEST(r.gradient_norm < (kSingle ? 5e-5 : 1e-5));
    BOOST_TEST(r.evaluations < 50);
    BOOST_TEST(model.params.version() > version);  // programs must notice
    const Weights expected = by_newton(model);
    for (std::size_t j = 0; j < kDim; ++j) {
      // Four entries of 1e-5 over the least curvature, the ridge's.
      BOOST_TEST(std::abs(model.params.values()[j] - expected[j]) < 2e-5 / kRidge);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_tighter_tolerance_ends_nearer_to_newton) {
  Logistic model;
  // In f32 it is out of reach, and the descent ends where rounding ends it.
  model.fit([&](std::span<const ad::Var> in) { return model.rows(in); },
            {.gradient_tolerance = 1e-12});
  const Weights expected = by_newton(model);
  for (std::size_t j = 0; j < kDim; ++j) {
    BOOST_TEST(std::abs(model.params.values()[j] - expected[j]) < (kSingle ? 1e-4 : 1e-9));
  }
}

BOOST_AUTO_TEST_CASE(the_first_bad_value_of_a_loss_is_named) {
  Logistic model;
  model.x(7, 2) = std::numeric_limits<Real>::quiet_NaN();
  BOOST_CHECK_EXCEPTION(
      model.fit([&](std::span<const ad::Var> in) { return model.rows(in); }), std::runtime_error,
      [](const auto& e) {
        const std::string what = e.what();
        return what.starts_with("lbfgs: ") && what.find("row 7") != what.npos &&
               what.ends_with("; check the data and what the parameters begin with");
      });
  BOOST_TEST(model.params.values()[0] == 0);
}

BOOST_AUTO_TEST_CASE(lbfgs_refuses_a_loss_of_another_shape) {
  Logistic model;
  BOOST_CHECK_EXCEPTION(
      model.fit([&](std::span<const ad::Var> in) { return in[0] * model.w.on(*in[0].tape); }),
      std::invalid_argument, [](const auto& e) {
        return std::string(e.what()) == "lbfgs: the loss of 300 rows is (300, 4); need (300) or ()";
      });
}
