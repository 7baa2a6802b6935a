#pragma once

#include <cblas.h>
#ifdef EQP_HAVE_XSMM
#include <libxsmm.h>
#endif

#include "autodiff/real.hpp"

// The matrix-product libraries, for the files that call them. libxsmm makes a kernel per shape at
// first sight and finds it again in its registry; row-major C = A B is its column-major C' = B' A'.
namespace eqp::ad {

/// The libraries' entry points for a precision.
template <class T>
struct GemmLibrary;
template <>
struct GemmLibrary<float> {
  static constexpr auto blas = cblas_sgemm;
#ifdef EQP_HAVE_XSMM
  static constexpr auto xsmm = libxsmm_smmdispatch;
  static constexpr auto xsmm_sum = libxsmm_smmdispatch_reducebatch_offs;
  using Kernel = libxsmm_smmfunction;
  using SumKernel = libxsmm_smmfunction_reducebatch_offs;
#endif
};
template <>
struct GemmLibrary<double> {
  static constexpr auto blas = cblas_dgemm;
#ifdef EQP_HAVE_XSMM
  static constexpr auto xsmm = libxsmm_dmmdispatch;
  static constexpr auto xsmm_sum = libxsmm_dmmdispatch_reducebatch_offs;
  using Kernel = libxsmm_dmmfunction;
  using SumKernel = libxsmm_dmmfunction_reducebatch_offs;
#endif
};

/// Blocks run in parallel above us: a product that starts threads of its own would only get in the
/// way.
inline void use_one_blas_thread() {
  static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace eqp::ad
