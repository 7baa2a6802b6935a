#include "flows/spline.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "autodiff/apart.hpp"
#include "autodiff/grad.hpp"
#include "autodiff/ops/kernel.hpp"
#include "flows/spline_kernel.hpp"

namespace eqp::flows {
namespace {

using ad::Attr;
using ad::Var;
using ad::Vars;

Attr to_attr(const SplineOptions& o) {
  return {.index = {o.bins, o.tails == Tails::circular},
          .coefficients = {o.bound, o.min_width, o.min_height, o.min_slope}};
}

SplineOptions to_options(const Attr& attr) {
  const auto& c = attr.coefficients;
  return {.bins = attr.index[0],
          .bound = c[0],
          .tails = attr.index[1] ? Tails::circular : Tails::linear,
          .min_width = c[1],
          .min_height = c[2],
          .min_slope = c[3]};
}

// What the kernels compute, op by op: the source of derivatives beyond the first.
Var definition(const SplineOptions& o, Var x, Var raw) {
  const std::size_t bins = o.bins, m = x.shape()[0];
  const auto knots = [&](std::size_t first, double least) {
    const Var r = slice(raw, 0, first, first + bins);
    const Var e = exp(r - broadcast_to(max(stop_gradient(r), 0), r.shape()));
    const Var share = least + (1 - double(bins) * least) * (e / broadcast_to(sum(e, 0), e.shape()));
    const Var running = cumsum(share, 0);
    Vars at{full(*x.tape, {m}, -o.bound)};
    for (std::size_t k = 0; k + 1 < bins; ++k)
      at.push_back(2 * o.bound * row(running, k) - o.bound);
    at.push_back(full(*x.tape, {m}, o.bound));
    return at;
  };
  const Vars xs = knots(0, o.min_width), ys = knots(bins, o.min_height);
  const double shift = std::log(std::expm1(1 - o.min_slope));
  const auto slope = [&](std::size_t k) -> Var {
    const bool circular = o.tails == Tails::circular;
    if (!circular && (k == 0 || k == bins)) return full(*x.tape, {m}, 1);
    return o.min_slope + softplus(row(raw, 2 * bins + (circular ? k % bins : k - 1)) + shift);
  };
  Var x0 = xs[0], x1 = xs[1], y0 = ys[0], y1 = ys[1], d0 = slope(0), d1 = slope(1);
  for (std::size_t k = 1; k < bins; ++k) {
    const Var below = greater(xs[k], x);
    x0 = where(below, x0, xs[k]), x1 = where(below, x1, xs[k + 1]);
    y0 = where(below, y0, ys[k]), y1 = where(below, y1, ys[k + 1]);
    d0 = where(below, d0, slope(k)), d1 = where(below, d1, slope(k + 1));
  }
  // Where the identity holds, the bin is given its start, so that nothing infinite comes up.
  const Var outside = o.tails == Tails::circular ? full(*x.tape, {m}, 0)
                                                 : greater(abs(x), full(*x.tape, {m}, o.bound));
  const Var theta = where(outside, full(*x.tape, {m}, 0), (x - x0) / (x1 - x0));
  const Var s = (y1 - y0) / (x1 - x0), q = theta * (1 - theta);
  const Var denominator = s + (d0 + d1 - 2 * s) * q;
  const Var y = y0 + (y1 - y0) * (s * square(theta) + d0 * q) / denominator;
  const Var a = d1 * square(theta) + 2 * s * q + d0 * square(1 - theta);
  const Var log_slope = 2 * log(s) + log(a) - 2 * log(denominator);
  const auto as_row = [&](Var v) { return reshape(v, {1, m}); };
  return concat(
      Vars{as_row(where(outside, x, y)), as_row(where(outside, full(*x.tape, {m}, 0), log_slope))},
      0);
}

void check_spline(std::span<const Var> in, const SplineOptions& o) {
  const ad::Shape &x = in[0].shape(), &raw = in[1].shape();
  if (x.rank() == 1 && raw == ad::Shape{n_spline_params(o), x[0]}) return;
  throw std::invalid_argument("spline: " + str(x) + " with parameters " + str(raw) +
                              "; need (m) and (" + std::to_string(n_spline_params(o)) + ", m)");
}

ad::Shape value_shape(std::span<const Var> in, const Attr& attr) {
  check_spline(in, to_options(attr));
  return {2, in[0].shape()[0]};
}

ad::Shape cotangent_shape(std::span<const Var> in, const Attr& attr) {
  return {1 + n_spline_params(to_options(attr)), in[0].shape()[0]};
}

// The two rows of cotangents as the op's vjp wants them.
Vars split(Var both) {
  const std::size_t rows = both.shape()[0];
  return {row(both, 0), slice(both, 0, 1, rows)};
}

Var join(Var x, Var raw) { return concat(Vars{reshape(x, {1, x.shape()[0]}), raw}, 0); }

// The cotangents as ops: of the map at x for those of its value and log slope.
Var forward_cotangents(const SplineOptions& o, Var x, Var raw, Var g) {
  const Vars parts = ad::vjp(definition(o, x, raw), {x, raw}, g);
  return join(parts[0], parts[1]);
}

// And of the inverse map whose value is x: its slope is 1 / f'(x), and parameters move its value by
// -1 / f' of what they move f by.
Var inverse_cotangents(const SplineOptions& o, Var x, Var raw, Var g) {
  const Var map = definition(o, x, raw), none = full(*x.tape, x.shape(), 0);
  const Var g_value = row(g, 0), g_log = row(g, 1);
  const auto rows = [&](Var a, Var b) { return join(a, reshape(b, {1, b.shape()[0]})); };
  const Var through_log = ad::vjp(map, x, rows(none, g_log));
  const Var towards = (g_value - through_log) * exp(-row(map, 1));
  return join(towards, ad::vjp(map, raw, rows(-towards, -g_log)));
}

using Kernel = void (*)(const SplineOptions&, ad::ConstView, ad::ConstView, ad::ConstView,
                        ad::View);
using Cotangents = Var (*)(const SplineOptions&, Var x, Var raw, Var g);

// in: x, raw, g (2, m) -> (1 + P, m)
template <Kernel kernel, Cotangents cotangents>
constexpr ad::Op cotangent_op(const char* name) {
  return {
      .name = name,
      .shape = cotangent_shape,
      .forward = [](ad::In in, ad::Out out,
                    const Attr& attr) { kernel(to_options(attr), in[0], in[1], in[2], out); },
      .vjp = [](const ad::Vjp& c) -> Vars {
        // Apart, since the inputs may themselves depend on each other: as an autoregressive map's
        // parameters do on coordinates.
        const std::size_t copy = c.g.tape->size();
        Vars in;
        for (const Var v : c.in) in.push_back(apart(v, copy, ad::Apart::while_recording));
        return ad::vjp(cotangents(to_options(c.attr), in[0], in[1], in[2]), in, c.g);
      },
  };
}

constexpr ad::Op kForwardVjp = cotangent_op<spline_forward_vjp, forward_cotangents>("spline_vjp");
constexpr ad::Op kInverseVjp =
    cotangent_op<spline_inverse_vjp, inverse_cotangents>("inverse_spline_vjp");

constexpr ad::Op kSpline{
    .name = "spline",
    .shape = value_shape,
    .forward = [](ad::In in, ad::Out out,
                  const Attr& attr) { spline_forward(to_options(attr), in[0], in[1], out); },
    .vjp =
        [](const ad::Vjp& c) {
          return split(record(kForwardVjp, {c.in[0], c.in[1], c.g}, c.attr));
        },
};

constexpr ad::Op kInverseSpline{
    .name = "inverse_spline",
    .shape = value_shape,
    .forward = [](ad::In in, ad::Out out,
                  const Attr& attr) { spline_inverse(to_options(attr), in[0], in[1], out); },
    .vjp =
        [](const ad::Vjp& c) {
          return split(record(kInverseVjp, {row(c.out, 0), c.in[1], c.g}, c.attr));
        },
};

class RationalQuadratic : public Monotone {
 public:
  explicit RationalQuadratic(const SplineOptions& o)
      : attr_(to_attr(o)), n_params_(n_spline_params(o)) {}

