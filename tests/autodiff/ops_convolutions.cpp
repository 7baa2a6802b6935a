#include <boost/test/unit_test.hpp>

#include "tests/autodiff/op_check.hpp"

using namespace eqp::ad;
using namespace eqp::ad::test;

namespace {

// y[n, o, p, q] = b[o] + sum over c, i, j of w[o, c, i, j] x[n, c, p s + i - padding, ...].
Naive convolution(Conv2dOptions o) {
  return [o](const Arrays& in) {
    const Array &x = in[0], &w = in[1];
    const Shape &s = x.shape, &k = w.shape;
    const std::size_t rows = (s[2] + 2 * o.padding.height - k[2]) / o.stride.height + 1;
    const std::size_t columns = (s[3] + 2 * o.padding.width - k[3]) / o.stride.width + 1;
    return build({s[0], k[0], rows, columns}, [&](const Index& at) {
      double sum = in.size() > 2 ? in[2](at[1]) : 0;
      for (std::size_t i = 0; i < k[2]; ++i) {
        for (std::size_t j = 0; j < k[3]; ++j) {
          const std::size_t r = at[2] * o.stride.height + i, t = at[3] * o.stride.width + j;
          const bool inside = r >= o.padding.height && r < o.padding.height + s[2] &&
                              t >= o.padding.width && t < o.padding.width + s[3];
          for (std::size_t c = 0; inside && c < k[1]; ++c) {
            sum += w(at[1], c, i, j) * x(at[0], c, r - o.padding.height, t - o.padding.width);
          }
        }
      }
      return sum;
    });
  };
}

// Every x[n, c, p, q] adds w[c, o, i, j] times itself to y[n, o, p s + i - padding, ...].
Naive transposed(ConvTranspose2dOptions o) {
  return [o](const Arrays& in) {
    const Array &x = in[0], &w = in[1];
    const Shape &s = x.shape, &k = w.shape;
    const std::size_t rows =
        (s[2] - 1) * o.stride.height + k[2] + o.output_padding.height - 2 * o.padding.height;
    const std::size_t columns =
        (s[3] - 1) * o.stride.width + k[3] + o.output_padding.width - 2 * o.padding.width;
    return build({s[0], k[1], rows, columns}, [&](const Index& at) {
      double sum = in.size() > 2 ? in[2](at[1]) : 0;
      for (std::size_t p = 0; p < s[2]; ++p) {
        for (std::size_t q = 0; q < s[3]; ++q) {
          const std::size_t i = at[2] + o.padding.height - p * o.stride.height;
          const std::size_t j = at[3] + o.padding.width - q * o.stride.width;
          for (std::size_t c = 0; i < k[2] && j < k[3] && c < s[1]; ++c) {
            sum += w(c, at[1], i, j) * x(at[0], c, p, q);
          }
        }
      }
      return sum;
    });
  };
}

Naive pooling(Pair kernel, Pair stride, Pair padding) {
  return [=](const Arrays& in) {
    const Shape& s = in[0].shape;
    const std::size_t rows = (s[2] + 2 * padding.height - kernel.height) / stride.height + 1;
    const std::size_t columns = (s[3] + 2 * padding.width - kernel.width) / stride.width + 1;
    return build({s[0], s[1], rows, columns}, [&](const Index& at) {
      double sum = 0;
      for (std::size_t i = 0; i < kernel.height; ++i) {
        for (std::size_t j = 0; j < kernel.width; ++j) {
          const std::size_t r = at[2] * stride.height + i - padding.height;
          const std::size_t t = at[3] * stride.width + j - padding.width;
          if (r < s[2] && t < s[3]) sum += in[0](at[0], at[1], r, t);
        }
      }
      return sum / double(kernel.height * kernel.width);
    });
  };
}

// Small enough that sums of many products stay of order one.
const std::vector<Input> kSmall{{}, {-0.2, 0.2}};

template <Conv2dOptions options>
Case conv(const std::string& name, const std::vector<Shape>& shapes) {
  return {name, shapes,
          [](Args x) {
            return x.size() > 2 ? conv2d(x[0], x[1], x[2], options) : conv2d(x[0], x[1], options);
          },
          convolution(options), kSmall};
}

template <ConvTranspose2dOptions options>
Case back(const std::string& name, const std::vector<Shape>& shapes) {
  return {name, shapes,
          [](Args x) {
            return x.size() > 2 ? conv_transpose2d(x[0], x[1], x[2], options)
                                : conv_transpose2d(x[0], x[1], options);
          },
          transposed(options), kSmall};
}

using Down = Conv2dOptions;
using Up = ConvTranspose2dOptions;

const std::vector<Case> kConvolutions{
    conv<Down{}>("conv2d", {{2, 3, 5, 4}, {2, 3, 3, 3}}),
    conv<Down{}>("conv2d with a bias", {{2, 3, 5, 4}, {2, 3, 3, 3}, {2}}),
    conv<Down{}>("conv2d by 1 x 1", {{3, 2, 3, 5}, {4, 2, 1, 1}}),
    conv<Down{}>("conv2d to one position", {{2, 2, 3, 4}, {3, 2, 3, 4}}),
    conv<Down{.padding = 1}>("conv2d by 2 x 5 of one channel", {{1, 1, 3, 6}, {2, 1, 2, 5}}),
    conv<Down{.padding = {0, 2}}>("conv2d with zeros left and right", {{1, 2, 3, 2}, {1, 2, 2, 3}}),
    conv<Down{.stride = 2, .padding = 1}>("conv2d of stride 2", {{2, 2, 6, 5}, {3, 2, 4, 3}}),
    conv<Down{.stride = {1, 2}, .padding = {2, 1}}>("conv2d of stride 1 and 2",
                                                    {{1, 2, 4, 7}, {2, 2, 3, 2}, {2}}),
    conv<Down{.stride = 3}>("conv2d of stride 3", {{1, 2, 8, 9}, {2, 2, 3, 4}}),
    conv<Down{.stride = 3, .padding = 2}>("conv2d of a stride beyond its kernel",
                                          {{3, 1, 6, 7}, {2, 1, 2, 1}}),
    back<Up{}>("conv_transpose2d", {{2, 3, 3, 2}, {3, 2, 3, 3}}),
    back<Up{}>("conv_transpose2d with a bias", {{2, 3, 3, 2}, {3, 2, 3, 3}, {2}}),
    back<Up{.padding = {0, 1}}>("conv_transpose2d by 2 x 5", {{1, 2, 3, 4}, {2, 3, 2, 5}}),
    back<Up{.padding = 2}>("conv_transpose2d leaves the rim out", {{1, 2, 5, 4}, {2, 1, 3, 3}}),
    back<Up{.stride = 2, .padding = 1}>("conv_transpose2d of stride 2",
                                        {{2, 2, 3, 4}, {2, 3, 4, 4}}),
    back<Up{.stride = {2, 3}, .padding = {1, 0}, .output_padding = {1, 2}}>(
        "conv_transpose2d of stride 2 and 3", {{1, 2, 3, 2}, {2, 2, 3, 2}, {2}}),
    back<Up{.stride = 3, .output_padding = 2}>("conv_transpose2d of a stride beyond its kernel",
                                               {{1, 1, 2, 3}, {1, 2, 1, 2}, {2}}),
    {"conv2d with its own image",
     {{1, 2, 4, 3}},
     [](Args x) { return conv2d(x[0], x[0], {.padding = 1}); },
     [](const Arrays& x) {
       return convolution({.padding = 1})({x[0], x[0]});
     }},
    {"avg_pool2d",
     {{2, 3, 4, 6}},
     [](Args x) { return avg_pool2d(x[0], {.kernel = 2}); },
     pooling(2, 2, 0)},
    {"avg_pool2d by 3 x 2 with overlaps",
     {{1, 2, 5, 5}},
     [](Args
            x) { return avg_pool2d(x[0], {.kernel = {3, 2}, .stride = Pair{2, 1}, .padding = 1}); },
     pooling({3, 2}, {2, 1}, 1)},
};

// Beyond one tile, one window, one sum of products or one task.
const std::vector<Case> kLarge{
    conv<Down{.padding = 1}>("conv2d of 20 x 40", {{1, 2, 20, 40}, {3, 2, 3, 3}}),
    conv<Down{.stride = 2, .padding = 1}>("conv2d of a long image", {{1, 1, 3, 600}, {2, 1, 3, 4}}),
    conv<Down{}>("conv2d of 150 channels", {{1, 150, 4, 3}, {2, 150, 2, 2}}),
    conv<Down{}>("conv2d to 70 channels", {{2, 2, 4, 3}, {70, 2, 2, 2}, {70}}),
    conv<Down{.padding = 4}>("conv2d by 9 x 9", {{1, 2, 6, 5}, {1, 2, 9, 9}}),
    conv<Down{}>("conv2d of 70 images", {{70, 2, 3, 3}, {2, 2, 2, 2}}),
    back<Up{.padding = 1}>("conv_transpose2d of 20 x 40", {{1, 2, 20, 40}, {2, 3, 3, 3}}),
    back<Up{.stride = 2, .padding = 1}>("conv_transpose2d of a long image",
                                        {{1, 1, 2, 300}, {1, 2, 3, 4}}),
    back<Up{}>("conv_transpose2d of 600 channels", {{1, 600, 2, 3}, {600, 1, 2, 2}}),
    back<Up{.stride = 2}>("conv_transpose2d to 70 channels", {{1, 2, 2, 3}, {2, 70, 3, 3}, {70}}),
    back<Up{}>("conv_transpose2d by 9 x 9", {{1, 2, 2, 3}, {2, 1, 9, 9}}),
};

// Channels that fill a vector, on the way there, on the way back, or on both.
const std::vector<Case> kWide{
    conv<Down{.padding = 1}>("conv2d to 20 channels", {{5, 4, 5, 6}, {20, 4, 3, 3}, {20}}),
    conv<Down{.padding = {0, 1}}>("conv2d from 20 channels", {{11, 20, 4, 2}, {4, 20, 2, 3}}),
    conv<Down{.stride = 2, .padding = 1}>("wide conv2d of stride 2",
                                          {{9, 16, 6, 5}, {16, 16, 4, 4}}),
    conv<Down{.stride = {1, 2}, .padding = {2, 1}}>("wide conv2d of stride 1 and 2",
                                                    {{1, 16, 4, 7}, {17, 16, 3, 2}, {17}}),
    conv<Down{.stride = 3, .padding = 2}>("wide conv2d of a stride beyond its kernel",
                                          {{3, 16, 6, 7}, {16, 16, 2, 1}}),
    conv<Down{.padding = 4}>("wide conv2d by 9 x 9", {{1, 4, 6, 5}, {16, 4, 9, 9}}),
    conv<Down{}>("wide conv2d to 70 channels", {{3, 5, 4, 3}, {70, 5, 2, 2}, {70}}),
    conv<Down{.padding = 1}>("wide conv2d of 40 x 30", {{1, 4, 40, 30}, {16, 4, 3, 3}}),
    conv<Down{}>("wide conv2d of 70 images", {{70, 4, 3, 3}, {16, 4, 2, 2}}),
    back<Up{.stride = 2, .padding = 1}>("wide conv_transpose2d of stride 2",
                                        {{9, 16, 3, 4}, {16, 16, 4, 4}, {16}}),
    back<Up{.stride = {2, 3}, .padding = {1, 0}, .output_padding = {1, 2}}>(
        "wide conv_transpose2d of stride 2 and 3", {{4, 16, 3, 2}, {16, 18, 3, 2}, {18}}),
    back<Up{.stride = 3, .output_padding = 2}>(
        "wide conv_transpose2d of a stride beyond its kernel", {{3, 4, 2, 3}, {4, 16, 1, 2}, {16}}),
    back<Up{.padding = 2}>("wide conv_transpose2d leaves the rim out",
                           {{2, 4, 5, 4}, {4, 16, 3, 3}}),
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_convolution_has_three_derivatives) {
  for (const Case& row : kConvolutions) check(row);
}

BOOST_AUTO_TEST_CASE(convolutions_of_many_channels_have_three_derivatives) {
  for (const Case& row : kWide) check(row);
}

BOOST_AUTO_TEST_CASE(convolutions_beyond_one_tile_have_three_derivatives) {
  for (const Case& row : kLarge) check(row);
}
