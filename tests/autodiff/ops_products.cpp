#include <boost/test/unit_test.hpp>

#include "tests/autodiff/op_check.hpp"

using namespace eqp::ad;
using namespace eqp::ad::test;

namespace {

// op(a) op(b), 2-D or batched, by the definition.
Naive product(Transposed t) {
  return [t](const Arrays& x) {
    const auto matrix = [](const Array& a, bool transposed, std::size_t batch, std::size_t row,
                           std::size_t column) {
      if (transposed) std::swap(row, column);
      return a.shape.rank() == 3 ? a(batch, row, column) : a(row, column);
    };
    const Shape &a = x[0].shape, &b = x[1].shape;
    const std::size_t r = a.rank(), m = a[t.a ? r - 1 : r - 2], k = a[t.a ? r - 2 : r - 1];
    const std::size_t n = b[t.b ? r - 2 : r - 1];
    return build(r == 3 ? Shape{a[0], m, n} : Shape{m, n}, [&](const Index& at) {
      const auto [batch, i, j, unused] = r == 3 ? at : Index{0, at[0], at[1], 0};
      double s = 0;
      for (std::size_t p = 0; p < k; ++p) {
        s += matrix(x[0], t.a, batch, i, p) * matrix(x[1], t.b, batch, p, j);
      }
      return s;
    });
  };
}

Array affine_of(const Arrays& x) {
  Array y = product({})(x);
  const std::size_t m = x[2].values.size();
  for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += x[2].values[i % m];
  return y;
}

// The inverse of the lower triangle by back substitution, column by column of the identity.
Array triangular_inverse_of(const Arrays& x) {
  const std::size_t d = x[0].shape[0];
  Array y{x[0].shape, std::vector<double>(d * d)};
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t i = j; i < d; ++i) {
      double rest = i == j ? 1 : 0;
      for (std::size_t k = j; k < i; ++k) rest -= x[0](i, k) * y.values[k * d + j];
      y.values[i * d + j] = rest / x[0](i, i);
    }
  }
  return y;
}

Var plain(Args x) { return matmul(x[0], x[1]); }
Var a_turned(Args x) { return matmul(x[0], x[1], {.a = true}); }
Var b_turned(Args x) { return matmul(x[0], x[1], {.b = true}); }
Var both_turned(Args x) { return matmul(x[0], x[1], {.a = true, .b = true}); }
Var affine_op(Args x) { return affine(x[0], x[1], x[2]); }

// Small enough that a sum of 300 products stays of order one.
const Input kSmall{-0.1, 0.1};

