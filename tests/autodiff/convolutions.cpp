#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"
#include "tests/message.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

struct Sizes {
  std::size_t extent, kernel, stride, padding;
};

template <class F>
void for_all_sizes(F f) {
  for (std::size_t stride : {1, 2, 3}) {
    for (std::size_t padding : {0, 1, 2}) {
      for (std::size_t kernel : {1, 2, 3, 5}) {
        for (std::size_t extent : {5, 6, 7, 8}) f(Sizes{extent, kernel, stride, padding});
      }
    }
  }
}

double inner(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

template <class F>
std::string refusal(F f) {
  Tape tape;
  return eqp::test::refusal([&] { f([&](const Shape& shape) { return tape.input(shape); }); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(convolutions)

BOOST_AUTO_TEST_CASE(the_transposed_convolution_is_the_adjoint_at_all_sizes) {
  for_all_sizes([](const Sizes& s) {
    const Conv2dOptions options{.stride = {s.stride, 1}, .padding = {s.padding, s.padding}};
    const Shape x_shape{2, 3, s.extent, s.extent + 3}, w_shape{4, 3, s.kernel, 2};
    const std::size_t rows = (s.extent + 2 * s.padding - s.kernel) / s.stride + 1;
    const Shape y_shape{2, 4, rows, s.extent + 2 + 2 * s.padding};
    // What the stride leaves out at the end.
    const Pair rest{(s.extent + 2 * s.padding - s.kernel) % s.stride, 0};
    const Tensor x = normal(x_shape, {1, 0}), w = normal(w_shape, {1, 1});
    const Tensor y = normal(y_shape, {1, 2});
    const auto v = evaluate(
        [&](Args in) {
          return Vars{
              conv2d(in[0], in[1], options),
              conv_transpose2d(
                  in[2], in[1],
                  {.stride = options.stride, .padding = options.padding, .output_padding = rest}),
              grad(sum(conv2d(in[0], in[1], options) * in[2]), in[1])};
        },
        {x, w, y});
    BOOST_TEST_REQUIRE(str(v[0].shape()) == str(y_shape));
    BOOST_TEST_REQUIRE(str(v[1].shape()) == str(x_shape));
    const double product = inner(v[0], y);
    // Some thousand terms of order one, each rounded, in random directions.
    const double tolerance = 5e3 * std::numeric_limits<Real>::epsilon();
    BOOST_TEST(std::abs(inner(v[1], x) - product) < tolerance);
    BOOST_TEST(std::abs(inner(v[2], w) - product) < tolerance);
  });
}

BOOST_AUTO_TEST_CASE(an_image_does_not_depend_on_the_others) {
  for (const std::size_t channels : {5, 16}) {
    const Tensor x = normal({70, channels, 7, 6}, {2, 0});
    const Tensor w = normal({channels, channels, 3, 3}, {2, 1});
    Tensor one({1, channels, 7, 6});
    std::ranges::copy(x.row(66), one.flat().begin());
    const Function f = [](Args in) {
      return Vars{conv2d(in[0], in[1], {.padding = 1}),
                  conv_transpose2d(in[0], in[1], {.stride = 2})};
    };
    const auto all = evaluate(f, {x, w}), alone = evaluate(f, {one, w});
    BOOST_TEST(std::ranges::equal(all[0].row(66), alone[0].flat()));
    BOOST_TEST(std::ranges::equal(all[1].row(66), alone[1].flat()));
  }
}

BOOST_AUTO_TEST_CASE(the_weight_is_turned_once_per_update) {
  Params params;
  const Param w = params.add("w", {5, 3, 3, 3}, [](auto) {});
  const Program p =
      compile({{2, 3, 6, 6}}, [&](Args in) { return Vars{conv2d(in[0], w.on(*in[0].tape))}; });
  BOOST_TEST(p.n_kernels() == 1u);
}

BOOST_AUTO_TEST_CASE(no_images_are_convolved_to_none) {
  const auto f = [](Args in) {
    const Var y = conv2d(in[0], in[1]);
    return Vars{y, grad(y, in[0]), grad(y, in[1])};
  };
  const auto v = evaluate(f, {Tensor({0, 2, 4, 4}), normal({3, 2, 3, 3}, {1, 0})});
  BOOST_TEST(str(v[0].shape()) == "(0, 3, 2, 2)");
  BOOST_TEST(str(v[1].shape()) == "(0, 2, 4, 4)");
  BOOST_TEST(std::ranges::all_of(v[2].flat(), [](Real g) { return g == 0; }));
}

BOOST_AUTO_TEST_CASE(impossible_convolutions_are_refused_in_one_line) {
  BOOST_TEST(refusal([](auto in) {
               conv2d(in({2, 3, 8, 8}), in({4, 2, 3, 3}));
             }) ==
             "conv2d: x (2, 3, 8, 8) and weight (4, 2, 3, 3): need (n, c, h, w) and (c_out, c, kh, "
             "kw)");
  BOOST_TEST(refusal([](auto in) {
               conv_transpose2d(in({2, 3, 8, 8}), in({4, 3, 3, 3}));
             }) ==
             "conv_transpose2d: x (2, 3, 8, 8) and weight (4, 3, 3, 3): need (n, c, h, w) and (c, "
             "c_out, kh, kw)");
  BOOST_TEST(refusal([](auto in) {
               conv2d(in({2, 3, 2, 8}), in({4, 3, 5, 3}), {.padding = 1});
             }) ==
             "conv2d: x (2, 3, 2, 8) with padding (1, 1) is smaller than the kernel of weight (4, "
             "3, 5, 3)");
  BOOST_TEST(refusal([](auto in) {
               conv2d(in({2, 3, 8, 8}), in({4, 3, 3, 3}), {.stride = {1, 0}});
             }) == "conv2d: stride (1, 0); need at least 1");
  BOOST_TEST(refusal([](auto in) {
               conv2d(in({2, 3, 8, 8}), in({4, 3, 3, 3}), in({3}));
             }) == "conv2d: bias (3); need (4)");
  BOOST_TEST(
      refusal([](auto in) {
        conv_transpose2d(in({2, 3, 8, 8}), in({3, 4, 3, 3}), {.stride = 2, .output_padding = 2});
      }) == "conv_transpose2d: output padding (2, 2); need less than stride (2, 2)");
  BOOST_TEST(
      refusal([](auto in) {
        conv_transpose2d(in({2, 3, 1, 8}), in({3, 4, 2, 3}), {.padding = 1});
      }) ==
      "conv_transpose2d: x (2, 3, 1, 8) and weight (3, 4, 2, 3) with padding (1, 1): nothing "
      "is left");
  BOOST_TEST(refusal([](auto in) {
               avg_pool2d(in({3, 8, 8}), {.kernel = 2});
             }) == "avg_pool2d: (3, 8, 8); need (n, c, h, w)");
  BOOST_TEST(refusal([](auto in) {
               avg_pool2d(in({2, 3, 8, 8}), {.kernel = {4, 2}, .padding = 2});
             }) == "avg_pool2d: padding (2, 2); need at most half of kernel (4, 2)");
  BOOST_TEST(refusal([](auto in) {
               avg_pool2d(in({2, 3, 0, 8}), {.kernel = 2, .padding = 1});
             }) == "avg_pool2d: (2, 3, 0, 8); need (n, c, h, w)");
  BOOST_TEST(refusal([](auto in) {
               avg_pool2d(in({2, 3, 2, 8}), {.kernel = {5, 3}, .padding = 1});
             }) == "avg_pool2d: x (2, 3, 2, 8) with padding (1, 1) is smaller than kernel (5, 3)");
  BOOST_TEST(refusal([](auto in) {
               avg_pool2d(in({2, 3, 8, 8}), {.kernel = 2, .stride = Pair{1, 0}});
             }) == "avg_pool2d: kernel (2, 2), stride (1, 0); need at least 1 of each");
  BOOST_TEST(refusal([](auto in) {
               avg_pool2d(in({2, 3, 8, 8}), {.kernel = {0, 2}, .stride = Pair{1, 1}});
             }) == "avg_pool2d: kernel (0, 2), stride (1, 1); need at least 1 of each");
  BOOST_TEST(refusal([](auto in) {
               conv2d(in({1, 1, 300, 300}), in({1, 1, 299, 299}));
             }).starts_with("convolution: kernel (299, 299): too large for a tile"));
}

BOOST_AUTO_TEST_SUITE_END()
