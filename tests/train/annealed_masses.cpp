#include "train/metrics/annealed_masses.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"
#include "train/data/region_masses.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

Modes nearest(const std::vector<std::vector<double>>& centres) {
  return {.of =
              [=](std::span<const Real> x) {
                std::vector<double> far(centres.size());
                for (std::size_t k = 0; k < centres.size(); ++k) {
                  for (std::size_t j = 0; j < x.size(); ++j) {
                    far[k] += std::pow(x[j] - centres[k][j], 2);
                  }
                }
                return std::size_t(std::ranges::min_element(far) - far.begin());
              },
          .count = centres.size()};
}

/// exp(4) times a mixture of round Gaussians, cut into the regions nearest to its centres.
struct Problem {
  mcmc::IsotropicMixtureOptions mixture;
  mcmc::Target target = mcmc::isotropic_mixture(mixture);
  Modes modes = nearest(mixture.means);

  mcmc::Energy energy() const {
    return [u = target.energy](ad::Var x) { return u(x) - 4; };
  }
  ad::Tensor sample(std::size_t n, ad::Key key) const {
    ad::Tensor x({n, target.dim});
    target.sample(x, key, 0);
    return x;
  }
};

/// Three modes that overlap a little, so that a component's weight is not the mass around its
/// centre.
const Problem kPlane{{.weights = {0.5, 0.3, 0.2},
                      .means = {{-1, 0}, {1.2, 0.4}, {0.3, 2}},
                      .variances = {0.25, 0.15, 0.2}}};

/// Modes some ten standard deviations apart in 12 dimensions.
Problem far_apart() {
  std::vector<std::vector<double>> means(3, std::vector<double>(12, -2));
  for (std::size_t j = 0; j < 12; ++j) means[1][j] = 1.5, means[2][j] = j < 6 ? 3 : -1;
  return {{.weights = {0.62, 0.3, 0.08}, .means = means, .variances = {1, 0.25, 0.49}}};
}

constexpr AnnealingOptions kShort{.temperatures = 30, .particles = 200};
AnnealingOptions with_seed(AnnealingOptions options, std::uint64_t seed) {
  options.key = {.seed = seed};
  return options;
}

/// Of n estimates, each divided by its stated error: sd 1, about 0, if the errors are right.
void check_calibrated(const Mean& z, const std::string& what) {
  const double sd = z.error() * std::sqrt(z.n);
  BOOST_TEST_MESSAGE(what << ": z " << z.value() << " +- " << z.error() << ", sd " << sd);
  BOOST_TEST(std::abs(z.value()) < 4 / std::sqrt(z.n), what);
  BOOST_TEST(std::abs(sd - 1) < 4 / std::sqrt(2 * z.n), what);
}

/// The standard error of mass k by central differences in every log Z.
double delta_method(const std::vector<RegionMass>& regions, std::size_t k) {
  const auto mass = [&](std::size_t moved, double by) {
    double own = 0, sum = 0;
    for (std::size_t j = 0; j < regions.size(); ++j) {
      const double z = std::exp(regions[j].log_z.value + (j == moved ? by : 0));
      sum += z;
      if (j == k) own = z;
    }
    return own / sum;
  };
  double variance = 0;
  for (std::size_t j = 0; j < regions.size(); ++j) {
    const double h = 1e-4, slope = (mass(j, h) - mass(j, -h)) / (2 * h);
    variance += std::pow(slope * regions[j].log_z.error, 2);
  }
  return std::sqrt(variance);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masses_by_annealing)

BOOST_AUTO_TEST_CASE(masses_of_regions_that_overlap_are_within_their_errors) {
  const std::vector<double> exact = nearest_centre_masses(kPlane.mixture);
  BOOST_TEST(std::abs(exact[0] - 0.5) > 0.005);  // else the weights would do
  const auto bases = region_bases(kPlane.sample(300, {.seed = 1}), kPlane.modes);
  std::vector<Mean> mass_z(3), log_z(3);
  Mean error;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto regions =
        annealed_masses(kPlane.energy(), kPlane.modes, bases, with_seed(kShort, seed));
    for (std::size_t k = 0; k < 3; ++k) {
      const RegionMass& r = regions[k];
      mass_z[k].add((r.mass - exact[k]) / r.standard_error);
      log_z[k].add((r.log_z.value - 4 - std::log(exact[k])) / r.log_z.error);
      error.add(r.standard_error);
      BOOST_TEST(r.share > 0.3);
      BOOST_TEST(r.ess <= r.share * 200 + 1e-9);
    }
  }
  BOOST_TEST(error.value() < 0.05);
  for (std::size_t k = 0; k < 3; ++k) {
    check_calibrated(mass_z[k], "mass of region " + std::to_string(k));
    check_calibrated(log_z[k], "log Z of region " + std::to_string(k));
  }
}

