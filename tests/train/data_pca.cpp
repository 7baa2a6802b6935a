#include "train/data/pca.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/parallel.hpp"
#include "autodiff/random.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// Of what data in Real can hold, at values of a few units.
const double kNear = sizeof(Real) == 8 ? 1e-12 : 2e-5;

// The four points mean +- a u, mean +- b v with orthonormal u and v: their covariance has exactly
// the eigenvalues a^2 / 2 and b^2 / 2 along them, and 0 along w.
const double kU[] = {2. / 3, -2. / 3, 1. / 3}, kV[] = {1. / 3, 2. / 3, 2. / 3};
const double kMean[] = {5, -1, 2}, kA = 3, kB = 1;

ad::Tensor cross() {
  ad::Tensor x({4, 3});
  for (std::size_t j = 0; j < 3; ++j) {
    x(0, j) = Real(kMean[j] + kA * kU[j]);
    x(1, j) = Real(kMean[j] - kA * kU[j]);
    x(2, j) = Real(kMean[j] + kB * kV[j]);
    x(3, j) = Real(kMean[j] - kB * kV[j]);
  }
  return x;
}

// 700 correlated points in 40 dimensions, far from 0.
ad::Tensor correlated() {
  const ad::Tensor e = ad::normal({700, 40}, {3});
  ad::Tensor x({700, 40});
  for (std::size_t i = 0; i < 700; ++i) {
    for (std::size_t j = 0; j < 40; ++j) {
      x(i, j) = Real(2 + e(i, j) / Real(1 + j) + Real(0.5) * e(i, (7 * j + 3) % 40));
    }
  }
  return x;
}

double mean_square(ad::ConstView a, ad::ConstView b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double(a[i]) - double(b[i]), 2);
  return sum / double(a.rows());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_pca)

BOOST_AUTO_TEST_CASE(components_are_those_of_a_known_covariance) {
  const Pca p = pca(Rows(cross()), 2);
  BOOST_TEST(std::abs(p.variance[0] - kA * kA / 2) < kNear);
  BOOST_TEST(std::abs(p.variance[1] - kB * kB / 2) < kNear);
  BOOST_TEST(std::abs(p.total_variance - (kA * kA + kB * kB) / 2) < kNear);
  BOOST_TEST(std::abs(p.dropped_variance()) < kNear);
  // The largest entry is positive; u has two of the same size, of either sign.
  const double sign = p.directions[0] > 0 ? 1 : -1;
  for (std::size_t j = 0; j < 3; ++j) {
    BOOST_TEST(std::abs(p.mean[j] - kMean[j]) < kNear);
    BOOST_TEST(std::abs(p.directions[j] - sign * kU[j]) < kNear);
    BOOST_TEST(std::abs(p.directions[3 + j] - kV[j]) < kNear);
  }
  const ad::Tensor z = p.project(cross());
  BOOST_TEST(std::abs(z(2, 1) - kB) < kNear);
  BOOST_TEST(std::abs(z(0, 1)) < kNear);
  const ad::Tensor white = p.whiten(cross());
  BOOST_TEST(std::abs(white(2, 1) - std::sqrt(2.0)) < 10 * kNear);
}

BOOST_AUTO_TEST_CASE(what_is_left_out_has_the_dropped_variance) {
  const ad::Tensor x = correlated();
  double last = std::numeric_limits<double>::infinity();
  for (const std::size_t k : {1, 5, 39, 40}) {
    const Pca p = pca(Rows(x), k);
    const double missed = mean_square(p.reconstruct(p.project(x)), x);
    BOOST_TEST(std::abs(missed - p.dropped_variance()) < kNear * p.total_variance, k);
    BOOST_TEST(missed < last);
    last = missed;
    BOOST_TEST(mean_square(p.reconstruct_whitened(p.whiten(x)), p.reconstruct(p.project(x))) <
               kNear);
  }
  BOOST_TEST(last < kNear);
}

