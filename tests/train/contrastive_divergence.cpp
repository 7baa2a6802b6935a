#include <boost/test/unit_test.hpp>

#include "tests/message.hpp"
#include "tests/train/support.hpp"
#include "train/cd.hpp"
#include "train/pcd.hpp"

using namespace eqp;
using namespace eqp::train;

// Data N(0, v I) in the plane, U(x) = a |x|^2 / 2. One Langevin step maps a variance w to
// (1 - h a)^2 w + 2 h.
namespace {

struct Model {
  ad::Params params;
  mcmc::Energy energy;
  explicit Model(double a) : energy(quadratic(scalar(params, "a", a))) {}
};

DataSource data(double variance) { return gaussian_data({0, 0}, variance, {1}); }

mcmc::Sampler normals(double variance) {
  return [=](ad::View out, ad::Key key, std::uint32_t first) {
    ad::BlockRng{key, 0, first}.normal(out);
    for (Real& v : out.flat()) v *= Real(std::sqrt(variance));
  };
}

// Where the variance of the chains, whatever their length, is that of the data; 1 / v it is not.
double fixed_point(double variance, double h) { return (1 - std::sqrt(1 - 2 * h / variance)) / h; }

struct Case {
  double variance, h, fixed_point, learning_rate;
};
// Learning rates of about 0.1 / slope of the mean gradient, which is v^2 or so.
const std::vector<Case> kCases{{0.04, 0.01, 29.289322, 60}, {1, 0.3, 1.225148, 0.05}};

// The fluctuation of a around its fixed point shifts the mean by second order, about var(a) / a.
void check_fixed_point(const Mean& a, const Case& c) {
  BOOST_TEST(a.off(c.fixed_point) < 4, a.value() << " +- " << a.error());
  BOOST_TEST(a.error() < 0.006 * c.fixed_point);
  BOOST_TEST(std::abs(a.value() - c.fixed_point) < 0.02 * c.fixed_point);
}

}  // namespace

BOOST_AUTO_TEST_CASE(chains_that_explode_are_named_with_step_and_operation) {
  ad::Params params;
  const ad::Param a = scalar(params, "a", 1);
  const mcmc::Energy quartic = [&](ad::Var x) {
    const ad::Scope scope(*x.tape, "quartic");
    return a.on(*x.tape) * sum(square(square(x)), 1);
  };
  const DataSource far = [](std::uint32_t, ad::View out) {
    std::ranges::fill(out.flat(), Real(0));
    out(70, 1) = 1000;
  };
  const Objective objective =
      cd(quartic, far, {.dim = 2, .batch = 100, .steps = 50, .step_size = 0.01, .key = {1}});
  const std::string message =
      eqp::test::message<std::runtime_error>([&] { fit(params, objective, sgd(), {.steps = 3}); });
  BOOST_TEST(message.starts_with("step 0: cd: chain 70 at step "), message);
  BOOST_TEST(message.find("Ula: the position is no longer finite: ") != message.npos, message);
  BOOST_TEST(message.find(" in quartic: inf in row 6 of (32, 2)") != message.npos, message);
  BOOST_TEST(message.ends_with("; lower the step size or bound the chain"), message);
}

BOOST_AUTO_TEST_CASE(the_mean_gradient_of_cd_is_the_known_one) {
  const double v = 0.04, h = 0.01, a = 10;
  for (const std::uint32_t k : {0, 1, 3}) {
    Model m(a);
    const AtRest found = at_rest(
        m.params,
        cd(m.energy, data(v), {.dim = 2, .batch = 500, .steps = k, .step_size = h, .key = {2}}),
        400);
    double w = v;
    for (std::uint32_t s = 0; s < k; ++s) w = std::pow(1 - h * a, 2) * w + 2 * h;
    if (k == 0) {
      BOOST_TEST((found.gradient[0].sum == 0 && found.loss.sum == 0));  // negatives are the data
    } else {
      BOOST_TEST(found.gradient[0].off(v - w) < 4);  // dim / 2 (v - w)
      BOOST_TEST(found.gradient[0].error() < 0.03 * std::abs(v - w));
      BOOST_TEST(found.loss.off(a * (v - w)) < 4);
    }
  }
}