BOOST_AUTO_TEST_CASE(far_modes_in_12_dimensions_have_their_weights) {
  const Problem p = far_apart();
  // As many draws of each mode as of the others: their number is no information.
  ad::Tensor draws({120, 12});
  for (std::size_t i = 0; i < 120; ++i) {
    for (std::size_t j = 0; j < 12; ++j) {
      const double sd = std::sqrt(p.mixture.variances[i % 3]);
      draws(i, j) = Real(p.mixture.means[i % 3][j]);
      draws(i, j) += Real(sd * ad::Draws({.seed = 2}, std::uint32_t(12 * i + j)).normal());
    }
  }
  const auto regions = annealed_masses(p.energy(), p.modes, region_bases(draws, p.modes),
                                       {.temperatures = 80, .particles = 400, .key = {.seed = 3}});
  for (std::size_t k = 0; k < 3; ++k) {
    const RegionMass& r = regions[k];
    BOOST_TEST_MESSAGE(r.mass << " +- " << r.standard_error << ", ess " << r.ess << ", share "
                              << r.share);
    BOOST_TEST(std::abs(r.mass - p.mixture.weights[k]) < 4 * r.standard_error);
    BOOST_TEST(std::abs(r.log_z.value - 4 - std::log(p.mixture.weights[k])) < 4 * r.log_z.error);
    BOOST_TEST(r.standard_error < 0.01);
    BOOST_TEST(r.standard_error == delta_method(regions, k), boost::test_tools::tolerance(1e-5));
    BOOST_TEST(r.share == 1);
    BOOST_TEST(r.ess > 200);
  }
}

BOOST_AUTO_TEST_CASE(a_base_in_the_wrong_place_costs_variance_and_no_bias) {
  const std::vector<double> exact = nearest_centre_masses(kPlane.mixture);
  auto bases = region_bases(kPlane.sample(300, {.seed = 1}), kPlane.modes);
  const double good = annealed_masses(kPlane.energy(), kPlane.modes, bases, kShort)[2].log_z.error;
  bases[2] = mcmc::gaussian_proposal({-0.5, 0.8}, {0.5, 0.5});  // in region 0
  Mean ratio, error, share;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const RegionMass bad =
        annealed_masses(kPlane.energy(), kPlane.modes, bases, with_seed(kShort, seed))[2];
    ratio.add(std::exp(bad.log_z.value - 4) / exact[2]);
    error.add(bad.log_z.error);
    share.add(bad.share);
  }
  BOOST_TEST_MESSAGE("Z_2 / exact " << ratio.value() << " +- " << ratio.error() << ", errors "
                                    << error.value() << " for " << good << ", share "
                                    << share.value());
  BOOST_TEST(ratio.off(1) < 4);
  BOOST_TEST(ratio.error() < 0.1);
  BOOST_TEST(share.value() < 0.3);
  BOOST_TEST(error.value() > 1.5 * good);
}

BOOST_AUTO_TEST_CASE(a_region_without_a_particle_is_empty_and_says_so) {
  // A fourth region where there is no mass to speak of.
  const Modes modes = nearest({{-1, 0}, {1.2, 0.4}, {0.3, 2}, {40, 40}});
  auto bases = region_bases(kPlane.sample(300, {.seed = 1}), kPlane.modes);
  bases.push_back(bases[0]);
  const auto regions = annealed_masses(kPlane.energy(), modes, bases, kShort);
  BOOST_TEST(regions[3].mass == 0);
  BOOST_TEST(regions[3].share == 0);
  BOOST_TEST(regions[3].ess == 0);
  BOOST_TEST(std::isinf(regions[3].log_z.value));
  BOOST_TEST(std::isnan(regions[3].standard_error));
  const auto without =
      annealed_masses(kPlane.energy(), kPlane.modes, {bases[0], bases[1], bases[2]}, kShort);
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(regions[k].mass == without[k].mass);
    BOOST_TEST(regions[k].standard_error == without[k].standard_error);
  }
}

