#include "train/flow_ml.hpp"

#include <boost/test/unit_test.hpp>
#include <numbers>

#include "flows/base.hpp"
#include "flows/realnvp.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr std::size_t kRows = 600;

// x_0 ~ N(0, 1), x_1 = x_0^2 / 2 + 0.3 N(0, 1): entropy log(2 pi e) + log 0.3.
const double kEntropy = std::log(2 * std::numbers::pi * std::numbers::e) + std::log(0.3);

ad::Tensor curved() {
  ad::Tensor x = ad::normal({kRows, 2}, {1});
  for (std::size_t i = 0; i < kRows; ++i) {
    x(i, 1) = Real(0.5 * double(x(i, 0)) * x(i, 0) + 0.3 * double(x(i, 1)));
  }
  return x;
}

// The losses of training on the same rows again and again.
std::vector<double> losses(ad::Params& params, const flows::Flow& flow, const ad::Tensor& rows) {
  std::vector<double> result;
  const DataSource same = [&](std::uint32_t, ad::View out) {
    std::ranges::copy(rows.flat(), out.data);
  };
  fit(params, flow_ml(flow, same, kRows), adam(),
      {.steps = 500, .learning_rate = cosine(0.03, 500)}, [&](std::uint32_t, const StepLog& log) {
        result.push_back(log.loss);
        return true;
      });
  return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(maximum_likelihood_of_a_gaussian_has_the_moments_of_the_data) {
  ad::Params params;
  const ad::Tensor rows = curved();
  const flows::Flow flow{std::make_shared<flows::TrainableGaussian>(params, "base", 2), {}};
  const double loss = losses(params, flow, rows).back();
  double expected_loss = 0;
  for (std::size_t j = 0; j < 2; ++j) {
    Mean m;
    for (std::size_t i = 0; i < kRows; ++i) m.add(rows(i, j));
    const double log_scale = 0.5 * std::log(m.squares / m.n - m.value() * m.value());
    BOOST_TEST(std::abs(params.values()[j] - m.value()) < 1e-3);
    BOOST_TEST(std::abs(params.values()[2 + j] - log_scale) < 1e-3);
    expected_loss += log_scale + 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);
  }
  BOOST_TEST(std::abs(loss - expected_loss) < 1e-4);
}

BOOST_AUTO_TEST_CASE(a_flow_descends_to_the_entropy_of_curved_data) {
  ad::Params params;
  const flows::Flow flow = flows::realnvp(
      params, "flow", 2, {.blocks = 2, .hidden = {16}, .form = flows::CouplingForm::plain}, {2});
  const std::vector<double> found = losses(params, flow, curved());
  // At first the flow is N(0, I): the mean of |x|^2 is 1 + 3 / 4 + 0.09.
  BOOST_TEST(std::abs(found.front() - (std::log(2 * std::numbers::pi) + 1.84 / 2)) < 0.2);
  BOOST_TEST(found[100] < found.front() - 0.3);
  BOOST_TEST(std::abs(found.back() - kEntropy) < 0.12);  // 0.04 for the rows drawn
}
