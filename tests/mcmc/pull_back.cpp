#include "mcmc/pull_back.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "mcmc/elliptical_slice.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "tests/mcmc/bend.hpp"
#include "tests/mcmc/laws.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

const std::shared_ptr<const flows::Bijection> kBend = std::make_shared<test::Bend>();

constexpr double kTolerance = sizeof(Real) == 4 ? 1e-4 : 1e-11;

flows::Flow bent() {
  return {std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)), {kBend}};
}
Energy exact() {
  return [flow = bent()](ad::Var x) { return -flow.log_prob(x); };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pulling_back)

BOOST_AUTO_TEST_CASE(the_latent_energy_has_its_closed_form) {
  const Transport map = transport(kBend);
  const Energy energy = test::asymmetric_mixture().energy();
  const ad::Tensor z = ad::normal({50, 2}, {.seed = 1});
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        return {pull_back(energy, map)(in[0]), energy(kBend->forward(in[0]).y),
                pull_back(exact(), transport(bent()))(in[0])};
      },
      {z});
  for (std::size_t i = 0; i < 50; ++i) {
    const double log_det = std::log(1.3) + 0.5 * std::tanh(double(z(i, 0)));
    BOOST_TEST(std::abs(double(out[0][i]) - (double(out[1][i]) - log_det)) < kTolerance);
    // Of the flow's own density it is the base's.
    const double normal =
        0.5 * (double(z(i, 0)) * double(z(i, 0)) + double(z(i, 1)) * double(z(i, 1)));
    BOOST_TEST(std::abs(double(out[2][i]) - normal - std::log(2 * std::numbers::pi)) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(an_exact_flow_leaves_nothing_to_reject) {
  const Transport map = transport(bent());
  const ad::Tensor x0 = ad::normal({40, 2}, {.seed = 2});
  const auto base = std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2));
  const auto slices =
      run(Pulled(EllipticalSlice(pull_back(exact(), map), base, {}), map), x0, {.steps = 50});
  BOOST_TEST(slices.counts.rate() > (sizeof(Real) == 4 ? 0.999 : 0.999999));
  const auto draws =
      run(Pulled(IndependentMh(pull_back(exact(), map), gaussian_proposal({0, 0}, {1, 1})), map),
          x0, {.steps = 50});
  BOOST_TEST(draws.counts.rate() > 0.9999);
}

BOOST_AUTO_TEST_CASE(positions_are_in_data_space) {
  const Transport map = transport(kBend);
  const Pulled kernel(Hmc(pull_back(exact(), map), 2, {.step_size = 0.5}), map);
  const ad::Tensor x0 = ad::normal({30, 2}, {.seed = 3});
  auto s = kernel.init(x0);
  BOOST_TEST(std::ranges::equal(s.x().flat(), x0.flat()));
  const auto image = [&] {
    return ad::evaluate([&](auto in) { return ad::Vars{kBend->forward(in[0]).y}; },
                        {ad::Tensor(s.latent())})[0];
  };
  const auto same = [&](const ad::Tensor& x) {
    double most = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      most = std::max(most, std::abs(double(x[k]) - double(s.x()[k])));
    }
    return most < (sizeof(Real) == 4 ? 1e-5 : 1e-12);
  };
  BOOST_TEST(same(image()));
  kernel.step(s, {{.seed = 4}});
  BOOST_TEST(same(image()));
  std::ranges::copy(x0.flat(), s.x().data);
  kernel.refresh(s);
  BOOST_TEST(same(image()));
}

BOOST_AUTO_TEST_CASE(the_latent_step_size_is_what_adapts) {
  const Transport map = transport(kBend);
  const auto result =
      run(Pulled(Mala(pull_back(exact(), map), 2, {}), map), ad::normal({100, 2}, {.seed = 7}),
          {.steps = 100, .warmup = 200, .target_accept = 0.7});
  BOOST_TEST(std::abs(result.counts.rate() - 0.7) < 0.04);
  BOOST_TEST(result.step_size > 0.1);
}

BOOST_AUTO_TEST_CASE(a_start_without_a_latent_position_is_refused) {
  const Transport bad{.dim = 2,
                      .forward =
                          [](ad::Var z) {
                            return flows::Mapped{exp(z), sum(z, 1)};
                          },
                      .inverse =
                          [](ad::Var x) {
                            return flows::Mapped{log(x), -sum(log(x), 1)};
                          }};
  ad::Tensor x0({3, 2});
  std::ranges::fill(x0.flat(), Real(1));
  x0(2, 0) = -1;
  const Pulled kernel(Mala(pull_back(exact(), bad), 2, {}), bad);
  BOOST_CHECK_EXCEPTION(
      run(kernel, x0, {}), std::invalid_argument, [](const std::invalid_argument& e) {
        return std::string(e.what()) ==
               "Pulled: chain 2 starts at latent position nan; start it where that "
               "is finite";
      });
}

BOOST_AUTO_TEST_SUITE_END()
