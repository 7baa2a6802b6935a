#include "train/cd_kl.hpp"

#include <boost/test/unit_test.hpp>
#include <numbers>

#include "nn/mlp.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"
#include "train/cd.hpp"

using namespace eqp;
using namespace eqp::train;

// Data N(0, v I), U(x) = a |x|^2 / 2. One Langevin step maps a variance w to (1 - h a)^2 w + 2 h.
namespace {

constexpr double kVariance = 0.04, kStep = 0.01;

double after(std::uint32_t steps, double a, double w) {
  for (std::uint32_t s = 0; s < steps; ++s) w = std::pow(1 - kStep * a, 2) * w + 2 * kStep;
  return w;
}

template <class F>
double slope(const F& f, double a) {
  return (f(a + 1e-4) - f(a - 1e-4)) / 2e-4;
}

AtRest cd_at_rest(double a, std::size_t dim, std::uint32_t steps, CdKlOptions kl,
                  std::uint32_t updates) {
  ad::Params params;
  const Objective objective = cd(
      quadratic(scalar(params, "a", a)), gaussian_data(std::vector<double>(dim, 0), kVariance, {1}),
      {.dim = dim, .batch = 500, .steps = steps, .step_size = kStep, .kl = kl, .key = {2}});
  return at_rest(params, objective, updates);
}

constexpr double kRounding = sizeof(Real) == 4 ? 1e-4 : 1e-9;

}  // namespace

// The energy's part: d/da of a' E|x|^2 / 2 through the variance of the chains after their last
// steps, a' being held.
BOOST_AUTO_TEST_CASE(the_energy_of_the_chains_has_its_known_gradient_through_the_last_steps) {
  const double d = 2;
  for (const double a : {10.0, 30.0}) {
    for (const auto& [steps, through] : {std::pair{1u, 1u}, {4u, 1u}, {4u, 3u}, {4u, 4u}}) {
      for (const double weight : {1.0, -0.5}) {
        const AtRest found =
            cd_at_rest(a, 2, steps, {.steps = through, .weight = weight, .entropy = 0}, 400);
        const double before = after(steps - through, a, kVariance);
        const double w = after(steps, a, kVariance);
        const double through_chains =
            slope([&, n = through](double b) { return after(n, b, before); }, a);
        BOOST_TEST_CONTEXT(through << " of " << steps << " steps at " << a) {
          const double expected = d / 2 * (kVariance - w) + weight * d / 2 * a * through_chains;
          BOOST_TEST(found.gradient[0].off(expected) < 4);
          BOOST_TEST(found.gradient[0].error() < 0.02 * std::abs(d / 2 * a * through_chains));
          BOOST_TEST(found.loss.off(d / 2 * a * (kVariance - w + weight * w)) < 4);
        }
      }
    }
  }
}

// The entropy's part: the mean log distance is the entropy of the chains' Gaussian, up to the
// constants of Kozachenko & Leonenko.
BOOST_AUTO_TEST_CASE(log_distances_to_neighbours_are_the_entropy_of_the_chains) {
  const double d = 2, n = 500, a = 10;
  const CdKlOptions without{.steps = 2, .entropy = 0}, with{.steps = 2};
  const AtRest energy = cd_at_rest(a, 2, 2, without, 100), both = cd_at_rest(a, 2, 2, with, 100);
  const double distance = energy.loss.value() - both.loss.value();  // d E log |x - n(x)|
  const double entropy =
      distance + std::log(n - 1) + std::log(std::numbers::pi) + std::numbers::egamma;
  const double exact =
      d / 2 * std::log(2 * std::numbers::pi * std::numbers::e * after(2, a, kVariance));
  // 500 points know the density around one of them to a few per cent.
  BOOST_TEST(std::abs(entropy - exact) < 4 * both.loss.error() + 0.02);
  BOOST_TEST(both.loss.error() < 0.02);
}

