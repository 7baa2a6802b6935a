#include <boost/test/unit_test.hpp>

#include "tests/train/support.hpp"
#include "train/cd.hpp"
#include "train/pcd.hpp"

using namespace eqp;
using namespace eqp::train;

// What cd and pcd pass on to their chains, seen where these end. U(x) = a |x|^2 / 2.
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kA = 2, kStep = 0.1;
constexpr std::uint32_t kSteps = 3;

struct Options {
  std::optional<double> noise = std::nullopt;
  double clip = kInfinity, bound = kInfinity;
};

// The negatives of one update of each method, all of whose chains start at x0.
std::vector<ad::Tensor> negatives(const std::vector<Real>& x0, std::size_t chains, Options o) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", kA));
  const auto fill = [=](ad::View out) {
    for (std::size_t i = 0; i < out.rows(); ++i) std::ranges::copy(x0, out.row(i).begin());
  };
  const DataSource data = [=](std::uint32_t, ad::View out) { fill(out); };
  const mcmc::Sampler start = [=](ad::View out, ad::Key, std::uint32_t) { fill(out); };
  const Objective methods[] = {cd(energy, data,
                                  {.dim = x0.size(),
                                   .batch = chains,
                                   .steps = kSteps,
                                   .step_size = kStep,
                                   .bound = o.bound,
                                   .noise = o.noise,
                                   .clip = o.clip,
                                   .key = {1}}),
                               pcd(energy, data, chains, start,
                                   {.dim = x0.size(),
                                    .batch = chains,
                                    .steps = kSteps,
                                    .step_size = kStep,
                                    .bound = o.bound,
                                    .noise = o.noise,
                                    .clip = o.clip,
                                    .key = {1}})};
  std::vector<ad::Tensor> result;
  for (const Objective& method : methods) {
    Inputs in(method);
    in.feed(method, 0);
    result.push_back(in.tensors[1]);
  }
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(langevin_options)

BOOST_AUTO_TEST_CASE(without_noise_a_chain_descends_and_a_clip_bounds_the_slope_it_sees) {
  const std::vector<Real> x0{3, Real(-0.25), -4};
  for (const double clip : {kInfinity, 1.0}) {
    for (const ad::Tensor& x : negatives(x0, 5, {.noise = 0, .clip = clip})) {
      for (std::size_t j = 0; j < x0.size(); ++j) {
        double at = x0[j];
        for (std::uint32_t t = 0; t < kSteps; ++t) at -= kStep * std::clamp(kA * at, -clip, clip);
        for (std::size_t i = 0; i < x.rows(); ++i) {
          BOOST_TEST(x(i, j) == at, boost::test_tools::tolerance(1e-6));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(noise_has_the_standard_deviation_that_was_asked_for) {
  for (const std::optional<double> noise : {std::optional<double>(), std::optional(0.02)}) {
    const double variance = noise ? *noise * *noise : 2 * kStep;
    double expected = 0;
    for (std::uint32_t t = 0; t < kSteps; ++t) {
      expected = std::pow(1 - kStep * kA, 2) * expected + variance;
    }
    for (const ad::Tensor& x : negatives({0, 0}, 5000, {.noise = noise})) {
      Mean squares;
      for (const Real v : x.flat()) squares.add(double(v) * v);
      BOOST_TEST(squares.off(expected) < 4);
      BOOST_TEST(squares.error() < 0.02 * expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(chains_stay_within_the_bound) {
  for (const ad::Tensor& x : negatives({0, 0}, 200, {.bound = 0.5})) {
    const auto [low, high] = std::ranges::minmax(x.flat());
    BOOST_TEST(low == Real(-0.5));
    BOOST_TEST(high == Real(0.5));
  }
}

BOOST_AUTO_TEST_CASE(noise_and_clip_must_make_sense) {
  const auto refused = [](const Options& o, const std::string& name) {
    BOOST_CHECK_EXCEPTION(negatives({0}, 1, o), std::invalid_argument, [&](const auto& e) {
      return std::string(e.what()).starts_with("Ula: " + name + " ");
    });
  };
  for (const double bad : {-0.1, kInfinity, std::nan("")}) refused({.noise = bad}, "noise");
  for (const double bad : {0.0, -1.0, std::nan("")}) refused({.clip = bad}, "clip");
}

BOOST_AUTO_TEST_SUITE_END()
