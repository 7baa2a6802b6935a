#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autodiff/ops.hpp"

// The oracle of the ops: a naive function of double arrays beside each, written with std:: and
// loops, never with the library.
namespace eqp::ad::test {

using Index = std::array<std::size_t, Shape::kMaxRank>;

/// A row-major array of double, as the naive functions see it.
struct Array {
  Shape shape;
  std::vector<double> values;

  /// The element at the first `rank` of these indices.
  double operator()(std::size_t i = 0, std::size_t j = 0, std::size_t k = 0,
                    std::size_t l = 0) const;
};
using Arrays = std::vector<Array>;
using Naive = std::function<Array(const Arrays&)>;

/// The array whose element at each index is f(index).
Array build(const Shape& shape, const std::function<double(const Index&)>& f);
/// Naive functions from a scalar one: of one array, and of two under NumPy's broadcasting.
Naive each(double (*f)(double));
Naive zip(double (*f)(double, double));

/// Where an input is drawn from, or what it is (repeated to fill the shape).
struct Input {
  double low = -1.5, high = 1.5;
  std::vector<double> exactly = {};
};

using Args = std::span<const Var>;

/// A row of the table.
struct Case {
  std::string name;
  std::vector<Shape> shapes;
  Var (*f)(Args);
  Naive naive;
  std::vector<Input> inputs = {};
};

/// Checks the value of f and its derivatives, mixed ones included: in f64 to the third order, in
/// f32 the first.
void check(const Case& row);

}  // namespace eqp::ad::test
