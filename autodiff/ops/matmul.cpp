#include <stdexcept>

#include "autodiff/ops/gemm.hpp"
#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

struct Product {
  Gemm gemm;
  std::size_t batch;
};

Product product(const Shape& a, const Shape& b, Transposed t) {
  const std::size_t r = a.rank();
  const auto fail = [&](const char* why) {
    throw std::invalid_argument("matmul: " + str(a) + (t.a ? " transposed" : "") + " times " +
                                str(b) + (t.b ? " transposed" : "") + ": " + why);
  };
  if (r != b.rank() || (r != 2 && r != 3)) fail("need two matrices or two batches of matrices");
  if (r == 3 && a[0] != b[0]) fail("batch sizes differ");
  const std::size_t m = a[r - (t.a ? 1 : 2)], k = a[r - (t.a ? 2 : 1)];
  const std::size_t n = b[r - (t.b ? 2 : 1)];
  if (k != b[r - (t.b ? 1 : 2)]) fail("inner sizes differ");
  return {{m, n, k, t.a, t.b}, r == 3 ? a[0] : 1};
}

Transposed flags(const Attr& attr) { return {attr.index[0] != 0, attr.index[1] != 0}; }

constexpr Op kMatmul{
    .name = "matmul",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Product p = product(in[0].shape(), in[1].shape(), flags(attr));
          prepare_gemm(p.gemm);
          return in[0].shape().rank() == 3 ? Shape{p.batch, p.gemm.m, p.gemm.n}
                                           : Shape{p.gemm.m, p.gemm.n};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const Product p = product(in[0].shape, in[1].shape, flags(attr));
          const auto [m, n, k, ta, tb, accumulate] = p.gemm;
          for (std::size_t i = 0; i < p.batch; ++i) {
            gemm(p.gemm, in[0].data + i * m * k, in[1].data + i * k * n, out.data + i * m * n);
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const auto [ta, tb] = flags(c.attr);
      const Var a = c.in[0], b = c.in[1], g = c.g;
      return {ta ? matmul(b, g, {tb, true}) : matmul(g, b, {false, !tb}),
              tb ? matmul(g, a, {true, ta}) : matmul(a, g, {!ta, false})};
    },
};

constexpr Op kAffine{
    .name = "affine",
    .shape =
        [](std::span<const Var> in, const Attr&) {
          const Shape &x = in[0].shape(), &w = in[1].shape(), &b = in[2].shape();
          if (x.rank() != 2 || w.rank() != 2 || x[1] != w[0] || b != Shape{w[1]}) {
            throw std::invalid_argument("affine: " + str(x) + " times " + str(w) + " plus " +
                                        str(b) + ": need (n, k), (k, m) and (m)");
          }
          prepare_gemm({.m = x[0], .n = w[1], .k = x[1], .accumulate = true});
          return Shape{x[0], w[1]};
        },
    .forward =
        [](In in, Out out, const Attr&) {
          const ConstView &x = in[0], &w = in[1], &b = in[2];
          const std::size_t n = x.shape[0], m = w.shape[1];
          if (n == 0) return;
          // Rows are short: fill by doubling what is there, in few large copies.
          std::copy_n(b.data, m, out.data);
          for (std::size_t done = 1; done < n; done *= 2) {
            std::copy_n(out.data, std::min(done, n - done) * m, out.data + done * m);
          }
          gemm({.m = n, .n = m, .k = w.shape[0], .accumulate = true}, x.data, w.data, out.data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      return {matmul(c.g, c.in[1], {.b = true}), matmul(c.in[0], c.g, {.a = true}), sum(c.g, 0)};
    },
};

}  // namespace

Var matmul(Var a, Var b, Transposed t) {
  // A transposed operand that was itself made by a transpose needs neither; layers keep their
  // weights transposed once per update, and their derivatives want them back.
  if (const Var inner = t.a ? as_transposed(a) : Var{}) return matmul(inner, b, {false, t.b});
  if (const Var inner = t.b ? as_transposed(b) : Var{}) return matmul(a, inner, {t.a, false});
  return record(kMatmul, {a, b}, {.index = {std::size_t(t.a), std::size_t(t.b)}});
}

Var affine(Var x, Var w, Var bias) { return record(kAffine, {x, w, bias}); }

}  // namespace eqp::ad
