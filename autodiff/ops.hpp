#pragma once

#include "autodiff/tape.hpp"

// The catalogue of operations. Elementwise operations on two values broadcast by NumPy's rule.
// Not-a-number and infinities propagate through every value; at NaN itself, relu, clamp, minimum
// and maximum have the slope of one of their sides.
namespace eqp::ad {

// --- arithmetic (ops/arithmetic.cpp)
Var operator+(Var a, Var b);
Var operator-(Var a, Var b);
Var operator*(Var a, Var b);
Var operator/(Var a, Var b);
Var operator-(Var x);
Var operator+(Var x, double c);
Var operator+(double c, Var x);
Var operator-(Var x, double c);
Var operator-(double c, Var x);
Var operator*(Var x, double c);
Var operator*(double c, Var x);
Var operator/(Var x, double c);
Var operator/(double c, Var x);
Var square(Var x);
/// x^p for a fixed p.
Var pow(Var x, double p);
/// a^b; its derivative needs a > 0, or a = 0 and b > 0.
Var pow(Var a, Var b);
/// c0 + c1 x + c2 x^2 + ...
Var polynomial(Var x, std::vector<double> coefficients);

// --- functions of one value (ops/functions.cpp)
Var exp(Var x);
Var expm1(Var x);
Var log(Var x);
Var log1p(Var x);
Var sqrt(Var x);
Var sin(Var x);
Var cos(Var x);
Var erf(Var x);

// --- activations (ops/activations.cpp)
Var tanh(Var x);
/// 1 / (1 + exp(-x))
Var sigmoid(Var x);
/// log(1 + exp(x)) without overflow
Var softplus(Var x);
/// x sigmoid(x)
Var silu(Var x);
/// x Phi(x) with the normal distribution function Phi, by erf
Var gelu(Var x);
/// max(x, 0); derivative 0 at 0
Var relu(Var x);
/// x for x >= 0, slope x below; derivative 1 at 0
Var leaky_relu(Var x, double slope = 0.01);

// --- choice (ops/choice.cpp)
/// Derivative sign(x), 0 at 0.
Var abs(Var x);
/// -1, 0 or 1; gradient 0
Var sign(Var x);
/// The nearest whole number, the even one of two; gradient 0
Var round(Var x);
/// At a tie each side gets half of the gradient.
Var minimum(Var a, Var b);
Var maximum(Var a, Var b);
/// Derivative 1 on [low, high], 0 outside. Throws std::invalid_argument unless low <= high.
Var clamp(Var x, double low, double high);
/// a where condition is not 0, b where it is; no gradient to the condition, none to the side not
/// taken
Var where(Var condition, Var a, Var b);
/// 1 where the relation holds, else 0 (NaN compares false); gradient 0
Var greater(Var a, Var b);
Var equal(Var a, Var b);
/// The value of x, with gradient 0
Var stop_gradient(Var x);

// --- shapes (ops/broadcast.cpp, ops/movement.cpp, ops/index.cpp)
/// A constant of one value.
Var full(Tape& tape, const Shape& shape, double value);
/// Its value when x is a `full`.
std::optional<double> as_full(Var x);
Var broadcast_to(Var x, const Shape& shape);
/// The value x is stretched from, when it was recorded so; else empty.
Var as_broadcast(Var x);
/// Sums the axes that broadcast_to from `shape` would have stretched.
Var sum_to(Var x, const Shape& shape);
Var reshape(Var x, const Shape& shape);
/// Swaps the last two axes.
Var transpose(Var x);
/// The value x is the transpose of, when it was recorded as one; else empty.
Var as_transposed(Var x);
/// The transpose of x, past a transpose that made x: for rewriting, since derivatives with respect
/// to x would not see it.
Var flipped(Var x);
/// Axis i of the result is axis axes[i] of x.
Var permute(Var x, const std::vector<std::size_t>& axes);
Var concat(const Vars& parts, std::size_t axis);
/// Elements [begin, end) of one axis.
Var slice(Var x, std::size_t axis, std::size_t begin, std::size_t end);
/// Zeros around: `before` and `after` along one axis.
Var pad(Var x, std::size_t axis, std::size_t before, std::size_t after);
/// Entry i along `axis` of the result is entry index[i] of x. Indices may repeat.
Var gather(Var x, std::size_t axis, const std::vector<std::size_t>& index);
/// Entry i along `axis` of x is added to entry index[i] of a zero array with extent n there.
Var scatter_add(Var x, std::size_t axis, const std::vector<std::size_t>& index, std::size_t n);

// --- reductions (ops/reduce.cpp)
using Axes = std::vector<std::size_t>;
/// Over all elements -> scalar.
Var sum(Var x);
Var mean(Var x);
/// Over some axes, which vanish from the shape.
Var sum(Var x, const Axes& axes);
Var mean(Var x, const Axes& axes);
/// log sum exp without overflow; -inf over nothing but -inf
Var logsumexp(Var x, const Axes& axes);
/// The largest element; ties share the gradient, axis by axis when there are several.
Var max(Var x, const Axes& axes);
inline Var sum(Var x, std::size_t axis) { return sum(x, Axes{axis}); }
inline Var mean(Var x, std::size_t axis) { return mean(x, Axes{axis}); }
inline Var logsumexp(Var x, std::size_t axis) { return logsumexp(x, Axes{axis}); }
inline Var max(Var x, std::size_t axis) { return max(x, Axes{axis}); }
/// Running sum along an axis.
Var cumsum(Var x, std::size_t axis);

// --- products (ops/matmul.cpp)
struct Transposed {
  bool a = false, b = false;
};
/// a (m, k) times b (k, n) -> (m, n); with rank 3 the same for each of the leading batch.
/// A transposed operand is given as (k, m) or (n, k).
Var matmul(Var a, Var b, Transposed transposed = {});
/// What x is the product of, when it was recorded as one.
struct Product {
  Var a, b;
  Transposed transposed;
};
std::optional<Product> as_product(Var x);
/// sum + a b in one pass.  a, b as for matmul, sum of the product's shape.
Var add_product(Var sum, const Product& product);
/// x w + bias in one pass.  x (n, k), w (k, m) or, when transposed.b, (m, k), bias (m) -> (n, m)
Var affine(Var x, Var w, Var bias, Transposed transposed = {});
/// Whether a node is an affine.
bool is_affine(const Node& node);

// --- linear algebra (ops/triangular.cpp)
/// The inverse of a lower triangular matrix (d, d), which is lower triangular. What is above the
/// diagonal is not read.
Var triangular_inverse(Var lower);

// --- convolutions (ops/conv.cpp, ops/pool.cpp), as in torch.nn.functional
/// Along height and width; a single number stands for both.
struct Pair {
  std::size_t height, width;

