#include "mcmc/mode_weights.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/random.hpp"
#include "mcmc/discover_modes.hpp"
#include "mcmc/medoids.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// Chains that leave mode 0 with probability `leave` and come back with probability `back`.
Labels two_state(std::size_t chains, std::size_t draws, double leave, double back, ad::Key key) {
  Labels labels{chains, draws, 2, {}};
  for (std::uint32_t c = 0; c < chains; ++c) {
    ad::Draws random(key, c);
    std::uint32_t state = random.uniform() < leave / (leave + back);
    for (std::size_t t = 0; t < draws; ++t) {
      labels.values.push_back(state);
      if (random.uniform() < (state == 0 ? leave : back)) state = 1 - state;
    }
  }
  return labels;
}

Labels labels_of(std::size_t chains, std::vector<std::uint32_t> values, std::size_t modes) {
  return {chains, values.size() / chains, modes, std::move(values)};
}

/// Two Gaussians of variance 1 in d dimensions at first coordinate -a and a, weights 1/3 and 2/3.
Energy two_gaussians(std::size_t d, double a) {
  std::vector<double> left(d), right(d);
  left[0] = -a;
  right[0] = a;
  return isotropic_mixture({.weights = {1, 2}, .means = {left, right}, .variances = {1, 1}}).energy;
}

ad::Tensor mixture_draws(std::size_t chains, std::size_t draws, std::size_t d, double a) {
  ad::Tensor x = ad::normal({chains, draws, d}, {11, 0});
  ad::Draws random({11, 1});
  for (std::size_t i = 0; i < chains * draws; ++i) {
    x[i * d] += static_cast<Real>(random.uniform() < 1.0 / 3 ? -a : a);
  }
  return x;
}

}  // namespace

