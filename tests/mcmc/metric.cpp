#include "mcmc/metric.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "mcmc/hmc.hpp"
#include "mcmc/mala.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

constexpr std::size_t kDim = 3;
const std::vector<double> kCovariance{2.0, 0.6, -0.3, 0.6, 1.0, 0.2, -0.3, 0.2, 0.5};
const std::vector<double> kVariances{4.0, 0.25, 2.25};

Metric dense() { return Metric::dense(kCovariance, kDim); }
Metric diagonal() { return Metric::diagonal(kVariances); }

ad::Tensor identity() {
  ad::Tensor e({kDim, kDim});
  for (std::size_t j = 0; j < kDim; ++j) e(j, j) = 1;
  return e;
}

/// Of a metric: row j of a drift from 0 along the j-th unit vector, the j-th column of L.
ad::Tensor columns(const Metric& m) {
  ad::Tensor x({kDim, kDim});
  m.drift(x, 1, identity());
  return x;
}

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}

const double kNear = sizeof(Real) == 8 ? 1e-13 : 1e-5;

/// 1/2 (x - 1)^T A (x - 1) + x_0^4 / 10 with an A that is not the covariance above.
ad::Var energy(ad::Var x) {
  const ad::Var a = x - 1.0;
  const ad::Var first = ad::slice(x, 1, 0, 1);
  return sum(square(a), 1) + 0.4 * square(sum(a, 1)) +
         0.1 * ad::reshape(square(square(first)), {x.shape()[0]});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(the_factor_makes_the_inverse_mass) {
  const ad::Tensor l = columns(dense());
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t j = 0; j < kDim; ++j) {
      double product = 0;
      for (std::size_t k = 0; k < kDim; ++k) product += double(l(k, i)) * l(k, j);
      BOOST_TEST(std::abs(product - kCovariance[i * kDim + j]) < kNear);
    }
  }
  const ad::Tensor scales = columns(diagonal());
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t j = 0; j < kDim; ++j) {
      BOOST_TEST(scales(i, j) == (i == j ? Real(std::sqrt(kVariances[i])) : Real(0)));
    }
  }
  BOOST_TEST(std::ranges::equal(columns({}).flat(), identity().flat()));
}