// With every step and weight -1 the gradient is that of KL(data || model) - KL(chains || model),
// two divergences between Gaussians of variances u and 1 / a: d / 2 (a u - 1 - log(a u)). In three
// dimensions, where single pairs do not rule 1 / distance.
BOOST_AUTO_TEST_CASE(all_three_parts_are_the_derivative_of_contrastive_divergence) {
  const double d = 3;
  for (const auto& [at, steps] : {std::pair{10.0, 1u}, {40.0, 3u}}) {
    const double a = at;
    const std::uint32_t k = steps;
    const auto divergence = [&](double b) {
      const double w = after(k, b, kVariance);
      return d / 2 * (b * kVariance - std::log(b * kVariance) - b * w + std::log(b * w));
    };
    const AtRest found = cd_at_rest(a, 3, k, {.steps = k, .weight = -1}, 400);
    const double exact = slope(divergence, a);
    // What the entropy changes, to which neighbours at a finite distance are blind by some part.
    const double of_entropy =
        d / 2 * slope([&](double b) { return std::log(after(k, b, kVariance)); }, a);
    BOOST_TEST_CONTEXT("k " << k << ", a " << a) {
      BOOST_TEST(std::abs(found.gradient[0].value() - exact) <
                 4 * found.gradient[0].error() + 0.05 * std::abs(of_entropy));
      BOOST_TEST(found.gradient[0].error() < 0.03 * std::abs(of_entropy));
    }
  }
}

// Of a network: against differences of the same loss written down with frozen noise and neighbours,
// and a second network that does not move. The neighbours are put far away, where the logarithm has
// small higher derivatives.
BOOST_AUTO_TEST_CASE(the_gradient_of_improved_cd_is_that_of_its_loss_with_the_energy_frozen) {
  ad::Params params, frozen;
  const nn::Mlp moving(params, "net", {2, 6, 1}, ad::tanh, {3});
  const nn::Mlp still(frozen, "net", {2, 6, 1}, ad::tanh, {3});
  const auto energy = [](const nn::Mlp& net) {
    return mcmc::Energy([&net](ad::Var x) { return 4 * sum(net(x), 1) + 0.5 * sum(square(x), 1); });
  };
  const double h = 0.05, weight = 0.7, entropy = 1.5;
  const std::uint32_t steps = 5, through = 3;
  const Objective objective =
      cd(energy(moving), gaussian_data({0.3, -0.2}, 0.5, {1}),
         {.dim = 2,
          .batch = 60,
          .steps = steps,
          .step_size = h,
          .kl = CdKlOptions{.steps = through, .weight = weight, .entropy = entropy},
          .key = {2}});
  Inputs inputs(objective);
  inputs.feed(objective, 3);
  for (Real& v : inputs.tensors[4].flat()) v += 4;

  const auto loss = [&](std::span<const ad::Var> in) -> ad::Vars {
    ad::Var x = in[2];
    for (std::size_t k = 0; k < through; ++k) {
      const ad::Var xi = reshape(slice(in[3], 1, k, k + 1), x.shape());
      x = x - h * ad::grad(energy(moving)(x), x) + std::sqrt(2 * h) * xi;
    }
    const ad::Var distance = ad::sqrt(sum(square(x - in[4]), 1));
    return {mean(energy(moving)(in[0]) - energy(moving)(in[1]) +
                 weight * (energy(still)(x) - entropy * log(distance)))};
  };
  ad::Workspace at = ad::Batched(objective.row_shapes, loss).workspace(objective.batch);
  for (std::size_t k = 0; k < inputs.tensors.size(); ++k) {
    std::ranges::copy(inputs.tensors[k].flat(), at.in(k).data);
  }
  const auto moved = [&](std::size_t i, double by) {
    const Real old = params.values()[i];
    params.mutate()[i] = Real(old + by);
    at.run();
    params.mutate()[i] = old;
    return double(at.out(0)[0]);
  };

  std::vector<double> gradient;
  Update update("cd", params, objective.row_shapes, objective.loss,
                std::make_unique<Probe>(gradient), {});
  BOOST_TEST(std::abs(update.step(inputs.read(), 1).loss - moved(0, 0)) < kRounding);
  // Five-point differences: error e^4, and rounding 1e-7 / e in f32.
  const double e = sizeof(Real) == 4 ? 3e-2 : 1e-3, tolerance = sizeof(Real) == 4 ? 1e-4 : 1e-8;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const double difference =
        (8 * (moved(i, e) - moved(i, -e)) - (moved(i, 2 * e) - moved(i, -2 * e))) / (12 * e);
    BOOST_TEST(std::abs(gradient[i] - difference) < tolerance * (1 + std::abs(difference)),
               gradient[i] << " against " << difference);
  }
}