// The indicator of a two-state chain is an AR(1) with rho = 1 - leave - back, weight 2/3 of mode 0.
BOOST_AUTO_TEST_CASE(mode_weights_of_a_two_state_chain_have_the_closed_form_error) {
  const double leave = 0.02, back = 0.04, rho = 1 - leave - back, draws = 4 * 20'000;
  const ModeWeights w = mode_weights(two_state(4, 20'000, leave, back, {1, 0}));
  const double exact = std::sqrt(2.0 / 9 * (1 + rho) / (1 - rho) / draws);
  BOOST_TEST(std::abs(w.modes[0].weight.mcse / exact - 1) < 0.2);
  BOOST_TEST(std::abs(w.modes[0].weight.value - 2.0 / 3) < 4 * exact);
  BOOST_TEST(w.modes[0].visits + w.modes[1].visits == 80'000);
  BOOST_TEST(w.modes[0].chains == 4);
  BOOST_TEST(!w.alarm);
  for (const std::size_t moves : w.transitions) {
    BOOST_TEST(std::abs(double(moves) / (20'000 * 2 * leave * back / (leave + back)) - 1) < 0.2);
  }
}

BOOST_AUTO_TEST_CASE(mode_weights_raise_no_false_alarm_and_see_a_drift) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    BOOST_TEST(!mode_weights(two_state(4, 1000, 0.05, 0.1, {seed, 1})).alarm);
  }
  Labels drift = two_state(4, 2000, 0.3, 0.3, {2, 0});
  const Labels later = two_state(4, 2000, 0.5, 0.1, {2, 1});
  for (std::size_t c = 0; c < 4; ++c) {
    for (std::size_t t = 1000; t < 2000; ++t) {
      drift.values[c * 2000 + t] = later.values[c * 2000 + t];
    }
  }
  const ModeWeights w = mode_weights(drift);
  BOOST_TEST(w.modes[0].unsettled);
  BOOST_TEST(!w.modes[0].lost);
  BOOST_TEST(w.alarm);
  BOOST_TEST(w.text().find("mode 0 is unsettled") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_mode_that_is_known_or_was_visited_and_is_not_at_the_end_is_lost) {
  const Labels labels = labels_of(2, {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0}, 3);
  const ModeWeights w = mode_weights(labels, {.known = {true, false, false}});
  BOOST_TEST(!w.modes[0].lost);
  BOOST_TEST(w.modes[1].lost);   // visited
  BOOST_TEST(!w.modes[2].lost);  // neither known nor visited
  BOOST_TEST(mode_weights(labels).modes[2].lost);
  BOOST_TEST(mode_weights(labels).modes[2].weight.value == 0);
  BOOST_TEST(std::isnan(mode_weights(labels).modes[2].weight.mcse));
  BOOST_TEST(!mode_weights(labels, {.known = {true, true, false}, .last_part = 1}).modes[1].lost);
  BOOST_TEST(w.transitions == (std::vector<std::size_t>{4, 2}), boost::test_tools::per_element());
  // The whole chain changes its mode half way: no half has an error, and they differ.
  const ModeWeights moved = mode_weights(labels_of(1, {0, 0, 0, 0, 1, 1, 1, 1}, 2));
  BOOST_TEST(std::isinf(moved.modes[0].difference));
  BOOST_TEST(moved.modes[0].unsettled);
}

BOOST_AUTO_TEST_CASE(labels_are_those_of_the_nearest_centre_or_of_the_user) {
  ad::Tensor centres({2, 2}), draws({1, 2, 2});
  centres(1, 0) = 4;
  draws[0] = 3;
  draws[3] = 9;
  const Labels labels = label(draws, 2, nearest_centre(centres));
  BOOST_TEST(labels.values == (std::vector<std::uint32_t>{1, 0}), boost::test_tools::per_element());
  const Labelling sign = [](std::span<const Real> x) { return std::uint32_t(x[1] > 1); };
  BOOST_TEST(label(draws, 2, sign).values[1] == 1);
  BOOST_CHECK_THROW(label(draws, 1, sign), std::invalid_argument);
  BOOST_CHECK_THROW(label(ad::Tensor({2, 2}), 2, sign), std::invalid_argument);
  BOOST_CHECK_THROW(label(ad::Tensor({1, 1, 3}), 2, nearest_centre(centres)),
                    std::invalid_argument);
  BOOST_CHECK_THROW(nearest_centre(ad::Tensor({0, 2})), std::invalid_argument);
  draws[1] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_CHECK_THROW(label(draws, 2, sign), std::invalid_argument);
  BOOST_CHECK_THROW(mode_weights(labels), std::invalid_argument);  // 2 draws
  const Labels eight = labels_of(1, {0, 1, 0, 1, 0, 1, 0, 1}, 2);
  BOOST_CHECK_THROW(mode_weights(eight, {.known = {true}}), std::invalid_argument);
  BOOST_CHECK_THROW(mode_weights(eight, {.last_part = 0}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(medoids_are_the_middles_of_clusters) {
  ad::Tensor x({7, 1});
  std::ranges::copy(std::vector<Real>{0, 1, 2, 100, 101, 102, 102}, x.flat().begin());
  std::vector<std::size_t> two = medoids(x, 2);
  std::ranges::sort(two);
  BOOST_TEST(two[0] == 1);
  BOOST_TEST(x[two[1]] == 101);
  BOOST_TEST(medoids(x, 100).size() == 6);  // rows that differ
  BOOST_TEST(medoids(ad::Tensor({5, 2}), 3).size() == 1);
}

// Between typical draws of one mode the line passes below both; between the modes at +-3 the
// barrier is 4.5 nats, less than a line between typical draws in 32 dimensions hides.
BOOST_AUTO_TEST_CASE(modes_are_discovered_and_weighed) {
  for (const std::size_t d : {2, 32}) {
    const ad::Tensor draws = mixture_draws(4, 2000, d, 3);
    const DiscoveredModes found = discover_modes(two_gaussians(d, 3), draws);
    BOOST_REQUIRE(found.count == 2);
    const ModeWeights w = mode_weights(label(draws, found.count, found.labelling()));
    // Mode 0 is the lower one. The draws are independent; 0.3 % are on the other side.
    BOOST_TEST(std::abs(w.modes[0].weight.value - 2.0 / 3) < 0.02);
    BOOST_TEST(std::abs(w.modes[0].weight.mcse * std::sqrt(8000 * 4.5) - 1) < 0.15);
    BOOST_TEST(!w.alarm);
    BOOST_TEST(discover_modes(two_gaussians(d, 3), draws, {.barrier = 6}).count == 1);
  }
  const ad::Tensor draws = mixture_draws(4, 200, 2, 3);
  BOOST_TEST(discover_modes(two_gaussians(2, 0.5), draws).count == 1);
  BOOST_TEST(discover_modes(two_gaussians(2, 3), draws, {.points = 1}).count <= 2);
}

BOOST_AUTO_TEST_CASE(modes_of_draws_at_the_minima_need_no_descent) {
  ad::Tensor draws({1, 2, 2});
  draws[0] = -3;
  draws[2] = 3;
  const DiscoveredModes found = discover_modes(two_gaussians(2, 3), draws, {.descent = 0});
  BOOST_TEST(found.count == 2);
  BOOST_TEST(found.labelling()(draws.row(0).first(2)) == 1);  // the higher of the two
  BOOST_TEST(found.labelling()(draws.row(0).last(2)) == 0);
}

BOOST_AUTO_TEST_CASE(discovery_refuses_what_has_no_modes) {
  const Energy energy = two_gaussians(2, 3);
  ad::Tensor draws = mixture_draws(2, 10, 2, 3);
  BOOST_CHECK_THROW(discover_modes(energy, ad::Tensor({2, 0, 2})), std::invalid_argument);
  BOOST_CHECK_THROW(discover_modes(energy, ad::Tensor({2, 2})), std::invalid_argument);
  BOOST_CHECK_THROW(discover_modes(energy, draws, {.points = 0}), std::invalid_argument);
  BOOST_CHECK_THROW(discover_modes(energy, draws, {.medoids = 0}), std::invalid_argument);
  BOOST_CHECK_THROW(discover_modes(energy, draws, {.barrier = 0}), std::invalid_argument);
  draws[21] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_CHECK_EXCEPTION(discover_modes(energy, draws), std::invalid_argument, [](const auto& e) {
    return std::string(e.what()).find("chain 1 has draws that are not finite") != std::string::npos;
  });
}
