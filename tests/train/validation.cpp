#include "train/validation.hpp"

#include <boost/test/unit_test.hpp>
#include <numbers>

#include "autodiff/parallel.hpp"
#include "flows/base.hpp"
#include "tests/message.hpp"
#include "tests/train/methods.hpp"
#include "tests/train/support.hpp"
#include "train/data/rows.hpp"
#include "train/dsm.hpp"
#include "train/flow_ml.hpp"

using namespace eqp;
using namespace eqp::train;
using eqp::test::message;

namespace {

constexpr std::size_t kRows = 203;

Rows data() { return Rows(ad::normal({kRows, 2}, {7})); }

DataSource in_order(const Rows& rows, std::size_t batch) {
  return [=](std::uint32_t t, ad::View out) { rows.copy(t * batch, out); };
}

struct Model {
  ad::Params params;
  flows::Flow flow{std::make_shared<flows::TrainableGaussian>(params, "base", 2), {}};

  Model() {
    ad::Draws draws({8});
    for (Real& v : params.mutate()) v = Real(0.3 * draws.normal());
  }
  Validation validation(std::size_t batch) const {
    return {flow_ml(flow, in_order(data(), batch), batch), kRows};
  }
  // -log N(x; mean, exp(2 log_scale)) of every row, in double.
  double expected() const {
    const auto p = params.values();
    double sum = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        const double log_scale = p[2 + j];
        const double r = (double(data().row(i)[j]) - p[j]) / std::exp(log_scale);
        sum += 0.5 * r * r + log_scale + 0.5 * std::log(2 * std::numbers::pi);
      }
    }
    return sum / kRows;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(validation)

BOOST_AUTO_TEST_CASE(every_row_counts_once_whatever_the_batch) {
  const Model m;
  const double tolerance = 1e-6 * (sizeof(Real) == 4 ? 1 : 1e-8);  // rounding of each loss
  for (const std::size_t batch : {1u, 7u, 64u, 150u, 203u, 1000u}) {
    BOOST_TEST(std::abs(m.validation(batch).loss() - m.expected()) < tolerance);
  }
}

BOOST_AUTO_TEST_CASE(it_follows_the_parameters_and_leaves_them_alone) {
  Model m;
  Validation validation = m.validation(50);
  const double before = validation.loss();
  const auto version = m.params.version();
  BOOST_TEST(validation.loss() == before);
  BOOST_TEST(m.params.version() == version);
  m.params.mutate()[0] += Real(0.5);
  BOOST_TEST(std::abs(validation.loss() - m.expected()) < 1e-6);
  BOOST_TEST(validation.loss() != before);
}

BOOST_AUTO_TEST_CASE(it_has_the_same_bits_on_any_number_of_threads) {
  const Model m;
  const auto loss = [&](std::size_t threads) {
    return ad::with_threads(threads, [&] { return m.validation(150).loss(); });
  };
  BOOST_TEST(loss(2) == loss(1));
  BOOST_TEST(loss(4) == loss(1));
}

BOOST_AUTO_TEST_CASE(noise_of_a_method_is_the_same_at_every_call) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1.3));
  const auto objective = [&](std::uint64_t seed) {
    return dsm(energy, in_order(data(), 64),
               {.dim = 2, .batch = 64, .sigmas = {0.2, 0.5}, .key = {seed}});
  };
  Validation validation(objective(1), kRows);
  const double loss = validation.loss();
  BOOST_TEST(validation.loss() == loss);
  BOOST_TEST(Validation(objective(2), kRows).loss() != loss);
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_not_finite_is_placed_in_the_data) {
  ad::Tensor x({kRows, 1});
  std::ranges::fill(x.flat(), Real(1));
  x[177] = -1;
  const Rows rows(std::move(x));
  const Objective objective{.name = "model",
                            .batch = 100,
                            .row_shapes = {{1}},
                            .loss = [](std::span<const ad::Var> in) { return sum(log(in[0]), 1); },
                            .feed = [=](std::uint32_t t, std::span<const ad::View> in,
                                        StepLog&) { rows.copy(t * 100, in[0]); }};
  const std::string what = message([&] { Validation(objective, kRows).loss(); });
  BOOST_TEST(what.starts_with("model: in row 177 of the validation data: "), what);
  BOOST_TEST(what.find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_has_no_loss_per_row_is_refused) {
  const Model m;
  Objective objective = flow_ml(m.flow, in_order(data(), 64), 64);
  BOOST_CHECK_THROW(Validation(objective, 0), std::invalid_argument);
  objective.loss = [](std::span<const ad::Var> in) { return mean(in[0]); };
  const std::string what = message([&] { Validation(objective, kRows).loss(); });
  BOOST_TEST(what.starts_with("flow_ml: a validation loss of shape (); need ("), what);
  objective.batch = 0;
  BOOST_CHECK_THROW(Validation(objective, kRows), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