// Sizes of one take the loops of their own in gemm, large ones are cut into tiles and tasks, the
// rest is in between.
const std::vector<Case> kProducts{
    {"matmul", {{4, 3}, {3, 5}}, plain, product({})},
    {"matmul a'", {{3, 4}, {3, 5}}, a_turned, product({.a = true})},
    {"matmul b'", {{4, 3}, {5, 3}}, b_turned, product({.b = true})},
    {"matmul a' b'", {{3, 4}, {5, 3}}, both_turned, product({.a = true, .b = true})},
    {"matmul to one column", {{4, 19}, {19, 1}}, plain, product({})},
    {"matmul a' to one column", {{19, 4}, {19, 1}}, a_turned, product({.a = true})},
    {"matmul b' to one column", {{4, 11}, {1, 11}}, b_turned, product({.b = true})},
    {"matmul a' b' to one column",
     {{11, 4}, {1, 11}},
     both_turned,
     product({.a = true, .b = true})},
    {"matmul of one row", {{1, 9}, {9, 5}}, plain, product({})},
    {"matmul b' of one row", {{1, 9}, {5, 9}}, b_turned, product({.b = true})},
    {"matmul column by row", {{4, 1}, {1, 5}}, plain, product({})},
    {"matmul a' column by row", {{1, 4}, {1, 5}}, a_turned, product({.a = true})},
    {"matmul b' column by row", {{4, 1}, {5, 1}}, b_turned, product({.b = true})},
    {"matmul a' b' column by row", {{1, 4}, {5, 1}}, both_turned, product({.a = true, .b = true})},
    {"matmul of 1 x 1", {{1, 1}, {1, 1}}, plain, product({})},
    {"matmul of a batch", {{2, 4, 3}, {2, 3, 5}}, plain, product({})},
    {"matmul a' of a batch", {{2, 3, 4}, {2, 3, 5}}, a_turned, product({.a = true})},
    {"matmul b' of a batch", {{2, 4, 3}, {2, 5, 3}}, b_turned, product({.b = true})},
    {"matmul a' b' of a batch",
     {{2, 3, 4}, {2, 5, 3}},
     both_turned,
     product({.a = true, .b = true})},
    {"matmul of a batch to one column", {{3, 2, 4}, {3, 4, 1}}, plain, product({})},
    {"matmul of a batch of columns by rows", {{3, 2, 1}, {3, 1, 4}}, plain, product({})},
    {"matmul with 20 x 40 x 30", {{20, 40}, {40, 30}}, plain, product({}), {kSmall, {}}},
    {"matmul over 300", {{3, 300}, {300, 2}}, plain, product({}), {kSmall, {}}},
    {"matmul a' over 300", {{300, 3}, {300, 2}}, a_turned, product({.a = true}), {kSmall, {}}},
    {"matmul of 300 rows", {{300, 2}, {2, 3}}, plain, product({}), {kSmall, {}}},
    {"matmul to 300 columns", {{2, 3}, {3, 300}}, plain, product({}), {kSmall, {}}},
    {"matmul a' b' to 300 columns",
     {{3, 2}, {300, 3}},
     both_turned,
     product({.a = true, .b = true}),
     {kSmall, {}}},
    {"matmul with itself",
     {{4, 3}},
     [](Args x) { return matmul(x[0], x[0], {.b = true}); },
     [](const Arrays& x) {
       return product({.b = true})({x[0], x[0]});
     }},
    {"matmul of recorded transposes",
     {{3, 4}, {5, 3}},
     [](Args x) { return matmul(transpose(x[0]), transpose(x[1])); },
     product({.a = true, .b = true})},
    {"matmul turns transposes back",
     {{4, 3}, {3, 5}},
     [](Args x) { return matmul(transpose(x[0]), transpose(x[1]), {.a = true, .b = true}); },
     product({})},
    {"affine", {{4, 3}, {3, 5}, {5}}, affine_op, affine_of},
    {"affine to one column", {{4, 19}, {19, 1}, {1}}, affine_op, affine_of},
    {"affine from one column", {{4, 1}, {1, 5}, {5}}, affine_op, affine_of},
    {"affine of one row", {{1, 3}, {3, 5}, {5}}, affine_op, affine_of},
    {"affine of 20 x 40 x 30", {{20, 40}, {40, 30}, {30}}, affine_op, affine_of, {kSmall, {}, {}}},
    {"affine over 300", {{3, 300}, {300, 2}, {2}}, affine_op, affine_of, {kSmall, {}, {}}},
    {"affine of 300 rows", {{300, 2}, {2, 3}, {3}}, affine_op, affine_of, {kSmall, {}, {}}},
    {"triangular_inverse",
     {{4, 4}},
     [](Args x) { return triangular_inverse(x[0]); },
     triangular_inverse_of,
     // What is above the diagonal is not read.
     {{.exactly = {1.5, 9, 9, 9, 0.4, -0.8, 9, 9, -0.3, 0.7, 2, 9, 1.1, -0.6, 0.2, 1.2}}}},
    {"triangular_inverse of one",
     {{1, 1}},
     [](Args x) { return triangular_inverse(x[0]); },
     triangular_inverse_of,
     {{.low = 0.5, .high = 1.5}}},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_product_has_three_derivatives) {
  for (const Case& row : kProducts) check(row);
}

BOOST_AUTO_TEST_CASE(a_product_over_nothing_is_zero) {
  const auto zeros = [](const Shape& a, const Shape& b) {
    Tape tape;
    const Var y = matmul(tape.input(a), tape.input(b));
    BOOST_TEST(y.shape().size() > 0u);
    const Case row{"matmul over nothing", {a, b}, plain, product({})};
    check(row);
  };
  zeros({4, 0}, {0, 3});
  zeros({2, 4, 0}, {2, 0, 1});
  check({"affine over nothing", {{4, 0}, {0, 3}, {3}}, affine_op, affine_of});
}
