#include <stdexcept>

#include "autodiff/ops/conv_kernels.hpp"
#include "autodiff/ops/kernel.hpp"

// The three ops are what the trilinear form <conv2d(x, w), y> has as derivatives by y, x and w, and
// so are each other's derivatives. They share their attributes: strides, paddings, and the extents
// of the kernel and of x. The weight goes through them as a matrix per tap, (kh kw, c_in, c_out) of
// the op's own in and out, which a program makes once per update.
namespace eqp::ad {
namespace {

extern const Op kConv, kConvBack, kConvWeight;

Convolution convolution(const Attr& attr, std::size_t images, std::size_t fine_channels,
                        std::size_t coarse_channels) {
  const auto [row_stride, column_stride, row_padding, column_padding] = attr.index;
  const ConvAxis rows{attr.shape[0], row_stride, row_padding};
  const ConvAxis columns{attr.shape[1], column_stride, column_padding};
  const std::size_t h = attr.shape[2], w = attr.shape[3];
  return {.images = images,
          .fine = {fine_channels, h, w},
          .coarse = {coarse_channels, rows.convolved(h), columns.convolved(w)},
          .rows = rows,
          .columns = columns};
}

// From the shapes of x and w, of y and w, and of x and y.
Convolution of_conv(const Shape& x, const Shape& w, const Attr& attr) {
  return convolution(attr, x[0], x[1], w[2]);
}
Convolution of_back(const Shape& y, const Shape& w, const Attr& attr) {
  return convolution(attr, y[0], w[2], y[1]);
}
Convolution of_weight(const Shape& x, const Shape& y, const Attr& attr) {
  return convolution(attr, x[0], x[1], y[1]);
}

double count(const Convolution& c) { return 2.0 * double(c.images) * double(c.products()); }

const Real* bias_of(In in) { return in.size() > 2 ? in[2].data : nullptr; }

// The gradient of a bias that stands for each channel of g.
Var sum_of_channels(Var g) {
  const Shape& s = g.shape();
  return sum(reshape(g, {s[0], s[1], s[2] * s[3]}), {0, 2});
}

constexpr Op kConv{
    .name = "conv2d",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Convolution c = of_conv(in[0].shape(), in[1].shape(), attr);
          prepare_convolve(c);
          return Shape{c.images, c.coarse.channels, c.coarse.rows, c.coarse.columns};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          convolve(of_conv(in[0].shape, in[1].shape, attr), in[0].data, in[1].data, bias_of(in),
                   out.data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      Vars g{record(kConvBack, {c.g, transpose(c.in[1])}, c.attr),
             record(kConvWeight, {c.in[0], c.g}, c.attr)};
      if (c.in.size() > 2) g.push_back(sum_of_channels(c.g));
      return g;
    },
    .flops = [](In in, const Attr& attr) { return count(of_conv(in[0].shape, in[1].shape, attr)); },
};

constexpr Op kConvBack{
    .name = "conv_transpose2d",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Convolution c = of_back(in[0].shape(), in[1].shape(), attr);
          prepare_convolve_back(c);
          return Shape{c.images, c.fine.channels, c.fine.rows, c.fine.columns};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          convolve_back(of_back(in[0].shape, in[1].shape, attr), in[0].data, in[1].data,
                        bias_of(in), out.data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      Vars g{record(kConv, {c.g, transpose(c.in[1])}, c.attr),
             transpose(record(kConvWeight, {c.g, c.in[0]}, c.attr))};
      if (c.in.size() > 2) g.push_back(sum_of_channels(c.g));
      return g;
    },
    .flops = [](In in, const Attr& attr) { return count(of_back(in[0].shape, in[1].shape, attr)); },
};

constexpr Op kConvWeight{
    .name = "conv2d_weight",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Convolution c = of_weight(in[0].shape(), in[1].shape(), attr);
          prepare_correlate(c);
          return Shape{c.taps(), c.fine.channels, c.coarse.channels};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          correlate(of_weight(in[0].shape, in[1].shape, attr), in[0].data, in[1].data, out.data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      return {record(kConvBack, {c.in[1], transpose(c.g)}, c.attr),
              record(kConv, {c.in[0], c.g}, c.attr)};
    },
    .flops = [](In in,
                const Attr& attr) { return count(of_weight(in[0].shape, in[1].shape, attr)); },
};

// weight (coarse channels, fine channels, kh, kw); `axis` is that of the channels of x.
void check(const char* who, Var x, Var weight, std::size_t axis, const Pair& stride) {
  const Shape &s = x.shape(), &w = weight.shape();
  const std::string what = std::string(who) + ": x " + str(s) + " and weight " + str(w);
  if (s.rank() != 4 || w.rank() != 4 || s[1] != w[axis] || s[2] * s[3] * w.size() == 0) {
    throw std::invalid_argument(what + ": need (n, c, h, w) and " +
                                (axis == 1 ? "(c_out, c, kh, kw)" : "(c, c_out, kh, kw)"));
  }
  if (stride.height == 0 || stride.width == 0) {
    throw std::invalid_argument(std::string(who) + ": stride " + str(stride) + "; need at least 1");
  }
}

void check_bias(const char* who, Var bias, std::size_t channels) {
  if (bias.shape() == Shape{channels}) return;
  throw std::invalid_argument(std::string(who) + ": bias " + str(bias.shape()) + "; need " +
                              str(Shape{channels}));
}

Attr attributes(const Shape& w, const Pair& stride, const Pair& padding, const Pair& fine) {
  return {.index = {stride.height, stride.width, padding.height, padding.width},
          .shape = {w[2], w[3], fine.height, fine.width}};
}

// A matrix per tap, from a weight whose axis `in` has the channels that go in.
Var matrices(Var weight, std::size_t in) {
  const Shape& w = weight.shape();
  return permute(reshape(weight, {w[0], w[1], w[2] * w[3]}), {2, in, 1 - in});
}

Attr conv_attributes(Var x, Var weight, const Conv2dOptions& o) {
  check("conv2d", x, weight, 1, o.stride);
  const Shape &s = x.shape(), &w = weight.shape();
  if (s[2] + 2 * o.padding.height < w[2] || s[3] + 2 * o.padding.width < w[3]) {
    throw std::invalid_argument("conv2d: x " + str(s) + " with padding " + str(o.padding) +
                                " is smaller than the kernel of weight " + str(w));
  }
  return attributes(w, o.stride, o.padding, {s[2], s[3]});
}

std::size_t extent_back(std::size_t coarse, const ConvAxis& axis, std::size_t more) {
  const std::size_t padded = (coarse - 1) * axis.stride + axis.kernel + more;
  return padded > 2 * axis.padding ? padded - 2 * axis.padding : 0;
}

Attr back_attributes(Var x, Var weight, const ConvTranspose2dOptions& o) {
  check("conv_transpose2d", x, weight, 0, o.stride);
  const Shape &s = x.shape(), &w = weight.shape();
  if (o.output_padding.height >= o.stride.height || o.output_padding.width >= o.stride.width) {
    throw std::invalid_argument("conv_transpose2d: output padding " + str(o.output_padding) +
                                "; need less than stride " + str(o.stride));
  }
  const Pair fine{
      extent_back(s[2], {w[2], o.stride.height, o.padding.height}, o.output_padding.height),
      extent_back(s[3], {w[3], o.stride.width, o.padding.width}, o.output_padding.width)};
  if (fine.height == 0 || fine.width == 0) {
    throw std::invalid_argument("conv_transpose2d: x " + str(s) + " and weight " + str(w) +
                                " with padding " + str(o.padding) + ": nothing is left");
  }
  return attributes(w, o.stride, o.padding, fine);
}

}  // namespace

std::string str(const Pair& p) { return str(Shape{p.height, p.width}); }

Var conv2d(Var x, Var weight, const Conv2dOptions& options) {
  const Attr attr = conv_attributes(x, weight, options);
  return record(kConv, {x, matrices(weight, 1)}, attr);
}

Var conv2d(Var x, Var weight, Var bias, const Conv2dOptions& options) {
  const Attr attr = conv_attributes(x, weight, options);
  check_bias("conv2d", bias, weight.shape()[0]);
  return record(kConv, {x, matrices(weight, 1), bias}, attr);
}

Var conv_transpose2d(Var x, Var weight, const ConvTranspose2dOptions& options) {
  const Attr attr = back_attributes(x, weight, options);
  return record(kConvBack, {x, matrices(weight, 0)}, attr);
}

Var conv_transpose2d(Var x, Var weight, Var bias, const ConvTranspose2dOptions& options) {
  const Attr attr = back_attributes(x, weight, options);
  check_bias("conv_transpose2d", bias, weight.shape()[1]);
  return record(kConvBack, {x, matrices(weight, 0), bias}, attr);
}

}  // namespace eqp::ad
