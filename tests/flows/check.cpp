#include "flows/check.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <limits>

#include "autodiff/safetensors.hpp"
#include "tests/flows/cases.hpp"

using namespace eqp;
using flows::Flow;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;

// y = 2 z with a log_det that is a tenth off, or an inverse that is.
class Broken : public flows::Bijection {
 public:
  Broken(bool log_det, bool inverse)
      : Bijection("broken", 2), log_det_(log_det), inverse_(inverse) {}

 private:
  flows::Mapped push(ad::Var z, ad::Var) const override {
    const double off = log_det_ ? 0.1 : 0;
    return {2.0 * z, ad::full(*z.tape, {z.shape()[0]}, 2 * std::log(2.0) + off)};
  }
  flows::Mapped pull(ad::Var x, ad::Var) const override {
    const double factor = inverse_ ? 0.4 : 0.5;
    return {factor * x, ad::full(*x.tape, {x.shape()[0]}, -2 * std::log(2.0))};
  }
  bool log_det_, inverse_;
};

Flow with_layer(ad::Params& params, std::shared_ptr<const flows::Bijection> layer) {
  flows::Layers layers = flows::realnvp(params, "flow", 2, {.blocks = 1}, {1, 0}).layers();
  layers.push_back(std::move(layer));
  return {std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)), layers};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check)

BOOST_AUTO_TEST_CASE(sound_flows_pass_and_their_density_integrates_to_one) {
  for (const flows::test::Case& c : flows::test::all_cases()) {
    if (c.dim > 2) continue;
    BOOST_TEST_CONTEXT(c.name) {
      ad::Params params;
      const Flow flow = c.build(params);
      flows::test::randomise(params, c.size);
      const flows::Check result = flows::check(flow, {.span = 28});
      BOOST_TEST(result.flow.round_trip < (kDouble ? 1e-10 : 1e-4));
      BOOST_TEST(result.flow.log_det < (kDouble ? 1e-10 : 1e-3));
      BOOST_TEST(std::abs(*result.mass - 1) < 5e-4);
      BOOST_TEST(result.layers.size() == flow.layers().size());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_gradient_of_a_smooth_flow_agrees_with_differences) {
  ad::Params params;
  const Flow flow = flows::realnvp(params, "flow", 3, {.activation = ad::tanh}, {1, 0});
  flows::test::randomise(params);
  BOOST_TEST(flows::check(flow).flow.gradient < (kDouble ? 1e-7 : 1e-2));
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_wrong_is_named) {
  ad::Params params;
  const auto log_det = flows::check(with_layer(params, std::make_shared<Broken>(true, false)));
  BOOST_TEST(log_det.layers.back().log_det == 0.1, boost::test_tools::tolerance(1e-4));
  BOOST_TEST(log_det.str().find("log_det 0.1 (layer 1 broken 0.1)") != std::string::npos,
             log_det.str());
  // Of two layers of one name the index tells which it is.
  const auto sound = std::make_shared<Broken>(false, false);
  const Flow alike(std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)),
                   {sound, std::make_shared<Broken>(true, false), sound});
  BOOST_TEST(flows::check(alike).str().find("(layer 1 broken 0.1)") != std::string::npos);
  ad::Params others;
  const auto inverse = flows::check(with_layer(others, std::make_shared<Broken>(false, true)));
  BOOST_TEST(inverse.layers.back().round_trip > 0.05);
  BOOST_TEST(inverse.layers.front().round_trip < 1e-5);
}

BOOST_AUTO_TEST_CASE(an_overflow_is_reported_with_its_layer) {
  ad::Params params;
  const Flow flow = flows::realnvp(
      params, "flow", 2, {.blocks = 1, .hidden = {}, .form = flows::CouplingForm::plain}, {1, 0});
  const auto values = params.mutate();
  for (const auto& e : params.entries()) {
    if (e.name == "flow.1.t.0.weight") values[e.offset] = std::numeric_limits<Real>::max() / 2;
  }
  BOOST_CHECK_EXCEPTION(flows::check(flow), std::runtime_error, [](const std::runtime_error& e) {
    return std::string(e.what()).find("in flow.1.t.0") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_flow_that_was_loaded_is_tried) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("eqp_check_" + std::to_string(sizeof(Real)) + ".safetensors");
  const flows::RealNvpOptions options{.blocks = 1, .form = flows::CouplingForm::plain};
  ad::Params saved, params;
  flows::realnvp(saved, "flow", 2, options, {1, 0});
  const Flow flow = flows::realnvp(params, "flow", 2, options, {2, 0});
  flows::test::randomise(saved);
  ad::save_safetensors(path, saved);
  BOOST_TEST(flows::load(path, params, flow).flow.round_trip < 1e-4);
  BOOST_TEST((std::vector(params.values().begin(), params.values().end()) ==
              std::vector(saved.values().begin(), saved.values().end())));
  // Shifts of 1e12 leave no digit of what they were added to.
  flows::test::randomise(saved, 1e12);
  ad::save_safetensors(path, saved);
  const std::vector before(params.values().begin(), params.values().end());
  BOOST_CHECK_THROW(flows::load(path, params, flow), std::runtime_error);
  BOOST_TEST((before == std::vector(params.values().begin(), params.values().end())));
  std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(an_integral_needs_at_most_two_dimensions) {
  ad::Params params;
  const Flow flow = flows::realnvp(params, "flow", 3, {}, {1, 0});
  BOOST_CHECK_THROW(flows::check(flow, {.span = 10}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