  std::size_t n_params() const override { return n_params_; }
  std::vector<double> seams() const override {
    const double bound = to_options(attr_).bound;
    return {-bound, bound};
  }
  Value forward(Var x, Var raw) const override { return value(kSpline, x, raw); }
  Value inverse(Var y, Var raw) const override { return value(kInverseSpline, y, raw); }

 private:
  Value value(const ad::Op& op, Var x, Var raw) const {
    const Var both = record(op, {x, raw}, attr_);
    return {row(both, 0), row(both, 1)};
  }

  Attr attr_;
  std::size_t n_params_;
};

class CircularSpline : public Monotone {
 public:
  explicit CircularSpline(const SplineOptions& o) : spline_(o), bound_(o.bound) {}

  std::size_t n_params() const override { return spline_.n_params() + 1; }
  std::vector<double> seams() const override { return spline_.seams(); }
  double period() const override { return 2 * bound_; }

  std::size_t n_features() const override { return 2; }
  Var features(Var x) const override {
    const Var angle = x * (std::numbers::pi / bound_);
    return concat(Vars{cos(angle), sin(angle)}, 1);
  }

  Value forward(Var x, Var raw) const override {
    const Value v = spline_.forward(wrapped(x), parameters(raw));
    return {wrapped(v.y + turn(raw)), v.log_slope};
  }
  Value inverse(Var y, Var raw) const override {
    return spline_.inverse(wrapped(y - turn(raw)), parameters(raw));
  }

 private:
  Var wrapped(Var x) const { return x - 2 * bound_ * round(x * (0.5 / bound_)); }
  Var parameters(Var raw) const { return slice(raw, 0, 0, spline_.n_params()); }
  Var turn(Var raw) const { return row(raw, spline_.n_params()); }

  RationalQuadratic spline_;
  double bound_;
};

void check(const SplineOptions& o) {
  const auto fail = [](const std::string& what) { throw std::invalid_argument("spline: " + what); };
  if (o.bins < 2 || o.bins > kMaxBins) {
    fail(std::to_string(o.bins) + " bins; need 2 to " + std::to_string(kMaxBins));
  }
  if (!(o.bound > 0 && std::isfinite(o.bound))) {
    fail("bound " + std::to_string(o.bound) + "; need a finite number above 0");
  }
  for (const double least : {o.min_width, o.min_height}) {
    if (least > 0 && least * double(o.bins) < 1) continue;
    fail("least bin " + std::to_string(least) + "; need a number above 0 that leaves room for " +
         std::to_string(o.bins) + " bins");
  }
  if (!(o.min_slope > 0 && o.min_slope < 1)) {
    fail("least slope " + std::to_string(o.min_slope) + "; need a number between 0 and 1");
  }
}

}  // namespace

std::shared_ptr<const Monotone> rational_quadratic(const SplineOptions& options) {
  check(options);
  return std::make_shared<RationalQuadratic>(options);
}

std::shared_ptr<const Monotone> circular_spline(const SplineOptions& options) {
  check(options);
  if (options.tails != Tails::circular) {
    throw std::invalid_argument("circular_spline: linear tails; need circular ones");
  }
  return std::make_shared<CircularSpline>(options);
}

}  // namespace eqp::flows
