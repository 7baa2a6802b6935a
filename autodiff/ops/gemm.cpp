#include "autodiff/ops/gemm.hpp"

#include <algorithm>

#include "autodiff/ops/gemm_library.hpp"
#include "autodiff/ops/simd.hpp"

namespace eqp::ad {
namespace {

using Library = GemmLibrary<Real>;

constexpr std::size_t kRows = 64;  // of a tile at most
// A part of a product, which begins at these elements of its operands.
struct Tile {
  std::size_t m, n, k;
  std::size_t a, b, c;
  bool accumulate;
};

void blas(const Gemm& s, const Tile& t, const Real* a, const Real* b, Real* c) {
  const auto ta = s.transpose_a ? CblasTrans : CblasNoTrans;
  const auto tb = s.transpose_b ? CblasTrans : CblasNoTrans;
  const int lda = int(s.transpose_a ? s.m : s.k), ldb = int(s.transpose_b ? s.k : s.n);
  const Real beta = t.accumulate ? 1 : 0;
  Library::blas(CblasRowMajor, ta, tb, int(t.m), int(t.n), int(t.k), 1, a + t.a, lda, b + t.b, ldb,
                beta, c + t.c, int(s.n));
}

#ifdef EQP_HAVE_XSMM
// libxsmm has none for A B'.
Library::Kernel find_kernel(const Gemm& s, const Tile& t) {
  const int m = int(t.n), n = int(t.m), k = int(t.k);
  const int lda = int(s.n), ldb = int(s.transpose_a ? s.m : s.k), ldc = int(s.n);
  const int flags = s.transpose_a ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const Real alpha = 1, beta = t.accumulate ? 1 : 0;
  return Library::xsmm(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, nullptr);
}

// Cuts a product into tiles whose operands stay in the second-level cache. Measured in f32 for
// sides of 128 to 1024: 200 to 240 GFLOP/s on a core where BLAS reaches 140 to 200. Wide ones
// come from beyond that cache, which likes long rows: worth 4 % at 32 rows and 1024 columns.
template <class F>
void for_each_tile(const Gemm& s, std::size_t first_row, std::size_t end_row, F f) {
  const bool wide = s.n > 256;
  const std::size_t columns = wide ? 512 : 128, depth = wide ? 128 : 256;
  for (std::size_t i = first_row; i < end_row; i += kRows) {
    for (std::size_t p = 0; p < s.k; p += depth) {
      for (std::size_t j = 0; j < s.n; j += columns) {
        f(Tile{.m = std::min(kRows, s.m - i),
               .n = std::min(columns, s.n - j),
               .k = std::min(depth, s.k - p),
               .a = s.transpose_a ? p * s.m + i : i * s.k + p,
               .b = p * s.n + j,
               .c = i * s.n + j,
               .accumulate = s.accumulate || p > 0});
      }
    }
  }
}
#endif

// Rows [first, end) of the result.
void run_rows(const Gemm& s, std::size_t first, std::size_t end, const Real* a, const Real* b,
              Real* c) {
#ifdef EQP_HAVE_XSMM
  if (!s.transpose_b) {
    for_each_tile(s, first, end, [&](const Tile& t) {
      if (const auto kernel = find_kernel(s, t)) {
        kernel(b + t.b, a + t.a, c + t.c);
      } else {
        blas(s, t, a, b, c);
      }
    });
    return;
  }
#endif
  const std::size_t begin = s.transpose_a ? first : first * s.k;
  blas(s, {end - first, s.n, s.k, begin, 0, first * s.n, s.accumulate}, a, b, c);
}

// A product over a whole batch, whose rows are those of the result or, in a parameter gradient,
// those of A and B, is shared out by rows of the result, in whole tiles of work worth a task. That
// over a block of rows is one task.
std::size_t rows_of_task(const Gemm& s) {
  constexpr std::size_t kWork = std::size_t(1) << 22, kBatch = 512;
  if ((s.transpose_a ? s.k : s.m) < kBatch) return s.m;
  const std::size_t tile = std::max<std::size_t>(kRows * s.n * s.k, 1);
  return (kWork + tile - 1) / tile * kRows;
}

Real dot(const Real* a, const Real* b, std::size_t n) {
  constexpr std::size_t width = Batch::size;
  const std::size_t body = n - n % width;
  Batch lanes(Real(0));
  for (std::size_t p = 0; p < body; p += width) {
    lanes = xsimd::fma(Batch::load_unaligned(a + p), Batch::load_unaligned(b + p), lanes);
  }
  Real sum = xsimd::hadd(lanes);
  for (std::size_t p = body; p < n; ++p) sum += a[p] * b[p];
  return sum;
}

// c += scale * x
void add_scaled(Real scale, const Real* x, Real* c, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) c[j] += scale * x[j];
}

// A product with a thin side is bound by loops over the long one, where libraries only add
// overhead.
bool thin(const Gemm& s, const Real* a, const Real* b, Real* c) {
  if (s.n != 1 && s.k > 1) return false;
  if (!s.accumulate) std::fill_n(c, s.m * s.n, Real(0));
  if (s.k == 1) {
    for (std::size_t i = 0; i < s.m; ++i) add_scaled(a[i], b, c + i * s.n, s.n);
  } else if (s.transpose_a) {
    for (std::size_t p = 0; p < s.k; ++p) add_scaled(b[p], a + p * s.m, c, s.m);
  } else {
    for (std::size_t i = 0; i < s.m; ++i) c[i] += dot(a + i * s.k, b, s.k);
  }
  return true;
}

}  // namespace

void prepare_gemm(const Gemm& s) {
  use_one_blas_thread();
#ifdef EQP_HAVE_XSMM
  if (s.transpose_b) return;
  for_each_tile(s, 0, s.m, [&](const Tile& tile) { find_kernel(s, tile); });
#else
  static_cast<void>(s);
#endif
}

void gemm(const Gemm& s, const Real* a, const Real* b, Real* c) {
  if (s.m == 0 || s.n == 0) return;
  if (thin(s, a, b, c)) return;
  in_pieces(s.m, rows_of_task(s),
            [&](std::size_t first, std::size_t end) { run_rows(s, first, end, a, b, c); });
}

}  // namespace eqp::ad