BOOST_AUTO_TEST_CASE(a_kick_is_the_transpose_of_a_drift) {
  // g . (L q) = (L^T g) . q, for rows of any number.
  for (const Metric& m : {Metric(), diagonal(), dense()}) {
    const ad::Tensor q = ad::normal({7, kDim}, {.seed = 1}), g = ad::normal({7, kDim}, {.seed = 2});
    ad::Tensor x({7, kDim}), p({7, kDim});
    m.drift(x, Real(0.5), q);
    m.kick(p, Real(0.5), g);
    for (std::size_t i = 0; i < 7; ++i) {
      double a = 0, b = 0;
      for (std::size_t j = 0; j < kDim; ++j) {
        a += double(g(i, j)) * x(i, j);
        b += double(p(i, j)) * q(i, j);
      }
      BOOST_TEST(std::abs(a - b) < 10 * kNear);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_row_has_the_same_bits_in_any_company) {
  for (const Metric& m : {Metric(), diagonal(), dense()}) {
    const ad::Tensor q = ad::normal({7, kDim}, {.seed = 3});
    ad::Tensor together({7, kDim}), alone({7, kDim});
    m.drift(together, Real(0.3), q);
    m.kick(together, Real(0.7), q);
    for (std::size_t i = 0; i < 7; ++i) {
      m.drift(alone.view().slice(i, 1), Real(0.3), q.view().slice(i, 1));
      m.kick(alone.view().slice(i, 1), Real(0.7), q.view().slice(i, 1));
    }
    BOOST_TEST(std::ranges::equal(together.flat(), alone.flat()));
  }
}

BOOST_AUTO_TEST_CASE(a_metric_is_a_change_of_coordinates) {
  // A kernel on U(x) with M^-1 = L L^T is the same one on U(L z) without a metric.
  const Metric metric = dense();
  const ad::Tensor z0 = ad::normal({6, kDim}, {.seed = 4});
  const auto mapped = [&](const ad::Tensor& z) {
    ad::Tensor x(z.shape());
    metric.drift(x, 1, z);
    return x;
  };
  const Energy in_z = [l = columns(metric)](ad::Var z) {
    ad::Var x;
    for (std::size_t k = 0; k < kDim; ++k) {
      const auto column = l.row(k);
      ad::Vars parts;
      for (const Real v : column) parts.push_back(ad::slice(z, 1, k, k + 1) * double(v));
      const ad::Var part = ad::concat(parts, 1);
      x = k == 0 ? part : x + part;
    }
    return energy(x);
  };
  const auto check = [&](const auto& in_x, const auto& without) {
    const RunResult a = run(in_x, mapped(z0), {.steps = 5}), b = run(without, z0, {.steps = 5});
    const ad::Tensor x = mapped(b.last);
    for (std::size_t k = 0; k < x.size(); ++k) {
      BOOST_TEST(std::abs(double(x[k]) - a.last[k]) < 1000 * kNear);
    }
    BOOST_TEST(std::abs(a.counts.rate() - b.counts.rate()) < 1000 * kNear);
    BOOST_TEST(a.counts.rate() > 0.5);
    BOOST_TEST(a.counts.rate() < 0.999);
  };
  check(Hmc(energy, kDim, {.step_size = 0.4, .leapfrog_steps = 4, .metric = metric}),
        Hmc(in_z, kDim, {.step_size = 0.4, .leapfrog_steps = 4}));
  check(Mala(energy, kDim, {.step_size = 0.15, .metric = metric}),
        Mala(in_z, kDim, {.step_size = 0.15}));
}

BOOST_AUTO_TEST_CASE(jitter_draws_a_number_of_leapfrog_steps_for_all_chains) {
  const auto leapfrogs = [](double jitter, std::size_t length, std::size_t block) {
    std::vector<std::uint32_t> of_steps(300);
    std::set<std::uint32_t> distinct;
    const Hmc kernel(energy, kDim, {.step_size = 0.1, .leapfrog_steps = length, .jitter = jitter});
    Chains<Hmc> chains(kernel, ad::normal({5, kDim}, {.seed = 5}), block);
    ad::with_threads(1, [&] {
      chains.advance(
          kernel, 0, 300, {.seed = 6},
          [&](std::size_t first, std::uint32_t t, ad::ConstView, std::span<const Transition> told) {
            for (const Transition& one : told) {
              if (first == 0) of_steps[t] = one.leapfrogs;
              BOOST_TEST(one.leapfrogs == of_steps[t]);
            }
            distinct.insert(of_steps[t]);
          });
      return 0;
    });
    return distinct;
  };
  BOOST_TEST(leapfrogs(0, 5, 2) == (std::set<std::uint32_t>{5}));
  BOOST_TEST(leapfrogs(0.4, 5, 2) == (std::set<std::uint32_t>{3, 4, 5, 6, 7}));
  BOOST_TEST(leapfrogs(1, 2, 5) == (std::set<std::uint32_t>{1, 2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(what_is_no_metric_is_refused) {
  BOOST_TEST(message([] { Metric::diagonal(std::vector<double>{}); }) ==
             "Metric: no variances; need at least 1");
  BOOST_TEST(message([] {
               Metric::diagonal(std::vector{1.0, 0.0});
             }) == "Metric: variance 0 of coordinate 1; need a finite number above 0");
  BOOST_TEST(message([] {
               Metric::dense(std::vector{1.0, 2.0, 2.0, 1.0}, 2);
             }).starts_with("Metric: covariance is not positive definite"));
  BOOST_TEST(message([] { Hmc(energy, 2, {.metric = dense()}); }) ==
             "Hmc: a metric of dimension 3; need 2");
  BOOST_TEST(message([] { Mala(energy, 2, {.metric = dense()}); }) ==
             "Mala: a metric of dimension 3; need 2");
  BOOST_TEST(message([] { Hmc(energy, 2, {.jitter = 1.5}); }) ==
             "Hmc: jitter 1.500000; need a number between 0 and 1");
  BOOST_TEST(message([] { Hmc(energy, 2, {.leapfrog_steps = 0}); }) ==
             "Hmc: leapfrog_steps 0; need at least 1");
}

BOOST_AUTO_TEST_SUITE_END()
