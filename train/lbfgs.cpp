#include "train/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "autodiff/grad.hpp"
#include "autodiff/non_finite.hpp"
#include "autodiff/sum_of.hpp"
#include "train/checks.hpp"
#include "train/line_search.hpp"

namespace eqp::train {
namespace {

using Vector = std::vector<double>;

template <class A, class B>
double dot(const A& a, const B& b) {
  return ad::sum_of(a.size(), [&](std::size_t i) { return double(a[i]) * double(b[i]); });
}

template <class A, class B>
Vector difference(const A& a, const B& b) {
  Vector result(a.begin(), a.end());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] -= double(b[i]);
  return result;
}

/// y += a x
void add(double a, const Vector& x, Vector& y) {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] += a * x[i];
}

double largest(std::span<const Real> g) {
  double size = 0;
  for (const Real v : g) size = std::max(size, std::abs(double(v)));
  return size;
}

/// The inverse Hessian, as far as the last steps s and the changes y of the gradient tell it.
class InverseHessian {
 public:
  explicit InverseHessian(std::size_t history) : history_(history) {}

  bool empty() const { return pairs_.empty(); }

  void learn(Vector s, Vector y) {
    const double sy = dot(s, y), yy = dot(y, y);
    // The curvature condition makes s'y positive; a step that misses it may not, nor may rounding.
    if (!(sy > std::numeric_limits<double>::epsilon() * yy)) return;
    if (pairs_.size() == history_) pairs_.pop_front();
    pairs_.push_back({std::move(s), std::move(y), sy});
    scale_ = sy / yy;  // equation 7.20
  }

  /// -H g, by algorithm 7.4.
  Vector direction(std::span<const Real> g) const {
    Vector q(g.size()), alpha(pairs_.size());
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = -double(g[i]);
    for (std::size_t k = pairs_.size(); k-- > 0;) {
      alpha[k] = dot(pairs_[k].s, q) / pairs_[k].sy;
      add(-alpha[k], pairs_[k].y, q);
    }
    for (double& v : q) v *= scale_;
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      add(alpha[k] - dot(pairs_[k].y, q) / pairs_[k].sy, pairs_[k].s, q);
    }
    return q;
  }

 private:
  struct Pair {
    Vector s, y;
    double sy;
  };
  std::size_t history_;
  std::deque<Pair> pairs_;
  double scale_ = 1;
};

void check(const LbfgsOptions& o) {
  need_at_least_0("lbfgs: gradient_tolerance", o.gradient_tolerance);
  need_at_least_1("lbfgs: history", o.history);
  if (0 < o.decrease && o.decrease < o.curvature && o.curvature < 1) return;
  std::ostringstream text;
  text << "lbfgs: decrease " << o.decrease << ", curvature " << o.curvature
       << "; need 0 < decrease < curvature < 1";
  throw std::invalid_argument(text.str());
}

double first_step(std::span<const Real> g) {
  double length = 0;
  for (const Real v : g) length += std::abs(double(v));
  return std::min(1.0, 1 / length);
}

}  // namespace

LbfgsResult lbfgs(std::span<Real> x, const ValueAndGradient& f, const LbfgsOptions& o) {
  check(o);
  LbfgsResult r;
  std::vector<Real> gradient(x.size());
  const auto evaluate = [&] {
    ++r.evaluations;
    return f(x, gradient);
  };
  r.value = evaluate();
  if (!std::isfinite(r.value) || !ad::all_finite(gradient)) {
    throw std::invalid_argument("lbfgs: the value or the gradient at the start is not finite");
  }
  InverseHessian inverse(o.history);
  for (;; ++r.iterations) {
    r.gradient_norm = largest(gradient);
    if (r.gradient_norm <= o.gradient_tolerance) r.stop = LbfgsResult::Stop::gradient;
    if (r.stop == LbfgsResult::Stop::gradient || r.iterations == o.iterations) return r;

    const std::vector<Real> from(x.begin(), x.end()), slopes = gradient;
    const Vector direction = inverse.direction(slopes);
    double last = 0;
    const auto line = [&](double step) -> LinePoint {
      last = step;
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = Real(double(from[i]) + step * direction[i]);
      const double value = evaluate();
      return {step, value, dot(direction, gradient)};
    };
    const LinePoint end =
        strong_wolfe(line, {.value = r.value, .slope = dot(direction, slopes)},
                     inverse.empty() ? first_step(slopes) : 1,
                     {.decrease = o.decrease,
                      .curvature = o.curvature,
                      .rounding = std::numeric_limits<Real>::epsilon() * std::abs(r.value)});
    if (end.step != last) line(end.step);
    if (end.value >= r.value && largest(gradient) >= r.gradient_norm) {
      std::ranges::copy(from, x.begin());
      r.stop = LbfgsResult::Stop::stuck;
      return r;
    }
    r.value = end.value;
    inverse.learn(difference(x, from), difference(gradient, slopes));
  }
}

LbfgsResult lbfgs(ad::Params& params, std::span<const ad::ConstView> data, const Loss& loss,
                  const LbfgsOptions& options) {
  std::vector<ad::Shape> shapes;
  for (const ad::ConstView& v : data) shapes.push_back(v.shape);
  const auto loss_and_gradient = [&](std::span<const ad::Var> in) -> ad::Vars {
    const ad::Var losses = loss(in);
    const std::size_t rows = data.empty() ? 1 : data[0].rows();
    if (losses.shape().rank() != 0 && losses.shape() != ad::Shape{rows}) {
      throw std::invalid_argument("lbfgs: the loss of " + std::to_string(rows) + " rows is " +
                                  ad::str(losses.shape()) + "; need " + ad::str({rows}) + " or ()");
    }
    return {losses, ad::grad(losses, params)};
  };
  ad::Workspace ws = ad::compile(shapes, loss_and_gradient).workspace();
  for (std::size_t k = 0; k < data.size(); ++k) {
    std::ranges::copy(data[k].flat(), ws.in(k).data);
  }
  try {
    ws.run_checked();
  } catch (const ad::NonFinite& e) {
    throw std::runtime_error(std::string("lbfgs: ") + e.what() +
                             "; check the data and what the parameters begin with");
  }
  const auto f = [&](std::span<const Real> x, std::span<Real> gradient) {
    std::ranges::copy(x, params.mutate().begin());
    ws.run();
    const std::span<const Real> losses = ws.out(0).flat(), sums = ws.out(1).flat();
    const double share = 1 / double(losses.size());
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = Real(share * double(sums[i]));
    return share * ad::sum_of(losses.size(), [&](std::size_t i) { return double(losses[i]); });
  };
  std::vector<Real> x(params.values().begin(), params.values().end());
  const LbfgsResult result = lbfgs(x, f, options);
  std::ranges::copy(x, params.mutate().begin());
  return result;
}

}  // namespace eqp::train
