#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>

#include "autodiff/random.hpp"
#include "train/data/standardise.hpp"

namespace eqp::train {
namespace {

// Columns of very different scale; the third is constant, at a value whose mean would be rounded.
ad::Tensor table() {
  ad::Tensor x = ad::normal({301, 3}, {4, 0});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    x(i, 0) = Real(1e-4) * x(i, 0) + Real(0.01);
    x(i, 1) = Real(50) * x(i, 1) - Real(300);
    x(i, 2) = Real(0.1);
  }
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_standardise)

BOOST_AUTO_TEST_CASE(mean_and_sd_are_those_of_the_columns) {
  ad::Tensor x({4, 1});
  for (std::size_t i = 0; i < 4; ++i) x[i] = Real(i * i);  // 0 1 4 9
  const Standardisation s = standardisation(x);
  BOOST_TEST(s.mean[0] == 3.5);
  BOOST_TEST(s.sd[0] == 3.5,
             boost::test_tools::tolerance(1e-12));  // (12.25 + 6.25 + 0.25 + 30.25) / 4
  s.apply(x);
  BOOST_TEST(x[3] == Real(5.5 / 3.5), boost::test_tools::tolerance(Real(1e-6)));
}

BOOST_AUTO_TEST_CASE(standardised_columns_have_mean_0_and_variance_1) {
  ad::Tensor x = table();
  standardisation(x).apply(x);
  for (std::size_t j = 0; j < 2; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      mean += x(i, j) / double(x.rows());
      square += double(x(i, j)) * x(i, j) / double(x.rows());
    }
    BOOST_TEST(std::abs(mean) < 1e-6);
    BOOST_TEST(std::abs(square - 1) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_constant_column_is_named_and_comes_back_exactly) {
  ad::Tensor x = table();
  const Standardisation s = standardisation(x);
  BOOST_TEST(s.constant == std::vector<std::size_t>{2}, boost::test_tools::per_element());
  BOOST_TEST(s.sd[2] == 1);
  s.apply(x);
  for (std::size_t i = 0; i < x.rows(); ++i) BOOST_TEST(x(i, 2) == 0);
  s.invert(x);
  for (std::size_t i = 0; i < x.rows(); ++i) BOOST_TEST(x(i, 2) == Real(0.1));
}

BOOST_AUTO_TEST_CASE(invert_undoes_apply) {
  const ad::Tensor x = table();
  ad::Tensor y = x;
  const Standardisation s = standardisation(x);
  s.apply(y);
  s.invert(y);
  const double rounding = std::numeric_limits<Real>::epsilon();
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      // The rounding of (x - mean) / sd, at most about 4 here, comes back times sd.
      BOOST_TEST(std::abs(y(i, j) - x(i, j)) <= rounding * (std::abs(x(i, j)) + 4 * s.sd[j]));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  BOOST_CHECK_THROW(standardisation(ad::Tensor({0, 2})), std::invalid_argument);
  ad::Tensor two({3, 2});
  BOOST_CHECK_THROW(standardisation(table()).apply(two), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
