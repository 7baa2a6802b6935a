#include "train/fit_flow.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "flows/maf.hpp"
#include "flows/neural_spline.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// x_0 ~ N(0, 1), x_1 = x_0^2 / 2 + 0.3 N(0, 1): entropy log(2 pi e) + log 0.3.
const double kEntropy = std::log(2 * std::numbers::pi * std::numbers::e) + std::log(0.3);

ad::Tensor curved(std::size_t n, ad::Key key) {
  ad::Tensor x = ad::normal({n, 2}, key);
  for (std::size_t i = 0; i < n; ++i) {
    x(i, 1) = Real(0.5 * double(x(i, 0)) * double(x(i, 0)) + 0.3 * double(x(i, 1)));
  }
  return x;
}

flows::Flow whitened(ad::Params& params, std::size_t dim) {
  return {std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(dim)),
          {std::make_shared<flows::Whitening>(params, "w", dim)}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fit_flow)

BOOST_AUTO_TEST_CASE(splines_learn_a_density_to_its_entropy) {
  ad::Params params;
  const auto flow = flows::neural_spline(params, "flow", 2, {.hidden = {32, 32}}, {1, 0});
  const auto fit = fit_to_data(flow, params, curved(4000, {1, 0}),
                               {.max_epochs = 30, .learning_rate = constant(3e-3), .key = {2, 0}});
  // 400 validation rows: the standard error of their mean is about 1 / 20.
  BOOST_TEST(std::abs(fit.epochs[fit.best].validation_loss - kEntropy) < 0.15);
  BOOST_TEST(fit.epochs[0].validation_loss > fit.epochs[fit.best].validation_loss + 0.02);
}

BOOST_AUTO_TEST_CASE(the_parameters_of_the_best_epoch_are_kept) {
  ad::Params params;
  const auto flow = flows::maf(params, "flow", 2, {.transforms = 1, .hidden = {8}}, {1, 0});
  std::vector<std::vector<Real>> after;
  // So large a rate that the loss soon rises again.
  const auto fit =
      fit_to_data(flow, params, curved(300, {1, 0}),
                  {.max_epochs = 40,
                   .patience = 4,
                   .learning_rate = constant(0.1),
                   .key = {2, 0},
                   .on_epoch = [&](const Epoch&) {
                     after.emplace_back(params.values().begin(), params.values().end());
                     return true;
                   }});
  BOOST_TEST(fit.epochs.size() == after.size());
  for (const Epoch& e : fit.epochs) {
    BOOST_TEST(e.validation_loss >= fit.epochs[fit.best].validation_loss);
  }
  BOOST_TEST(fit.epochs.size() == std::min<std::size_t>(40, fit.best + 5));
  BOOST_TEST(fit.epochs.size() < 40u);
  BOOST_TEST(after[fit.best] == std::vector<Real>(params.values().begin(), params.values().end()),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(layers_start_from_the_data) {
  ad::Params params;
  const ad::Tensor x = curved(1000, {1, 0});
  const auto fit = fit_to_data(whitened(params, 2), params, x,
                               {.max_epochs = 1, .learning_rate = constant(0), .key = {2, 0}});
  // E x_1^2 = 3 / 4 + 0.09, of which the mean 1 / 2 takes 1 / 4: no correlation.
  const double gaussian = std::log(2 * std::numbers::pi * std::numbers::e) + 0.5 * std::log(0.59);
  BOOST_TEST(std::abs(fit.epochs[0].train_loss - gaussian) < 0.1);
}

BOOST_AUTO_TEST_CASE(a_context_shifts_the_density) {
  // x = 2 c + 0.1 N(0, 1) given c.
  constexpr std::size_t n = 2000;
  const ad::Tensor c = ad::normal({n, 1}, {1, 0}), noise = ad::normal({n, 1}, {2, 0});
  ad::Tensor x({n, 1});
  for (std::size_t i = 0; i < n; ++i) x[i] = 2 * c[i] + Real(0.1) * noise[i];
  ad::Params params;
  const auto flow = flows::maf(
      params, "flow", 1,
      {.transforms = 1, .hidden = {16}, .family = flows::affine_map(4), .context_dim = 1}, {1, 0});
  const auto fit = fit_to_data(flow, params, x, c,
                               {.max_epochs = 60, .learning_rate = constant(1e-2), .key = {2, 0}});
  const double entropy = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e) + std::log(0.1);
  BOOST_TEST(fit.epochs[fit.best].validation_loss < entropy + 0.3);
}

BOOST_AUTO_TEST_CASE(a_fit_is_a_function_of_its_key_and_bad_data_are_refused) {
  const auto values = [](std::uint64_t seed) {
    ad::Params params;
    const auto flow = flows::maf(params, "flow", 2, {.transforms = 1, .hidden = {4}}, {1, 0});
    fit_to_data(flow, params, curved(200, {1, 0}), {.max_epochs = 2, .key = {seed, 0}});
    return std::vector<Real>(params.values().begin(), params.values().end());
  };
  BOOST_TEST((values(1) == values(1)));
  BOOST_TEST((values(1) != values(2)));
  ad::Params params;
  const auto flow = flows::maf(params, "flow", 2, {.transforms = 1, .hidden = {4}}, {1, 0});
  BOOST_CHECK_THROW(fit_to_data(flow, params, ad::Tensor({50, 3})), std::invalid_argument);
  BOOST_CHECK_THROW(fit_to_data(flow, params, curved(50, {1, 0}), {.max_epochs = 0}),
                    std::invalid_argument);
  ad::Tensor bad = curved(50, {1, 0});
  bad[7] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_CHECK_EXCEPTION(fit_to_data(flow, params, bad), std::runtime_error,
                        [](const std::runtime_error& e) {
                          return std::string(e.what()).starts_with("epoch 0: fit_to_data");
                        });
}

BOOST_AUTO_TEST_SUITE_END()
