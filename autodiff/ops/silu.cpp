#include <algorithm>
#include <stdexcept>

#include "autodiff/ops/kernel.hpp"
#include "autodiff/ops/logistic.hpp"
#include "autodiff/ops/silu_orders.hpp"

namespace eqp::ad {
namespace {

// The derivatives of the logistic function are polynomials in its value s: P_0 = s and
// P_{k+1} = P_k'(s) s (1 - s).
constexpr std::size_t kMaxOrder = 12;
struct Poly {
  std::array<double, kMaxOrder + 3> c{};
  std::size_t degree = 0;
};
Poly logistic_derivative(std::size_t order) {
  Poly p;
  p.c[1] = 1;
  p.degree = 1;
  for (std::size_t k = 0; k < order; ++k) {
    Poly next;
    next.degree = p.degree + 1;
    for (std::size_t j = 1; j <= p.degree; ++j) {
      next.c[j] += double(j) * p.c[j];
      next.c[j + 1] -= double(j) * p.c[j];
    }
    p = next;
  }
  return p;
}
Batch horner(const Poly& p, Batch s) {
  Batch y(Real(p.c[p.degree]));
  for (std::size_t k = p.degree; k-- > 0;) y = y * s + Batch(Real(p.c[k]));
  return y;
}

// The k-th derivative of x s(x) is x P_k(s) + k P_{k-1}(s), whatever the order, where composing it
// of elementary ops takes six passes. s may be null.
void derivative(std::size_t k, std::span<Real> out, const Real* x, const Real* s) {
  const auto run = [&](const auto& f) {
    if (s) {
      map(out, f, x, s);
    } else {
      map(
          out, [&](Batch v) { return f(v, logistic(v)); }, x);
    }
  };
  const Batch one(Real(1));
  if (k == 0) {
    run([](Batch v, Batch l) { return v * l; });
  } else if (k == 1) {
    run([=](Batch v, Batch l) { return l + v * l * (one - l); });
  } else {
    const Poly p = logistic_derivative(k), q = logistic_derivative(k - 1);
    const Batch order = Batch(Real(k));
    run([&](Batch v, Batch l) { return v * horner(p, l) + order * horner(q, l); });
  }
}

void check_order(std::size_t k) {
  if (k <= kMaxOrder) return;
  throw std::invalid_argument("silu: derivative of order " + std::to_string(k) + "; at most " +
                              std::to_string(kMaxOrder));
}

constexpr Op kSilu{
    .name = "silu",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          check_order(attr.index[0]);
          return in[0].shape();
        },
    .forward = [](In in, Out out,
                  const Attr& attr) { derivative(attr.index[0], out.flat(), in[0].data, nullptr); },
    .vjp = [](const Vjp& c) -> Vars {
      const std::size_t order = c.attr.index[0] + 1;
      return {c.g * record(kSilu, {c.in[0]}, {.index = {order}})};
    },
    .elementwise = true,
};

constexpr Op kSiluOrders{
    .name = "silu_orders",
    .shape = [](std::span<const Var> in,
                const Attr& attr) { return Shape{attr.table.size() * in[0].shape().size()}; },
    // The argument and its logistic wait in the first-level cache while every order reads them.
    .forward =
        [](In in, Out out, const Attr& attr) {
          constexpr std::size_t kPiece = 1024;
          alignas(64) Real x[kPiece], s[kPiece];
          const std::size_t n = in[0].size(), bias = in.size() > 1 ? in[1].size() : 0;
          std::size_t column = 0;  // of the bias, where the piece begins
          for (std::size_t begin = 0; begin < n; begin += kPiece) {
            const std::size_t size = std::min(kPiece, n - begin);
            std::copy_n(in[0].data + begin, size, x);
            for (std::size_t i = 0; bias > 0 && i < size;) {
              const std::size_t run = std::min(bias - column, size - i);
              for (std::size_t j = 0; j < run; ++j) x[i + j] += in[1].data[column + j];
              i += run;
              column = (column + run) % bias;
            }
            map(std::span<Real>(s, size), logistic, x);
            for (std::size_t k = 0; k < attr.table.size(); ++k) {
              derivative(attr.table[k], {out.data + k * n + begin, size}, x, s);
            }
          }
        },
};

}  // namespace

Var silu(Var x) { return record(kSilu, {x}); }

std::optional<std::size_t> silu_order(const Node& node) {
  if (node.op != &kSilu) return std::nullopt;
  return node.attr.index[0];
}

Vars silu_orders(Var x, Var bias, const std::vector<std::size_t>& orders) {
  const Attr attr{.table = orders};
  const Var all = bias ? record(kSiluOrders, {x, bias}, attr) : record(kSiluOrders, {x}, attr);
  Vars parts;
  const std::size_t n = x.shape().size();
  for (std::size_t k = 0; k < orders.size(); ++k) {
    parts.push_back(reshape(slice(all, 0, k * n, (k + 1) * n), x.shape()));
  }
  return parts;
}

}  // namespace eqp::ad