// Where every slope is clipped, or every chain at a wall, its end does not depend on the energy.
BOOST_AUTO_TEST_CASE(nothing_passes_through_clipped_slopes_and_walls) {
  struct Limits {
    double bound, clip;
  };
  for (const auto& [bound, clip] : {Limits{1e9, 1e-3}, Limits{1e-3, 1e9}}) {
    const auto gradient = [&, bound = bound, clip = clip](std::optional<CdKlOptions> kl) {
      ad::Params params;
      const DataSource far = [](std::uint32_t t, ad::View out) {
        gaussian_data({3, -4}, 0.01, {1})(t, out);
      };
      // A hill, so that chains at a wall are pushed against it.
      const Objective objective = cd(quadratic(scalar(params, "a", -10)), far,
                                     {.dim = 2,
                                      .batch = 50,
                                      .steps = 3,
                                      .step_size = 0.01,
                                      .bound = bound,
                                      .noise = 0,
                                      .clip = clip,
                                      .kl = kl,
                                      .key = {2}});
      return at_rest(params, objective, 3).gradient[0].value();
    };
    const double with = gradient(CdKlOptions{.steps = 1, .weight = 5, .entropy = 0});
    BOOST_TEST(with == gradient(std::nullopt), boost::test_tools::tolerance(kRounding));
  }
}

// The recorded steps end where the chains did, limits included: U of the negatives cancels.
BOOST_AUTO_TEST_CASE(the_recorded_steps_are_those_of_the_chains) {
  for (const std::uint32_t through : {1u, 4u}) {
    ad::Params params;
    const mcmc::Energy energy = quadratic(scalar(params, "a", 10));
    const Objective objective = cd(energy, gaussian_data({0, 0}, kVariance, {1}),
                                   {.dim = 2,
                                    .batch = 300,
                                    .steps = 4,
                                    .step_size = kStep,
                                    .bound = 0.3,
                                    .clip = 2,
                                    .kl = CdKlOptions{.steps = through, .entropy = 0},
                                    .key = {2}});
    Inputs inputs(objective);
    for (const std::uint32_t t : {0u, 7u}) {
      inputs.feed(objective, t);
      const ad::Tensor loss = ad::evaluate(
          [&](std::span<const ad::Var> in) -> ad::Vars { return {objective.loss(in)}; },
          inputs.tensors)[0];
      const ad::Tensor of_data =
          ad::evaluate([&](std::span<const ad::Var> in) -> ad::Vars { return {energy(in[0])}; },
                       {inputs.tensors[0]})[0];
      for (std::size_t i = 0; i < 300; ++i) {
        BOOST_TEST(std::abs(double(loss[i]) - double(of_data[i])) < kRounding);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_neighbour_is_the_nearest_other_negative) {
  ad::Params params;
  const Objective objective =
      cd(quadratic(scalar(params, "a", 10)), gaussian_data({0, 0, 0}, kVariance, {1}),
         {.dim = 3, .batch = 300, .kl = CdKlOptions{}, .key = {2}});
  Inputs inputs(objective);
  inputs.feed(objective, 1);
  const ad::ConstView x = inputs.tensors[1], neighbour = inputs.tensors[4];
  const auto square = [](std::span<const Real> p, std::span<const Real> q) {
    double sum = 0;
    for (std::size_t k = 0; k < p.size(); ++k) sum += std::pow(double(p[k]) - double(q[k]), 2);
    return sum;
  };
  for (std::size_t i = 0; i < 300; ++i) {
    double nearest = 1e9;
    for (std::size_t j = 0; j < 300; ++j) {
      if (j != i) nearest = std::min(nearest, square(x.row(i), x.row(j)));
    }
    BOOST_TEST(square(x.row(i), neighbour.row(i)) == nearest, boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(gradients_through_steps_that_are_not_there_are_refused) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1));
  for (const std::uint32_t through : {0u, 6u}) {
    BOOST_TEST(test::refusal([&] {
                 cd(energy, gaussian_data({0, 0}, kVariance, {1}),
                    {.dim = 2, .steps = 5, .kl = CdKlOptions{.steps = through}});
               }) == "cd: gradient through " + std::to_string(through) +
                         " Langevin steps of 5: need 1 to all of them");
  }
}

BOOST_AUTO_TEST_CASE(negatives_at_one_point_have_no_neighbours) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1));
  const DataSource far = [](std::uint32_t, ad::View out) {
    std::ranges::fill(out.flat(), Real(100));
  };
  const Objective objective = cd(
      energy, far,
      {.dim = 2, .batch = 10, .steps = 2, .bound = 1, .noise = 0, .kl = CdKlOptions{}, .key = {1}});
  Inputs inputs(objective);
  BOOST_TEST(test::message<std::runtime_error>([&] { inputs.feed(objective, 0); }) ==
             "cd: the negatives are one point, with no neighbours");
}
