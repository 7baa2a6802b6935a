#include <boost/test/unit_test.hpp>

#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "flows/realnvp.hpp"
#include "tests/train/support.hpp"
#include "train/adaptive_flow.hpp"

using namespace eqp;
using namespace eqp::train;

// What one step does: which states become negatives, what the bank keeps, when the flow learns.
namespace {

constexpr std::size_t kLength = 10, kChains = 12;

// Ten states per update: two global moves, four local ones after each, too short to see.
AdaptiveFlowOptions short_steps(Negatives negatives, std::size_t batch) {
  return {.batch = batch,
          .bank = 100,
          .particles = 8,
          .global_steps = 1,
          .local_steps = 4,
          .cycles = 2,
          .negatives = negatives,
          .step_size = 1e-9,
          .key = {3}};
}

struct Model {
  ad::Params params, flow_params;
  mcmc::Energy network = quadratic(scalar(params, "a", 0.5));
  flows::Flow flow = flows::realnvp(flow_params, "flow", 2, {.blocks = 2, .hidden = {8}}, {1});

  Objective objective(const AdaptiveFlowOptions& options) {
    return adaptive_flow(tilted(network, flow), gaussian_data({0, 0}, 1, {2}), flow, flow_params,
                         options);
  }
  std::vector<Real> flow_values() const {
    return {flow_params.values().begin(), flow_params.values().end()};
  }
};

ad::Tensor negatives(const AdaptiveFlowOptions& options, std::uint32_t steps = 1) {
  Model m;
  const Objective objective = m.objective(options);
  Inputs inputs(objective);
  for (std::uint32_t t = 0; t < steps; ++t) inputs.feed(objective, t);
  return inputs.tensors[1];
}

double distance(std::span<const Real> a, std::span<const Real> b) {
  return std::hypot(double(a[0]) - b[0], double(a[1]) - b[1]);
}
constexpr double kNear = 1e-3;

void check_rows(const ad::Tensor& found, std::size_t row, const ad::Tensor& all,
                std::size_t expected) {
  BOOST_TEST(found.row(row) == all.row(expected), boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_states_of_a_chain_are_consecutive_rows) {
  const std::size_t chains = 200;
  AdaptiveFlowOptions options = short_steps(Negatives::all, chains * kLength);
  options.bank = chains;
  const ad::Tensor all = negatives(options);
  double jumps = 0;
  for (std::size_t row = 1; row < all.rows(); ++row) {
    const bool near = distance(all.row(row - 1), all.row(row)) < kNear;
    const std::size_t state = row % kLength;
    if (state == 0) {
      BOOST_TEST(!near);  // another chain
    } else if (state == 5) {
      jumps += !near;  // the second global move
    } else {
      BOOST_TEST(near);
    }
  }
  BOOST_TEST(jumps > 0.6 * chains);
  BOOST_TEST(jumps < chains);
}

BOOST_AUTO_TEST_CASE(the_last_state_is_that_of_all_states) {
  const ad::Tensor all = negatives(short_steps(Negatives::all, kChains * kLength), 3);
  const ad::Tensor last = negatives(short_steps(Negatives::last, kChains), 3);
  BOOST_TEST(last.rows() == kChains);
  for (std::size_t c = 0; c < kChains; ++c) check_rows(last, c, all, (c + 1) * kLength - 1);
}

BOOST_AUTO_TEST_CASE(a_subsample_is_evenly_spaced_and_ends_with_the_last_state) {
  const ad::Tensor all = negatives(short_steps(Negatives::all, kChains * kLength), 3);
  const std::vector<std::vector<std::size_t>> spaced{
      {9}, {4, 9}, {3, 6, 9}, {2, 4, 7, 9}, {1, 3, 5, 7, 9}};
  for (const auto& states : spaced) {
    const std::size_t k = states.size();
    AdaptiveFlowOptions options = short_steps(Negatives::subsample, kChains * k);
    options.per_chain = k;
    const ad::Tensor found = negatives(options, 3);
    for (std::size_t row = 0; row < found.rows(); ++row) {
      check_rows(found, row, all, row / k * kLength + states[row % k]);
    }
  }
}

// The surplus is left out where chains are still near the bank: the first states of the first one.
BOOST_AUTO_TEST_CASE(a_batch_that_chains_do_not_divide_is_filled_from_the_back) {
  const ad::Tensor whole = negatives(short_steps(Negatives::all, 30));
  const ad::Tensor part = negatives(short_steps(Negatives::all, 25));
  for (std::size_t row = 0; row < 25; ++row) check_rows(part, row, whole, row + 5);
}

// With two particles about half of the chains stay where they are: then the first state of an
// update is the last one of the update before. From a bank that keeps nothing it would be for the
// quarter that stayed twice.
BOOST_AUTO_TEST_CASE(the_bank_keeps_where_the_chains_ended) {
  const std::size_t chains = 200;
  AdaptiveFlowOptions options = short_steps(Negatives::all, chains * kLength / 2);
  options.bank = chains;
  options.particles = 2;
  options.cycles = 1;
  const ad::Tensor before = negatives(options, 1), after = negatives(options, 2);
  std::size_t stayed = 0, elsewhere = 0;
  for (std::size_t i = 0; i < before.rows(); i += 5) {
    for (std::size_t j = 0; j < before.rows(); j += 5) {
      const bool near = distance(before.row(j + 4), after.row(i)) < kNear;
      stayed += near;
      elsewhere += near && i != j;
    }
  }
  BOOST_TEST(stayed > 0.4 * chains);
  BOOST_TEST(stayed < 0.7 * chains);
  BOOST_TEST(elsewhere > 0.9 * double(stayed));  // random slots: in another order
}

BOOST_AUTO_TEST_CASE(the_flow_learns_the_negatives_and_only_after_the_energy_moved) {
  for (const std::uint32_t updates : {1, 3}) {
    AdaptiveFlowOptions options = short_steps(Negatives::last, 70);
    options.flow_updates = updates;
    options.flow_learning_rate = [](std::uint32_t t) { return t == 5 ? 0.02 : 0; };
    Model m, reference;
    const std::vector<Real> start = m.flow_values();
    const Objective objective = m.objective(options);
    Inputs inputs(objective);
    StepLog log = inputs.feed(objective, 0);
    BOOST_TEST(m.flow_values() == start, boost::test_tools::per_element());
    objective.after(4, inputs.views, log);  // at a learning rate of 0
    BOOST_TEST(m.flow_values() == start, boost::test_tools::per_element());

    const Objective again = m.objective(options);
    again.after(5, inputs.views, log);
    Update likelihood("reference", reference.flow_params, {{2}}, flow_loss(reference.flow), adam(),
                      {});
    double loss = 0;
    const ad::ConstView batch[] = {inputs.views[1]};
    for (std::uint32_t k = 0; k < updates; ++k) loss = likelihood.step(batch, 0.02).loss;
    BOOST_TEST(m.flow_values() == reference.flow_values(), boost::test_tools::per_element());
    BOOST_CHECK(m.flow_values() != start);
    BOOST_TEST(log.flow_loss == loss);
    BOOST_TEST(m.params.values()[0] == Real(0.5));
  }
}

// Rows of data in the places of evenly spaced negatives: a flow of the same parameters learns the
// same from a batch put together by hand.
BOOST_AUTO_TEST_CASE(a_share_of_the_flows_batch_is_data) {
  AdaptiveFlowOptions options = short_steps(Negatives::last, 8);
  options.data_share = 0.4;  // 3 of 8
  options.flow_learning_rate = constant(0.02);
  Model m, reference;
  const Objective objective = m.objective(options);
  Inputs inputs(objective);
  StepLog log = inputs.feed(objective, 0);
  ad::Tensor mixed = inputs.tensors[1];
  for (const std::size_t row : {0, 2, 5}) {
    std::ranges::copy(inputs.tensors[0].row(row), mixed.row(row).begin());
  }
  objective.after(0, inputs.views, log);
  Update likelihood("reference", reference.flow_params, {{2}}, flow_loss(reference.flow), adam(),
                    {});
  const ad::ConstView batch[] = {mixed};
  BOOST_TEST(log.flow_loss == likelihood.step(batch, 0.02).loss);
  BOOST_TEST(m.flow_values() == reference.flow_values(), boost::test_tools::per_element());
}

// The flow has shrunk to N(0, 1e-4 I) where the model is still N(0, I): i-SIR hardly moves but for
// a share of draws from the base itself.
BOOST_AUTO_TEST_CASE(defensive_draws_reach_what_the_flow_does_not) {
  for (const double defensive : {0.0, 0.5}) {
    ad::Params params, flow_params;
    const mcmc::Energy network = quadratic(scalar(params, "a", 0));
    const auto shrink = std::make_shared<flows::ElementwiseAffine>(flow_params, "shrink", 2);
    flow_params.mutate()[0] = flow_params.mutate()[1] = Real(std::log(0.01));
    const flows::Flow flow{std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)),
                           {shrink}};
    AdaptiveFlowOptions options = short_steps(Negatives::last, 200);
    options.bank = 200;
    options.particles = 16;
    options.flow_updates = 0;
    options.defensive = defensive;
    const Objective objective = adaptive_flow(tilted(network, flow), gaussian_data({0, 0}, 1, {2}),
                                              flow, flow_params, options);
    const StepLog log = Inputs(objective).feed(objective, 0);
    BOOST_TEST((defensive > 0 ? log.global_moves > 0.8 : log.global_moves < 0.1));
  }
}

