#include <stdexcept>

#include "autodiff/ops/gemm.hpp"
#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

struct Sizes {
  Gemm gemm;
  std::size_t batch;
};

Sizes sizes(const char* who, const Shape& a, const Shape& b, Transposed t) {
  const std::size_t r = a.rank();
  const auto fail = [&](const char* why) {
    throw std::invalid_argument(std::string(who) + ": " + str(a) + (t.a ? " transposed" : "") +
                                " times " + str(b) + (t.b ? " transposed" : "") + ": " + why);
  };
  if (r != b.rank() || (r != 2 && r != 3)) fail("need two matrices or two batches of matrices");
  if (r == 3 && a[0] != b[0]) fail("batch sizes differ");
  const std::size_t m = a[r - (t.a ? 1 : 2)], k = a[r - (t.a ? 2 : 1)];
  const std::size_t n = b[r - (t.b ? 2 : 1)];
  if (k != b[r - (t.b ? 1 : 2)]) fail("inner sizes differ");
  return {{m, n, k, t.a, t.b}, r == 3 ? a[0] : 1};
}

Transposed flags(const Attr& attr) { return {attr.index[0] != 0, attr.index[1] != 0}; }

void run(const Sizes& p, ConstView a, ConstView b, Out out) {
  const std::size_t m = p.gemm.m, n = p.gemm.n, k = p.gemm.k;
  for (std::size_t i = 0; i < p.batch; ++i) {
    gemm(p.gemm, a.data + i * m * k, b.data + i * k * n, out.data + i * m * n);
  }
}

double count(ConstView a, ConstView b, Transposed t) {
  const Sizes p = sizes("matmul", a.shape, b.shape, t);
  return 2.0 * double(p.gemm.m * p.gemm.n * p.gemm.k * p.batch);
}

// Equal rows have equal products: for a row a is stretched from, the product of that row,
// stretched; else empty.
Var product_of_rows(Var a, Var b, Transposed t) {
  const Var row = as_broadcast(a);
  if (!row || t.a || a.shape().rank() != 2 || a.shape()[0] == 1) return {};
  const std::size_t k = a.shape()[1], rank = row.shape().rank();
  if (rank == 0 || row.shape().size() != k || row.shape()[rank - 1] != k) return {};
  const Var product = matmul(reshape(row, {1, k}), b, t);
  return broadcast_to(product, {a.shape()[0], product.shape()[1]});
}

Vars matmul_vjp(Var a, Var b, Transposed t, Var g) {
  return {t.a ? matmul(b, g, {t.b, true}) : matmul(g, b, {false, !t.b}),
          t.b ? matmul(g, a, {true, t.a}) : matmul(a, g, {!t.a, false})};
}

constexpr Op kMatmul{
    .name = "matmul",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Sizes p = sizes("matmul", in[0].shape(), in[1].shape(), flags(attr));
          prepare_gemm(p.gemm);
          return in[0].shape().rank() == 3 ? Shape{p.batch, p.gemm.m, p.gemm.n}
                                           : Shape{p.gemm.m, p.gemm.n};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          run(sizes("matmul", in[0].shape, in[1].shape, flags(attr)), in[0], in[1], out);
        },
    .vjp = [](const Vjp& c) { return matmul_vjp(c.in[0], c.in[1], flags(c.attr), c.g); },
    .flops = [](In in, const Attr& attr) { return count(in[0], in[1], flags(attr)); },
    // A transposed operand that was itself made by a transpose needs neither, a product with ones
    // is a sum, one of equal rows is that of one row, and the kernels like a weight that is
    // transposed once per update better than one transposed in every product.
    .simplify = [](const Rewriting& r) -> Var {
      const Var a = r.in[0], b = r.in[1];
      const auto [ta, tb] = flags(r.node.attr);
      const Shape& shape = r.node.shape;
      if (const Var inner = ta ? as_transposed(a) : Var{}) return matmul(inner, b, {.b = tb});
      if (const Var inner = tb ? as_transposed(b) : Var{}) return matmul(a, inner, {.a = ta});
      if (shape.rank() != 2) return {};
      if (const Var product = product_of_rows(a, b, {ta, tb})) return product;
      if (tb) return r.fixed(1) ? matmul(a, transpose(b), {.a = ta}) : Var{};
      const std::size_t m = shape[0], n = shape[1];
      if (const auto v = as_full(a); v && ta) {
        return broadcast_to(sum_to(b, {1, n}) * *v, shape);
      }
      if (const auto v = as_full(b); v && n == 1) {
        return (ta ? reshape(sum_to(a, {1, m}), {m, 1}) : sum_to(a, {m, 1})) * *v;
      }
      if (ta || m == 1) return {};
      if (const auto v = as_full(a)) {
        return broadcast_to(matmul(full(r.tape, {1, a.shape()[1]}, *v), b), shape);
      }
      return {};
    },
};