  constexpr Pair(std::size_t both) : height(both), width(both) {}
  constexpr Pair(std::size_t h, std::size_t w) : height(h), width(w) {}
};
/// "(3, 3)"
std::string str(const Pair& pair);
struct Conv2dOptions {
  Pair stride = 1;
  /// Zeros around the image.
  Pair padding = 0;
};
/// The cross-correlation of images with a kernel.  x (n, c_in, h, w), weight (c_out, c_in, kh, kw),
/// bias (c_out) -> (n, c_out, (h + 2 padding - kh) / stride + 1, ...), rounded down.
Var conv2d(Var x, Var weight, const Conv2dOptions& options = {});
Var conv2d(Var x, Var weight, Var bias, const Conv2dOptions& options = {});
struct ConvTranspose2dOptions {
  Pair stride = 1, padding = 0;
  /// Rows and columns more, of those that a conv2d with this stride would leave out: below stride.
  Pair output_padding = 0;
};
/// The adjoint of conv2d in x, with the same weight.  x (n, c_in, h, w), weight (c_in, c_out, kh,
/// kw), bias (c_out) -> (n, c_out, (h - 1) stride - 2 padding + kh + output_padding, ...)
Var conv_transpose2d(Var x, Var weight, const ConvTranspose2dOptions& options = {});
Var conv_transpose2d(Var x, Var weight, Var bias, const ConvTranspose2dOptions& options = {});
struct AvgPool2dOptions {
  Pair kernel;
  /// The kernel's size when empty.
  std::optional<Pair> stride = std::nullopt;
  /// Zeros around the image, which count in means; at most half of the kernel.
  Pair padding = 0;
};
/// Means over windows.  x (n, c, h, w) -> (n, c, (h + 2 padding - kh) / stride + 1, ...)
Var avg_pool2d(Var x, const AvgPool2dOptions& options);

}  // namespace eqp::ad
