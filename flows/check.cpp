#include "flows/check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "autodiff/grad.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"
#include "autodiff/safetensors.hpp"

namespace eqp::flows {
namespace {

using Map = std::function<Mapped(ad::Var x, ad::Var context)>;

// log |det| of a matrix (d, d) by elimination with row pivots, in double.
double log_abs_det(std::vector<double> m, std::size_t d) {
  double total = 0;
  for (std::size_t k = 0; k < d; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < d; ++i) {
      if (std::abs(m[i * d + k]) > std::abs(m[pivot * d + k])) pivot = i;
    }
    std::swap_ranges(&m[k * d], &m[k * d] + d, &m[pivot * d]);
    if (m[k * d + k] == 0) return -std::numeric_limits<double>::infinity();
    total += std::log(std::abs(m[k * d + k]));
    for (std::size_t i = k + 1; i < d; ++i) {
      const double factor = m[i * d + k] / m[k * d + k];
      for (std::size_t j = k; j < d; ++j) m[i * d + j] -= factor * m[k * d + j];
    }
  }
  return total;
}

// Runs f on the rows; throws what is known about the first value that is not finite.
std::vector<ad::Tensor> finite_values(const ad::Function& f, const std::vector<ad::Tensor>& in) {
  std::vector<ad::Shape> shapes;
  for (const ad::Tensor& t : in) shapes.push_back(t.shape());
  ad::Workspace at = ad::compile(shapes, f).workspace();
  for (std::size_t k = 0; k < in.size(); ++k) std::ranges::copy(in[k].flat(), at.in(k).data);
  at.run_checked();
  std::vector<ad::Tensor> out;
  for (std::size_t k = 0; k < at.n_outputs(); ++k) out.emplace_back(at.out(k));
  return out;
}

// Coordinates a period apart are the same, where there is one.
double largest_difference(ad::ConstView a, ad::ConstView b, double period) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double scale = 1 + std::abs(double(b[i])), off = double(a[i]) - double(b[i]);
    const double apart = period > 0 ? std::remainder(off, period) : off;
    largest = std::max(largest, std::abs(apart) / scale);
  }
  return largest;
}

// Rows to try: normals, as many three times as far out, and every coordinate at every seam.
ad::Tensor points(std::size_t n, std::size_t d, const std::vector<double>& seams, ad::Key key) {
  ad::Tensor x({2 * n + seams.size(), d});
  ad::BlockRng{key, 0, 0}.normal(x);
  for (std::size_t i = n; i < 2 * n; ++i) {
    for (Real& v : x.row(i)) v *= 3;
  }
  for (std::size_t s = 0; s < seams.size(); ++s) {
    std::ranges::fill(x.row(2 * n + s), Real(seams[s]));
  }
  return x;
}

Deviation deviation(const std::string& name, double period, const Map& forward, const Map& inverse,
                    const std::vector<ad::Tensor>& in) {
  const std::size_t n = in[0].rows(), d = in[0].cols();
  const auto out = finite_values(
      [&](std::span<const ad::Var> v) {
        const ad::Var z = v[0], context = v.size() > 1 ? v[1] : ad::Var{};
        const Mapped mapped = forward(z, context);
        ad::Vars outputs{inverse(mapped.y, context).y, mapped.log_det};
        for (std::size_t j = 0; j < d; ++j) {
          outputs.push_back(ad::grad(sum(slice(mapped.y, 1, j, j + 1), 1), z));
        }
        return outputs;
      },
      in);
  Deviation result{.layer = name, .round_trip = largest_difference(out[0], in[0], period)};
  std::vector<double> jacobian(d * d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      std::ranges::copy(out[2 + j].row(i), jacobian.begin() + std::ptrdiff_t(j * d));
    }
    const double off = std::abs(double(out[1][i]) - log_abs_det(jacobian, d));
    result.log_det = std::max(result.log_det, off);
  }
  return result;
}

// Of d/dt log_prob(x + t v) at t = 0 from central differences, along random directions v.
double gradient_deviation(const Flow& flow, std::vector<ad::Tensor> in, ad::Key key) {
  const double h = std::cbrt(double(std::numeric_limits<Real>::epsilon()));
  const ad::Tensor v = ad::normal(in[0].shape(), key);
  const auto log_prob = [&](std::span<const ad::Var> at) {
    return flow.log_prob(at[0], at.size() > 1 ? at[1] : ad::Var{});
  };
  const auto slope = finite_values(
      [&](std::span<const ad::Var> at) { return ad::Vars{ad::grad(log_prob(at), at[0])}; }, in)[0];
  const auto moved = [&](double t) {
    std::vector<ad::Tensor> to = in;
    for (std::size_t i = 0; i < v.size(); ++i) to[0][i] += Real(t * double(v[i]));
    return finite_values([&](std::span<const ad::Var> at) { return ad::Vars{log_prob(at)}; },
                         to)[0];
  };
  const ad::Tensor above = moved(h), below = moved(-h);
  double largest = 0;
  for (std::size_t i = 0; i < v.rows(); ++i) {
    double exact = 0;
    for (std::size_t j = 0; j < v.cols(); ++j) exact += double(slope(i, j)) * double(v(i, j));
    const double differences = (double(above[i]) - double(below[i])) / (2 * h);
    largest = std::max(largest, std::abs(exact - differences) / (1 + std::abs(exact)));
  }
  return largest;
}

