#include "autodiff/ops/gemm.hpp"

#include <cblas.h>
#ifdef EQP_HAVE_XSMM
#include <libxsmm.h>
#endif

#include <algorithm>

#include "autodiff/ops/simd.hpp"

namespace eqp::ad {
namespace {

// The libraries' entry points for a precision.
template <class T>
struct Entry;
template <>
struct Entry<float> {
  static constexpr auto blas = cblas_sgemm;
#ifdef EQP_HAVE_XSMM
  static constexpr auto xsmm = libxsmm_smmdispatch;
  using Kernel = libxsmm_smmfunction;
#endif
};
template <>
struct Entry<double> {
  static constexpr auto blas = cblas_dgemm;
#ifdef EQP_HAVE_XSMM
  static constexpr auto xsmm = libxsmm_dmmdispatch;
  using Kernel = libxsmm_dmmfunction;
#endif
};

// Blocks run in parallel above us: a product that starts threads of its own would only get in the
// way.
void use_one_blas_thread() {
  static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

void blas(const Gemm& s, const Real* a, const Real* b, Real* c) {
  const auto ta = s.transpose_a ? CblasTrans : CblasNoTrans;
  const auto tb = s.transpose_b ? CblasTrans : CblasNoTrans;
  const int m = int(s.m), n = int(s.n), k = int(s.k);
  const int lda = s.transpose_a ? m : k, ldb = s.transpose_b ? k : n;
  const Real beta = s.accumulate ? 1 : 0;
  Entry<Real>::blas(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, n);
}

#ifdef EQP_HAVE_XSMM
// libxsmm makes a kernel per shape at first sight and finds it again in its registry. Row-major C =
// A B is column-major C' = B' A'. It has no kernel for our A B', and a very large product is
// BLAS's.
Entry<Real>::Kernel find_kernel(const Gemm& s) {
  constexpr std::size_t kLargest = 256;
  if (s.transpose_b || s.n > kLargest || s.k > kLargest || s.m > kLargest) return nullptr;
  const int m = int(s.n), n = int(s.m), k = int(s.k);
  const int ldb = s.transpose_a ? n : k;
  const int flags = s.transpose_a ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const Real alpha = 1, beta = s.accumulate ? 1 : 0;
  return Entry<Real>::xsmm(m, n, k, &m, &ldb, &m, &alpha, &beta, &flags, nullptr);
}
#endif

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
  if (s.n != 1 && s.k != 1) return false;
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
  find_kernel(s);
#else
  static_cast<void>(s);
#endif
}

void gemm(const Gemm& s, const Real* a, const Real* b, Real* c) {
  if (s.m == 0 || s.n == 0) return;
  if (thin(s, a, b, c)) return;
#ifdef EQP_HAVE_XSMM
  if (const auto kernel = find_kernel(s)) {
    kernel(b, a, c);
    return;
  }
#endif
  blas(s, a, b, c);
}

}  // namespace eqp::ad