BOOST_AUTO_TEST_CASE(the_base_sampler_draws_the_base_by_address) {
  const flows::Flow flow{std::make_shared<flows::DiagonalGaussian>(std::vector<double>{0.5, 2}),
                         {}};
  const mcmc::Sampler sample = base_sampler(flow);
  ad::Tensor whole({4000, 2}), part({3, 2});
  sample(whole, {5}, 10);
  sample(part, {5}, 13);
  for (std::size_t i = 0; i < 3; ++i) check_rows(part, i, whole, i + 3);
  for (std::size_t j = 0; j < 2; ++j) {
    Mean square;
    for (std::size_t i = 0; i < 4000; ++i) square.add(double(whole(i, j)) * whole(i, j));
    BOOST_TEST(square.off(j == 0 ? 0.25 : 4) < 4);
  }
}

BOOST_AUTO_TEST_CASE(adaptive_flow_refuses_what_it_cannot_do) {
  Model m;
  const auto refused = [&](auto change) {
    AdaptiveFlowOptions options = short_steps(Negatives::subsample, 20);
    change(options);
    BOOST_CHECK_THROW(m.objective(options), std::invalid_argument);
  };
  refused([](AdaptiveFlowOptions& o) { o.cycles = 0; });
  refused([](AdaptiveFlowOptions& o) { o.global_steps = o.local_steps = 0; });
  refused([](AdaptiveFlowOptions& o) { o.per_chain = 0; });
  refused([](AdaptiveFlowOptions& o) { o.per_chain = kLength + 1; });
  refused([](AdaptiveFlowOptions& o) { o.particles = 1; });
  refused([](AdaptiveFlowOptions& o) { o.bank = 0; });
  refused([](AdaptiveFlowOptions& o) { o.particles = 3, o.balance.on = true; });
  refused([](AdaptiveFlowOptions& o) { o.data_share = 1; });
  refused([](AdaptiveFlowOptions& o) { o.defensive = -0.1; });
  AdaptiveFlowOptions small = short_steps(Negatives::last, 20);
  small.bank = 19;
  BOOST_CHECK_THROW(negatives(small), std::invalid_argument);
}