void try_far_out(const Flow& flow, std::vector<ad::Tensor> in) {
  for (std::size_t i = 0; i < in[0].size(); ++i) in[0][i] = i % 3 == 0 ? Real(-1e4) : Real(1e4);
  finite_values(
      [&](std::span<const ad::Var> at) {
        const ad::Var log_prob = flow.log_prob(at[0], at.size() > 1 ? at[1] : ad::Var{});
        return ad::Vars{log_prob, ad::grad(log_prob, at[0])};
      },
      in);
}

double mass(const Flow& flow, double span, const ad::Tensor& context) {
  const std::size_t d = flow.dim();
  if (d > 2) {
    throw std::invalid_argument("flow check: the integral in " + std::to_string(d) +
                                " dimensions; need at most 2");
  }
  const std::size_t side = d == 1 ? 4001 : 401, n = d == 1 ? side : side * side;
  const double h = span / double(side - 1);
  const ad::Batched density(
      {{d}, {std::max<std::size_t>(flow.context_dim(), 1)}}, [&](std::span<const ad::Var> in) {
        return ad::Vars{exp(flow.log_prob(in[0], flow.context_dim() > 0 ? in[1] : ad::Var{}))};
      });
  const ad::Blocks blocks{n, density.block(n)};
  std::vector<double> parts(blocks.count());
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    ad::Workspace at = density.workspace(blocks.size(b));
    for (std::size_t i = 0; i < blocks.size(b); ++i) {
      std::size_t rest = blocks.first(b) + i;
      for (std::size_t j = 0; j < d; ++j, rest /= side) {
        at.in(0)(i, j) = Real(-span / 2 + h * double(rest % side));
      }
      if (flow.context_dim() > 0) std::ranges::copy(context.row(0), at.in(1).row(i).begin());
    }
    at.run();
    for (const Real p : at.out(0).flat()) parts[b] += double(p);
  });
  double total = 0;
  for (const double part : parts) total += part;
  return total * std::pow(h, double(d));
}

}  // namespace

Check check(const Flow& flow, const CheckOptions& options) {
  const auto with_context = [&](ad::Tensor x, std::size_t context_dim) {
    std::vector<ad::Tensor> in{std::move(x)};
    if (context_dim > 0) in.push_back(ad::normal({in[0].rows(), context_dim}, options.key.fork(1)));
    return in;
  };
  const std::size_t d = flow.dim();
  Check result;
  double period = 0;
  for (std::size_t i = 0; i < flow.layers().size(); ++i) {
    const auto& layer = flow.layers()[i];
    period = std::max(period, layer->period());
    const auto in =
        with_context(points(options.points, d, layer->seams(), options.key), layer->context_dim());
    result.layers.push_back(deviation(
        std::to_string(i) + " " + layer->name(), layer->period(),
        [&](ad::Var z, ad::Var c) { return layer->forward(z, c); },
        [&](ad::Var x, ad::Var c) { return layer->inverse(x, c); }, in));
  }
  const auto in = with_context(points(options.points, d, {}, options.key), flow.context_dim());
  result.flow = deviation(
      "flow", period, [&](ad::Var z, ad::Var c) { return flow.forward(z, c); },
      [&](ad::Var x, ad::Var c) { return flow.inverse(x, c); }, in);
  result.flow.gradient = gradient_deviation(flow, in, options.key.fork(2));
  try_far_out(flow, in);
  if (options.span > 0) {
    result.mass = mass(flow, options.span, in.size() > 1 ? in[1] : ad::Tensor());
  }
  return result;
}

Check load(const std::filesystem::path& path, ad::Params& params, const Flow& flow,
           double tolerance) {
  if (tolerance == 0) tolerance = sizeof(Real) == 4 ? 1e-3 : 1e-6;
  const std::vector<Real> before(params.values().begin(), params.values().end());
  ad::load_safetensors(path, params);
  try {
    Check result = check(flow);
    const Deviation& d = result.flow;
    // Written so that a NaN fails.
    if (d.round_trip <= tolerance && d.log_det <= tolerance) return result;
    throw std::runtime_error("not the flow it was: " + result.str());
  } catch (const std::runtime_error& e) {
    std::ranges::copy(before, params.mutate().begin());
    throw std::runtime_error(path.string() + ": " + e.what());
  }
}

std::string Check::str() const {
  std::ostringstream line;
  line.precision(2);
  const auto worst = [&](const char* what, double Deviation::*member) {
    line << what << ' ' << flow.*member;
    const auto layer = std::ranges::max_element(layers, {}, member);
    if (layer != layers.end()) line << " (layer " << layer->layer << ' ' << (*layer).*member << ')';
  };
  worst("round trip", &Deviation::round_trip);
  worst(", log_det", &Deviation::log_det);
  line << ", gradient " << flow.gradient;
  if (mass) {
    line.precision(6);
    line << ", mass " << *mass;
  }
  return line.str();
}

}  // namespace eqp::flows