BOOST_AUTO_TEST_CASE(directions_are_orthonormal_and_whitened_columns_uncorrelated) {
  const ad::Tensor x = correlated();
  const Pca p = pca(Rows(x), 12);
  const ad::Tensor z = p.whiten(x);
  for (std::size_t a = 0; a < 12; ++a) {
    const std::span<const double> row(&p.directions[a * 40], 40);
    double top = 0;
    for (const double v : row) top = std::abs(v) > std::abs(top) ? v : top;
    BOOST_TEST(top > 0);
    for (std::size_t b = 0; b <= a; ++b) {
      double product = 0, covariance = 0;
      for (std::size_t j = 0; j < 40; ++j) product += row[j] * p.directions[b * 40 + j];
      for (std::size_t i = 0; i < 700; ++i) covariance += double(z(i, a)) * z(i, b) / 700;
      BOOST_TEST(std::abs(product - (a == b)) < 1e-12);
      BOOST_TEST(std::abs(covariance - (a == b)) < 10 * kNear);
    }
    if (a > 0) BOOST_TEST(p.variance[a] <= p.variance[a - 1]);
  }
}

BOOST_AUTO_TEST_CASE(components_have_the_same_bits_on_any_number_of_threads) {
  const auto bits = [](std::size_t threads) {
    return ad::with_threads(threads, [] {
      const Pca p = pca(Rows(correlated()), 7);
      const ad::Tensor z = p.whiten(correlated());
      std::vector<double> all = p.directions;
      all.insert(all.end(), z.flat().begin(), z.flat().end());
      return all;
    });
  };
  BOOST_TEST((bits(1) == bits(3)));
}

BOOST_AUTO_TEST_CASE(degenerate_data_have_components_but_no_whitening) {
  const Pca flat = pca(Rows(cross()), 3);
  BOOST_TEST(std::abs(flat.variance[2]) < kNear);
  ad::Tensor one({5, 2});
  for (std::size_t i = 0; i < 5; ++i) one(i, 0) = 3, one(i, 1) = -4;
  const Pca point = pca(Rows(one), 2);
  BOOST_TEST(point.total_variance == 0);
  BOOST_TEST(point.reconstruct(point.project(one))(4, 1) == -4);
  BOOST_TEST(test::refusal([&] { point.whiten(one); }) ==
             "pca: the data have no extent along component 0; whiten with at most 0 components");
  // Fewer points than dimensions: n - 1 components say all.
  const ad::Tensor few = ad::normal({4, 9}, {5});
  const Pca three = pca(Rows(few), 3);
  BOOST_TEST(mean_square(three.reconstruct(three.project(few)), few) < kNear);
  BOOST_TEST(test::refusal([&] { pca(Rows(few), 5).whiten(few); }) ==
             "pca: the data have no extent along component 3; whiten with at most 3 components");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  const auto refusal = [](std::size_t n, std::size_t k) {
    return test::refusal([&] { pca(Rows(ad::normal({n, 3}, {1})), k); });
  };
  BOOST_TEST(refusal(0, 1) == "pca: no rows");
  BOOST_TEST(refusal(9, 0) == "pca: 0 components of 3 columns; need 1 to 3");
  BOOST_TEST(refusal(9, 4) == "pca: 4 components of 3 columns; need 1 to 3");
  const Pca p = pca(Rows(cross()), 2);
  BOOST_TEST(test::refusal([&] { p.project(ad::Tensor({2, 2})); }) == "pca: 2 columns; need 3");
  BOOST_TEST(test::refusal([&] { p.reconstruct(ad::Tensor({2, 3})); }) == "pca: 3 columns; need 2");
  ad::Tensor bad = cross();
  bad(1, 1) = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(test::refusal([&] { pca(Rows(bad), 1); }) ==
             "pca: a matrix with an entry that is not finite");
}

BOOST_AUTO_TEST_SUITE_END()
