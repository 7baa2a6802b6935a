#include "autodiff/symmetric_eigen.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "tests/message.hpp"

using namespace eqp;

BOOST_AUTO_TEST_SUITE(symmetric_eigen)

// The second difference on d points: values 2 - 2 cos(pi m / (d + 1)), vectors sin(pi m i / (d +
// 1)).
BOOST_AUTO_TEST_CASE(values_and_vectors_are_those_of_a_second_difference) {
  constexpr std::size_t d = 60;
  std::vector<double> a(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    a[i * d + i] = 2;
    if (i > 0) a[i * d + i - 1] = -1;  // the upper triangle is not read
  }
  const ad::SymmetricEigen eigen = ad::symmetric_eigen("test", a, d);
  for (std::size_t k = 0; k < d; ++k) {
    const double angle = std::numbers::pi * double(d - k) / (d + 1),
                 norm = std::sqrt(2.0 / (d + 1));
    BOOST_TEST(std::abs(eigen.values[k] - (2 - 2 * std::cos(angle))) < 1e-12);
    const double* v = &eigen.vectors[k * d];
    const double sign = v[0] * std::sin(angle) > 0 ? 1 : -1;
    double top = 0;
    for (std::size_t i = 0; i < d; ++i) {
      BOOST_TEST(std::abs(v[i] - sign * norm * std::sin(double(i + 1) * angle)) < 1e-10);
      if (std::abs(v[i]) > std::abs(top)) top = v[i];
    }
    BOOST_TEST(top > 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_matrix_is_refused) {
  const std::vector<double> five(5), bad{1, 0, std::nan(""), 1};
  BOOST_TEST(test::refusal([&] { ad::symmetric_eigen("who", five, 2); }) ==
             "who: a matrix of 5 numbers; need 2 x 2");
  BOOST_TEST(test::refusal([&] { ad::symmetric_eigen("who", bad, 2); }) ==
             "who: a matrix with an entry that is not finite");
  BOOST_TEST(ad::symmetric_eigen("who", {}, 0).values.empty());
}

BOOST_AUTO_TEST_SUITE_END()