BOOST_AUTO_TEST_CASE(cd_ends_where_langevin_chains_reproduce_the_variance) {
  for (const Case& c : kCases) {
    BOOST_TEST(fixed_point(c.variance, c.h) == c.fixed_point, boost::test_tools::tolerance(1e-6));
    for (const std::uint32_t k : {1, 5}) {  // the same for any number of steps
      Model m(1 / c.variance);
      const Objective objective =
          cd(m.energy, data(c.variance),
             {.dim = 2, .batch = 500, .steps = k, .step_size = c.h, .key = {2}});
      check_fixed_point(trained(m.params, objective, {4 * c.learning_rate, 200, 1000})[0], c);
    }
  }
}

BOOST_AUTO_TEST_CASE(pcd_ends_there_too) {
  for (const Case& c : kCases) {
    Model m(1 / c.variance);
    const Objective objective =
        pcd(m.energy, data(c.variance), 1000, normals(4 * c.variance),
            {.dim = 2, .batch = 500, .steps = 5, .step_size = c.h, .key = {2}});
    check_fixed_point(trained(m.params, objective, {c.learning_rate, 400, 2000})[0], c);
  }
}

// Restarts from a law four times as wide keep the bank wide: its stationary variance w solves
// w = S^5((1 - p) w + 4 p v), where S is a Langevin step, for a bank that is all used each time.
BOOST_AUTO_TEST_CASE(pcd_restarts_its_chains_from_the_law_of_the_start) {
  const double v = 0.04, h = 0.01, a = 10, p = 0.3;
  Model m(a);
  const AtRest found = at_rest(m.params,
                               pcd(m.energy, data(v), 500, normals(4 * v),
                                   {.dim = 2,
                                    .batch = 500,
                                    .steps = 5,
                                    .step_size = h,
                                    .restart_probability = p,
                                    .key = {3}}),
                               600);
  double w = v;
  for (int t = 0; t < 200; ++t) {
    w = (1 - p) * w + p * 4 * v;
    for (int s = 0; s < 5; ++s) w = std::pow(1 - h * a, 2) * w + 2 * h;
  }
  // Two thirds of a state's variance is renewed per update, so that successive means are nearly
  // independent.
  BOOST_TEST(found.gradient[0].off(v - w) < 6);
  BOOST_TEST(found.gradient[0].error() < 0.01 * std::abs(v - w));
}

BOOST_AUTO_TEST_CASE(pcd_refuses_restarts_that_are_not_a_probability) {
  Model m(1);
  for (const double bad : {-0.1, 1.5, std::nan("")}) {
    BOOST_TEST(eqp::test::refusal([&] {
                 pcd(m.energy, data(1), 10, normals(1),
                     {.dim = 2, .batch = 10, .restart_probability = bad});
               }) ==
               "pcd: restart_probability " + std::to_string(bad) + "; need a number from 0 to 1");
  }
}

// Langevin steps longer than v / 2 always overshoot the data: a grows until the chains diverge.
BOOST_AUTO_TEST_CASE(energies_run_away_when_the_step_is_too_long_for_the_data) {
  Model m(50);
  const Objective objective =
      cd(m.energy, data(0.01), {.dim = 2, .batch = 100, .steps = 5, .step_size = 0.01, .key = {2}});
  double last = 0;
  BOOST_CHECK_EXCEPTION(
      fit(m.params, objective, sgd(), {.steps = 2000, .learning_rate = constant(200)},
          [&](std::uint32_t, const StepLog&) {
            last = m.params.values()[0];
            return true;
          }),
      std::runtime_error, [](const auto& e) {
        const std::string what = e.what();
        return what.starts_with("step ") && what.find("cd") != what.npos;
      });
  BOOST_TEST(last > 200);  // 2 / h: beyond it Langevin steps are unstable
}
