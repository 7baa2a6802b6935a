#include "experiments/common/ebm.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/program.hpp"
#include "train/contrastive.hpp"

using namespace eqp;

// SGD as Nijkamp et al. (2020) use it: the network moves as it would without a temperature, and the
// energy that chains see is its output over it.
BOOST_AUTO_TEST_CASE(sgd_moves_the_network_alike_at_every_temperature) {
  const ad::Key key{7};
  const ad::Tensor points = ad::normal({32, 2}, key.fork(1)),
                   others = ad::normal({32, 2}, key.fork(2));
  const MethodSettings settings{
      .batch = 32, .steps = 3, .learning_rate = 0.1, .final_learning_rate = 0.05, .sgd = true};
  const auto trained = [&](Ebm& ebm) {
    const train::Objective objective{
        .name = "fixed negatives",
        .batch = 32,
        .row_shapes = {{2}, {2}},
        .loss = train::contrastive_loss(ebm.output, 0),
        .feed = [&](std::uint32_t, std::span<const ad::View> in, train::StepLog&) {
          std::ranges::copy(points.flat(), in[0].data);
          std::ranges::copy(others.flat(), in[1].data);
        }};
    BOOST_TEST(fit(ebm, objective, settings) == 3u);
    const ad::Batched energy(
        {{2}}, [&](std::span<const ad::Var> in) -> ad::Vars { return {ebm.output(in[0])}; });
    ad::Workspace at = energy.workspace(32);
    std::ranges::copy(points.flat(), at.in(0).data);
    at.run();
    return ad::Tensor(at.out(0));
  };
  Ebm plain({.hidden = {8, 8}}, key), cold({.hidden = {8, 8}, .temperature = 0.25}, key);
  const ad::Tensor e = trained(plain);
  const ad::Tensor e_cold = trained(cold);
  double largest = 0;
  for (std::size_t i = 0; i < e.size(); ++i) {
    BOOST_TEST(e_cold[i] == 4 * e[i], boost::test_tools::tolerance(Real(1e-4)));
    largest = std::max(largest, std::abs(double(e[i])));
  }
  BOOST_TEST(largest > 1e-3);
}
