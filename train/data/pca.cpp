#include "train/data/pca.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "autodiff/ops/gemm_library.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/symmetric_eigen.hpp"

namespace eqp::train {
namespace {

void need_columns(std::size_t came, std::size_t needed) {
  if (came == needed) return;
  throw std::invalid_argument("pca: " + std::to_string(came) + " columns; need " +
                              std::to_string(needed));
}

std::vector<double> column_means(const Rows& x) {
  std::vector<double> mean(x.cols());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const std::span<const Real> row = x.row(i);
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += row[j];
  }
  for (double& m : mean) m /= double(x.rows());
  return mean;
}

/// The lower triangle of sum (x - mean)(x - mean)^T / n, blocks of rows at a time.
std::vector<double> covariance(const Rows& x, const std::vector<double>& mean) {
  const std::size_t d = mean.size();
  const ad::Blocks blocks{x.rows(), 256};
  std::vector<double> sum(d * d), centred(blocks.block * d);
  ad::use_one_blas_thread();
  for (std::size_t b = 0; b < blocks.count(); ++b) {
    for (std::size_t i = 0; i < blocks.size(b); ++i) {
      const std::span<const Real> row = x.row(blocks.first(b) + i);
      for (std::size_t j = 0; j < d; ++j) centred[i * d + j] = row[j] - mean[j];
    }
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, int(d), int(blocks.size(b)),
                1 / double(x.rows()), centred.data(), int(d), 1, sum.data(), int(d));
  }
  return sum;
}

}  // namespace

double Pca::dropped_variance() const {
  return total_variance - std::accumulate(variance.begin(), variance.end(), 0.0);
}

ad::Tensor Pca::project(ad::ConstView x) const {
  need_columns(x.cols(), dim());
  ad::Tensor z({x.rows(), components()});
  const ad::Blocks blocks{x.rows(), 64};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    std::vector<double> centred(dim());
    for (std::size_t i = blocks.first(b); i < blocks.first(b) + blocks.size(b); ++i) {
      for (std::size_t j = 0; j < dim(); ++j) centred[j] = double(x(i, j)) - mean[j];
      for (std::size_t k = 0; k < components(); ++k) {
        z(i, k) =
            Real(std::inner_product(centred.begin(), centred.end(), &directions[k * dim()], 0.0));
      }
    }
  });
  return z;
}

ad::Tensor Pca::reconstruct(ad::ConstView z) const {
  need_columns(z.cols(), components());
  ad::Tensor x({z.rows(), dim()});
  const ad::Blocks blocks{z.rows(), 64};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    for (std::size_t i = blocks.first(b); i < blocks.first(b) + blocks.size(b); ++i) {
      std::vector<double> row = mean;
      for (std::size_t k = 0; k < components(); ++k) {
        for (std::size_t j = 0; j < dim(); ++j) row[j] += z(i, k) * directions[k * dim() + j];
      }
      std::ranges::transform(row, x.row(i).begin(), [](double v) { return Real(v); });
    }
  });
  return x;
}

ad::Tensor Pca::whiten(ad::ConstView x) const {
  ad::Tensor z = project(x);
  for (std::size_t k = 0; k < components(); ++k) {
    // The rounding of a variance is that of the largest one.
    if (!(variance[k] > 1e-12 * variance[0])) {
      throw std::invalid_argument("pca: the data have no extent along component " +
                                  std::to_string(k) + "; whiten with at most " + std::to_string(k) +
                                  " components");
    }
    for (std::size_t i = 0; i < z.rows(); ++i) z(i, k) = Real(z(i, k) / std::sqrt(variance[k]));
  }
  return z;
}

ad::Tensor Pca::reconstruct_whitened(ad::ConstView z) const {
  need_columns(z.cols(), components());
  ad::Tensor scaled(z);
  for (std::size_t i = 0; i < z.rows(); ++i) {
    for (std::size_t k = 0; k < components(); ++k) {
      scaled(i, k) = Real(z(i, k) * std::sqrt(variance[k]));
    }
  }
  return reconstruct(scaled);
}

Pca pca(const Rows& x, std::size_t components) {
  const std::size_t d = x.cols();
  if (x.rows() == 0) throw std::invalid_argument("pca: no rows");
  if (components == 0 || components > d) {
    throw std::invalid_argument("pca: " + std::to_string(components) + " components of " +
                                std::to_string(d) + " columns; need 1 to " + std::to_string(d));
  }
  Pca result{.mean = column_means(x)};
  const std::vector<double> c = covariance(x, result.mean);
  for (std::size_t j = 0; j < d; ++j) result.total_variance += c[j * d + j];
  const ad::SymmetricEigen eigen = ad::symmetric_eigen("pca", c, d);
  result.directions.assign(eigen.vectors.begin(),
                           eigen.vectors.begin() + std::ptrdiff_t(components * d));
  for (std::size_t k = 0; k < components; ++k) {
    result.variance.push_back(std::max(0.0, eigen.values[k]));  // rounding may go below
  }
  return result;
}

}  // namespace eqp::train
