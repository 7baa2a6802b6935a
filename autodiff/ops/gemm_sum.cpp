#include "autodiff/ops/gemm_sum.hpp"

#include <algorithm>

#include "autodiff/ops/gemm_library.hpp"

namespace eqp::ad {
namespace {

using Library = GemmLibrary<Real>;

#ifdef EQP_HAVE_XSMM
Library::SumKernel find_kernel(const GemmSum& s) {
  const int lda = int(s.row_b), ldb = int(s.row_a), ldc = int(s.row_c);
  const int flags = s.transpose_a ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const Real alpha = 1, beta = s.accumulate ? 1 : 0;
  return Library::xsmm_sum(int(s.n), int(s.m), int(s.k), &lda, &ldb, &ldc, &alpha, &beta, &flags,
                           nullptr);
}
#endif

void blas(const GemmSum& s, const GemmTerms& terms, const Real* a, const Real* b, Real* c) {
  for (std::size_t t = 0; t < terms.size(); ++t) {
    const Real beta = s.accumulate || t > 0 ? 1 : 0;
    Library::blas(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans, CblasNoTrans, int(s.m),
                  int(s.n), int(s.k), 1, a + terms.a()[t] / sizeof(Real), int(s.row_a),
                  b + terms.b()[t] / sizeof(Real), int(s.row_b), beta, c, int(s.row_c));
  }
}

}  // namespace

void prepare_gemm_sum(const GemmSum& s) {
  use_one_blas_thread();
#ifdef EQP_HAVE_XSMM
  find_kernel(s);
#else
  static_cast<void>(s);
#endif
}

void gemm_sum(const GemmSum& s, const GemmTerms& terms, const Real* a, const Real* b, Real* c) {
#ifdef EQP_HAVE_XSMM
  if (const auto kernel = find_kernel(s)) {
    const unsigned long long count = terms.size();
    kernel(b, a, c, &count, terms.b(), terms.a());
    return;
  }
#endif
  blas(s, terms, a, b, c);
}

}  // namespace eqp::ad
