#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "autodiff/tensor.hpp"

using eqp::Real;
using namespace eqp::ad;

BOOST_AUTO_TEST_CASE(a_batch_has_the_shape_of_a_row_behind_its_rows) {
  BOOST_TEST((batch_shape(5, {}) == Shape{5}));
  BOOST_TEST((batch_shape(5, {1, 8, 9}) == Shape{5, 1, 8, 9}));
  BOOST_CHECK_THROW(batch_shape(5, {1, 2, 3, 4}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_tensor_is_reshaped_where_it_is) {
  Tensor x({2, 3, 2});
  x[7] = 4;
  const Real* memory = x.view().data;
  const Tensor y = std::move(x).reshaped({4, 3});
  BOOST_TEST((y.shape() == Shape{4, 3}));
  BOOST_TEST(y.view().data == memory);
  BOOST_TEST(y(2, 1) == 4);
  BOOST_CHECK_THROW(Tensor(y).reshaped({4, 2}), std::invalid_argument);
}
