#include "autodiff/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/ops/gemm_library.hpp"

// OpenBLAS holds LAPACK, but Debian ships no header of it. Fortran passes the lengths of text last.
extern "C" void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda,
                        double* w, double* work, const int* lwork, int* iwork, const int* liwork,
                        int* info, std::size_t jobz_length, std::size_t uplo_length);

namespace eqp::ad {

SymmetricEigen symmetric_eigen(const std::string& who, std::span<const double> a, std::size_t d) {
  if (a.size() != d * d) {
    throw std::invalid_argument(who + ": a matrix of " + std::to_string(a.size()) +
                                " numbers; need " + std::to_string(d) + " x " + std::to_string(d));
  }
  if (!std::ranges::all_of(a, [](double v) { return std::isfinite(v); })) {
    throw std::invalid_argument(who + ": a matrix with an entry that is not finite");
  }
  if (d == 0) return {};
  use_one_blas_thread();
  // LAPACK's columns are our rows: the lower triangle is its upper one, and a vector ends in a row.
  std::vector<double> values(d), vectors(a.begin(), a.end());
  const int n = int(d), lwork = 1 + 6 * n + 2 * n * n, liwork = 3 + 5 * n;
  std::vector<double> work(static_cast<std::size_t>(lwork));
  std::vector<int> iwork(static_cast<std::size_t>(liwork));
  int info = 0;
  dsyevd_("V", "U", &n, vectors.data(), &n, values.data(), work.data(), &lwork, iwork.data(),
          &liwork, &info, 1, 1);
  if (info != 0) {
    throw std::runtime_error(who + ": no eigenvectors (dsyevd says " + std::to_string(info) + ")");
  }

  SymmetricEigen result{std::vector<double>(d), std::vector<double>(d * d)};
  for (std::size_t k = 0; k < d; ++k) {
    const std::span<const double> from(&vectors[(d - 1 - k) * d], d);
    const double top = *std::ranges::max_element(
        from, [](double u, double v) { return std::abs(u) < std::abs(v); });
    result.values[k] = values[d - 1 - k];
    std::ranges::transform(from, &result.vectors[k * d],
                           [&](double v) { return top < 0 ? -v : v; });
  }
  return result;
}

}  // namespace eqp::ad