constexpr Op kAddProduct{
    .name = "add_product",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          Sizes p = sizes("add_product", in[1].shape(), in[2].shape(), flags(attr));
          const Shape shape = in[1].shape().rank() == 3 ? Shape{p.batch, p.gemm.m, p.gemm.n}
                                                        : Shape{p.gemm.m, p.gemm.n};
          if (in[0].shape() != shape) {
            throw std::invalid_argument("add_product: sum " + str(in[0].shape()) + " and product " +
                                        str(shape) + " differ");
          }
          p.gemm.accumulate = true;
          prepare_gemm(p.gemm);
          return shape;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          if (out.data != in[0].data) std::ranges::copy(in[0].flat(), out.data);
          Sizes p = sizes("add_product", in[1].shape, in[2].shape, flags(attr));
          p.gemm.accumulate = true;
          run(p, in[1], in[2], out);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const Vars g = matmul_vjp(c.in[1], c.in[2], flags(c.attr), c.g);
      return {c.g, g[0], g[1]};
    },
    .flops = [](In in, const Attr& attr) { return count(in[1], in[2], flags(attr)); },
    .in_place = true,
};

constexpr Op kAffine{
    .name = "affine",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Shape &x = in[0].shape(), &w = in[1].shape(), &bias = in[2].shape();
          const bool t = flags(attr).b;
          if (x.rank() != 2 || w.rank() != 2 || x[1] != w[t ? 1 : 0] ||
              bias != Shape{w[t ? 0 : 1]}) {
            throw std::invalid_argument("affine: " + str(x) + " times " + str(w) +
                                        (t ? " transposed" : "") + " plus " + str(bias) +
                                        ": need (n, k), " + (t ? "(m, k)" : "(k, m)") + " and (m)");
          }
          prepare_gemm({.m = x[0], .n = bias[0], .k = x[1], .transpose_b = t, .accumulate = true});
          return Shape{x[0], bias[0]};
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const ConstView &x = in[0], &w = in[1], &bias = in[2];
          const std::size_t n = x.shape[0], k = x.shape[1], m = bias.size();
          if (n == 0) return;
          // Rows are short: fill by doubling what is there, in few large copies.
          std::copy_n(bias.data, m, out.data);
          for (std::size_t done = 1; done < n; done *= 2) {
            std::copy_n(out.data, std::min(done, n - done) * m, out.data + done * m);
          }
          gemm({.m = n, .n = m, .k = k, .transpose_b = flags(attr).b, .accumulate = true}, x.data,
               w.data, out.data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const Vars g = matmul_vjp(c.in[0], c.in[1], flags(c.attr), c.g);
      return {g[0], g[1], sum(c.g, 0)};
    },
    .flops = [](In in, const Attr& attr) { return count(in[0], in[1], flags(attr)); },
    .simplify = [](const Rewriting& r) -> Var {
      if (!flags(r.node.attr).b || !r.fixed(1)) return {};
      return affine(r.in[0], flipped(r.in[1]), r.in[2]);
    },
};

}  // namespace

Var matmul(Var a, Var b, Transposed t) {
  return record(kMatmul, {a, b}, {.index = {std::size_t(t.a), std::size_t(t.b)}});
}

std::optional<Product> as_product(Var x) {
  const Node& node = x.tape->node(x.id);
  if (node.op != &kMatmul) return std::nullopt;
  return Product{{x.tape, node.in[0]}, {x.tape, node.in[1]}, flags(node.attr)};
}

Var add_product(Var sum, const Product& p) {
  return record(kAddProduct, {sum, p.a, p.b},
                {.index = {std::size_t(p.transposed.a), std::size_t(p.transposed.b)}});
}

bool is_affine(const Node& node) { return node.op == &kAffine; }

Var affine(Var x, Var w, Var bias, Transposed t) {
  return record(kAffine, {x, w, bias}, {.index = {0, std::size_t(t.b)}});
}

}  // namespace eqp::ad
