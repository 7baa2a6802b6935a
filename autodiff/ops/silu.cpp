#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include "autodiff/ops/kernel.hpp"
#include "autodiff/ops/math.hpp"
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
// of elementary ops takes six passes.
void derivative(std::size_t k, std::span<Real> out, const Real* x) {
  const Poly p = logistic_derivative(k), q = logistic_derivative(k - 1);
  const Batch order = Batch(Real(k));
  const auto f = [&](Batch v) {
    const Batch s = logistic_of(v);
    return v * horner(p, s) + order * horner(q, s);
  };
  map(out, f, x);
}

// The first orders by hand, from x and s = s(x): P_1 = s - s^2 and so on.
constexpr std::size_t kByHand = 4;
template <std::size_t k>
[[gnu::always_inline]] inline Batch derivative(Batch x, Batch s) {
  const Batch one(Real(1)), two(Real(2)), three(Real(3)), six(Real(6));
  const Batch slope = s * (one - s);
  if constexpr (k == 0) return x * s;
  if constexpr (k == 1) return s + x * slope;
  if constexpr (k == 2) return slope * (two + x * (one - two * s));
  if constexpr (k == 3) return slope * (three * (one - two * s) + x * (one - six * slope));
}

// Writes the orders in `mask` of x + bias, the highest first, `stride` apart: those are wanted
// last, and what dies before them leaves its memory at the end, where that of the next layer can
// begin. bias: the values of the m columns, or null. Flattened for the reason that `map` is.
template <unsigned mask>
[[gnu::noinline, gnu::flatten]] void orders(const Real* x, std::size_t n, const Real* bias,
                                            std::size_t m, Real* out, std::size_t stride) {
  constexpr std::size_t width = Batch::size;
  const auto write = [&](Batch v, auto store) {
    const Batch s = logistic_of(v);
    std::size_t at = 0;
    if constexpr ((mask & 8) != 0) store(derivative<3>(v, s), at++);
    if constexpr ((mask & 4) != 0) store(derivative<2>(v, s), at++);
    if constexpr ((mask & 2) != 0) store(derivative<1>(v, s), at++);
    if constexpr ((mask & 1) != 0) store(derivative<0>(v, s), at++);
  };
  const std::size_t body = n - n % width;
  for (std::size_t i = 0, column = 0; i < body; i += width) {
    Batch v = Batch::load_unaligned(x + i);
    if (bias) {
      v += Batch::load_unaligned(bias + column);
      column = column + width == m ? 0 : column + width;
    }
    write(v, [&](Batch y, std::size_t at) { y.store_unaligned(out + at * stride + i); });
  }
  if (body == n) return;
  alignas(64) Real lane[width] = {};
  std::copy_n(x + body, n - body, lane);
  write(Batch::load_aligned(lane), [&](Batch y, std::size_t at) {
    alignas(64) Real result[width];
    y.store_aligned(result);
    std::copy_n(result, n - body, out + at * stride + body);
  });
}

using Orders = void (*)(const Real*, std::size_t, const Real*, std::size_t, Real*, std::size_t);
template <unsigned... mask>
Orders orders_of(std::size_t wanted, std::integer_sequence<unsigned, mask...>) {
  static constexpr Orders table[] = {orders<mask>...};
  return table[wanted];
}
Orders orders_of(std::size_t mask) {
  return orders_of(mask, std::make_integer_sequence<unsigned, 1u << kByHand>());
}

// Rows that are no whole number of batches wait with their bias in the first-level cache.
void with_bias(Orders write, std::span<const Real> x, std::span<const Real> bias, Real* out,
               std::size_t stride) {
  constexpr std::size_t kPart = 1024;
  Real part[kPart];
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < x.size(); begin += kPart) {
    const std::size_t size = std::min(kPart, x.size() - begin);
    for (std::size_t i = 0; i < size; ++i) {
      part[i] = x[begin + i] + bias[column];
      column = column + 1 == bias.size() ? 0 : column + 1;
    }
    write(part, size, nullptr, 0, out + begin, stride);
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
    .forward =
        [](In in, Out out, const Attr& attr) {
          const std::size_t k = attr.index[0], n = out.size();
          if (k < kByHand) {
            orders_of(std::size_t(1) << k)(in[0].data, n, nullptr, 0, out.data, n);
          } else {
            derivative(k, out.flat(), in[0].data);
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const std::size_t order = c.attr.index[0] + 1;
      return {c.g * record(kSilu, {c.in[0]}, {.index = {order}})};
    },
    .elementwise = true,
};

constexpr Op kSiluOrders{
    .name = "silu_orders",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          return Shape{std::size_t(std::popcount(attr.index[0])) * in[0].shape().size()};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const std::size_t n = in[0].size(), m = in.size() > 1 ? in[1].size() : 0;
          const std::size_t row = std::max<std::size_t>(m, 1);
          const Orders write = orders_of(attr.index[0]);
          // Whole rows to a piece, so that the bias begins anew.
          in_pieces(n / row, rows_of_piece(row), [&](std::size_t first, std::size_t last) {
            const std::size_t begin = first * row, size = (last - first) * row;
            const Real* x = in[0].data + begin;
            if (m % Batch::size == 0) {
              write(x, size, m ? in[1].data : nullptr, m, out.data + begin, n);
            } else {
              with_bias(write, {x, size}, in[1].flat(), out.data + begin, n);
            }
          });
        },
};

}  // namespace

Var silu(Var x) { return record(kSilu, {x}); }

std::optional<std::size_t> silu_order(const Node& node) {
  if (node.op != &kSilu) return std::nullopt;
  return node.attr.index[0];
}

bool can_share(std::size_t order) { return order < kByHand; }

Vars silu_orders(Var x, Var bias, const std::vector<std::size_t>& wanted) {
  Attr attr;
  for (const std::size_t k : wanted) attr.index[0] |= std::size_t(1) << k;
  const Var all = bias ? record(kSiluOrders, {x, bias}, attr) : record(kSiluOrders, {x}, attr);
  Vars parts;
  const std::size_t n = x.shape().size();
  for (const std::size_t k : wanted) {
    const auto at = std::size_t(std::popcount(attr.index[0] >> (k + 1)));
    parts.push_back(reshape(slice(all, 0, at * n, (at + 1) * n), x.shape()));
  }
  return parts;
}

}  // namespace eqp::ad
