#include "flows/realnvp.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <numbers>
#include <set>

#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"

using namespace eqp;
using flows::CouplingForm;

namespace {

double normal_log_density(std::span<const Real> x, double variance) {
  double total = 0;
  for (double v : x) total -= 0.5 * (v * v / variance + std::log(2 * std::numbers::pi * variance));
  return total;
}

std::size_t n_parameters(std::size_t dim, const flows::RealNvpOptions& options) {
  ad::Params params;
  flows::realnvp(params, "flow", dim, options, {1, 0});
  return params.size();
}

// x, its log density, and the log-determinant from the latent to x.
std::vector<ad::Tensor> sampled(const flows::Flow& flow, const ad::Tensor& noise) {
  return ad::evaluate(
      [&](auto in) {
        const auto s = flow.sample(in[0]);
        return ad::Vars{s.x, s.log_prob, flow.forward(flow.base().draw(in[0])).log_det};
      },
      {noise});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(realnvp)

BOOST_AUTO_TEST_CASE(the_capped_flow_has_the_published_number_of_parameters) {
  BOOST_TEST(n_parameters(2, {}) == 1312u);
  BOOST_TEST(n_parameters(2, {.blocks = 2}) == 656u);
  // Two blocks with one hidden layer of 32 in 16 dimensions: 8 networks 16-32-16.
  BOOST_TEST(n_parameters(16, {.blocks = 2, .hidden = {32}}) == 8u * (33 * 16 + 17 * 32));
  // Plain: networks from 1 to 2 and from 2 to 1 columns.
  BOOST_TEST(n_parameters(3, {.blocks = 1, .hidden = {4}, .form = CouplingForm::plain}) ==
             2u * (8 + 10) + 2u * (12 + 5));
}

BOOST_AUTO_TEST_CASE(it_begins_as_the_identity_on_its_base) {
  for (const auto form : {CouplingForm::capped, CouplingForm::plain}) {
    for (std::size_t dim : {2, 3, 16}) {
      ad::Params params;
      const auto flow =
          flows::realnvp(params, "flow", dim, {.form = form, .base_variance = 2.25}, {1, 0});
      const ad::Tensor noise = ad::normal({100, dim}, {2, 0});
      const auto out = sampled(flow, noise);
      for (std::size_t i = 0; i < noise.size(); ++i) {
        BOOST_TEST(std::abs(out[0][i] - 1.5 * noise[i]) < 1e-6);
      }
      for (std::size_t i = 0; i < noise.rows(); ++i) {
        const double expected = normal_log_density(out[0].row(i), 2.25);
        // Rounding grows with the number of terms.
        const double tolerance = 1e-6 + (sizeof(Real) == 8 ? 0.0 : 2e-6 * double(dim));
        BOOST_TEST(std::abs(out[1][i] - expected) < tolerance);
        BOOST_TEST(std::abs(out[2][i]) < 1e-6);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_capped_flow_stretches_a_coordinate_by_at_most_e) {
  ad::Params params;
  const std::size_t dim = 4;
  const auto flow = flows::realnvp(params, "flow", dim, {.blocks = 3}, {1, 0});
  const auto extreme = [&](Real value) {
    std::ranges::fill(params.mutate(), value);
    return double(sampled(flow, ad::normal({10, dim}, {2, 0}))[2][0]);
  };
  // Every tanh is +-1: each coordinate has log-scales 2/6 in half of the 6 couplings.
  BOOST_TEST(std::abs(extreme(100) - double(dim)) < 1e-5);
  for (const auto& e : params.entries()) {
    if (e.name.find(".s.2.") == std::string::npos) continue;
    std::ranges::fill(params.mutate().subspan(e.offset, e.shape.size()), Real(-100));
  }
  BOOST_TEST(std::abs(sampled(flow, ad::normal({10, dim}, {2, 0}))[2][0] + double(dim)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(all_networks_begin_differently_and_as_a_function_of_the_key) {
  const auto values = [](std::uint64_t seed) {
    ad::Params params;
    flows::realnvp(params, "flow", 2, {}, {seed, 0});
    return std::vector<Real>(params.values().begin(), params.values().end());
  };
  const auto first = values(1);
  BOOST_TEST(first == values(1), boost::test_tools::per_element());
  std::vector<Real> weights;
  std::ranges::copy_if(first, std::back_inserter(weights), [](Real v) { return v != 0; });
  BOOST_TEST(weights.size() == 16u * 64);  // 16 networks with 2 * 32 weights; the rest are biases
  for (Real v : values(2)) {
    if (v != 0) weights.push_back(v);
  }
  const std::set<Real> distinct(weights.begin(), weights.end());
  // Floats may collide by chance: 2048 normals have about 0.3 pairs of equal floats.
  BOOST_TEST(distinct.size() >= weights.size() - 4);
}

BOOST_AUTO_TEST_CASE(threads_may_record_one_flow_at_the_same_time) {
  ad::Params params;
  const auto flow = flows::realnvp(params, "flow", 3, {}, {1, 0});
  const ad::Tensor noise = ad::normal({50, 3}, {2, 0});
  const auto expected = sampled(flow, noise);
  std::vector<std::vector<ad::Tensor>> results(16);
  ad::with_threads(4, [&] {
    ad::parallel_for(results.size(), [&](std::size_t i) { results[i] = sampled(flow, noise); });
  });
  for (const auto& r : results) {
    BOOST_TEST(std::memcmp(r[0].flat().data(), expected[0].flat().data(),
                           noise.size() * sizeof(Real)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(impossible_flows_are_refused) {
  ad::Params params;
  const auto refusal = [&](std::size_t dim, const flows::RealNvpOptions& options) {
    return eqp::test::refusal([&] { flows::realnvp(params, "flow", dim, options, {1, 0}); });
  };
  BOOST_TEST(refusal(1, {}) == "coupling \"flow.0\": dim 1 cannot be split; need at least 2");
  BOOST_TEST(refusal(2, {.blocks = 0}) == "realnvp: 0 blocks; need at least 1");
  BOOST_TEST(refusal(2, {.hidden = {0}}).starts_with("mlp \"flow.0.s\": widths {2, 0, 2}"));
  BOOST_TEST(refusal(2, {.base_variance = 0}).starts_with("gaussian: variance 0"));
  BOOST_TEST(refusal(2, {.networks = flows::Networks::one}) ==
             "realnvp: one network in the capped form; need the plain form");
  BOOST_TEST(params.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