BOOST_AUTO_TEST_CASE(regions_that_cannot_be_fitted_take_the_fallback) {
  const ad::Tensor draws = kPlane.sample(100, {.seed = 4});
  const Modes left_out = nearest({{-1, 0}, {1.2, 0.4}, {0.3, 2}, {40, 40}});
  const auto refusal = [&](const ad::Tensor& x, const Modes& modes, RegionBaseOptions options) {
    return test::refusal([&] { region_bases(x, modes, options); });
  };
  BOOST_TEST(refusal(draws, left_out, {}) ==
             "region_bases: region 3 has 0 draws; need at least 10 that differ, or a fallback");
  ad::Tensor frozen({20, 2});
  for (std::size_t i = 0; i < 20; ++i) frozen(i, 0) = Real(i);
  const Modes whole;
  BOOST_TEST(refusal(frozen, whole, {}) ==
             "region_bases: region 0 has draws that agree in coordinate 1; need at least 10 that "
             "differ, or a fallback");
  // What stands apart from the fallback is that of the draws: N(mean, (1.25 sd)^2).
  const mcmc::Proposal wide = mcmc::gaussian_proposal({0, 0}, {3, 3});
  BOOST_TEST(region_bases(draws, left_out, {.fallback = wide}).size() == 4u);
  const auto density = [](const mcmc::Proposal& q, ad::Tensor x) {
    ad::Batched at({ad::Shape{2}},
                   [&](std::span<const ad::Var> in) -> ad::Vars { return {q.log_prob(in[0])}; });
    ad::Workspace run = at.workspace(1);
    std::ranges::copy(x.flat(), run.in(0).data);
    run.run();
    return double(run.out(0)[0]);
  };
  ad::Tensor two({2, 2}), at({1, 2});
  two(0, 0) = 1, two(1, 0) = 3, two(0, 1) = -2, two(1, 1) = 2;  // mean (2, 0), sd (1, 2)
  at(0, 0) = 2.5, at(0, 1) = 1;
  const auto base = region_bases(two, whole, {.widening = 1.25, .least_draws = 2});
  const double expected = -0.5 * (std::pow(0.5 / 1.25, 2) + std::pow(1 / 2.5, 2)) -
                          std::log(1.25 * 2.5 * 2 * std::numbers::pi);
  BOOST_TEST(std::abs(density(base[0], at) - expected) < 1e-5);
  BOOST_TEST(density(region_bases(frozen, whole, {.fallback = wide})[0], at) == density(wide, at));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  const mcmc::Proposal base = mcmc::gaussian_proposal({0, 0}, {1, 1});
  const auto refusal = [&](const Modes& modes, const std::vector<mcmc::Proposal>& bases,
                           const AnnealingOptions& options) {
    return test::refusal([&] { annealed_masses(kPlane.energy(), modes, bases, options); });
  };
  BOOST_TEST(refusal(kPlane.modes, {base, base}, kShort) ==
             "annealed_masses: 2 bases for 3 regions; need one for each of at least 1 region");
  BOOST_TEST(refusal({}, {base}, {.temperatures = 0}) ==
             "annealed_masses: 0 temperatures; need at least 1");
  BOOST_TEST(refusal({.of = [](std::span<const Real>) { return 7; }}, {base}, kShort) ==
             "modes: a point is in mode 7 of 1; modes count from 0");
  BOOST_TEST(test::refusal([&] {
               region_bases(ad::Tensor({0, 2}), kPlane.modes);
             }) == "region_bases: draws (0, 2); need (n, d) with n and d of at least 1");
  BOOST_TEST(test::refusal([&] {
               region_bases(ad::Tensor({9, 2}), kPlane.modes, {.widening = 0});
             }) ==
             "region_bases: widening 0.000000 of at least 10 draws; need a positive number "
             "and at least 2");
  BOOST_TEST(test::refusal([&] {
               region_bases(ad::Tensor({9, 3}), kPlane.modes, {.fallback = base});
             }) == "region_bases: a fallback of dim 2 for draws (9, 3); need equal dims");
  // Each base in the other's place: modes so far apart that no particle crosses.
  const Modes halves{.of = [](std::span<const Real> x) { return std::size_t(x[0] > 0); },
                     .count = 2};
  const mcmc::Energy apart = [](ad::Var x) { return sum(square(abs(x) - 30), 1); };
  const mcmc::Proposal left = mcmc::gaussian_proposal({-30, 30}, {1, 1}),
                       right = mcmc::gaussian_proposal({30, 30}, {1, 1});
  BOOST_TEST(test::message<std::runtime_error>([&] {
               annealed_masses(apart, halves, {right, left}, {.temperatures = 2, .particles = 5});
             }) ==
             "annealed_masses: no particle ended in the region of its base; need bases near "
             "the mass of theirs, or more temperatures");
}

BOOST_AUTO_TEST_SUITE_END()
