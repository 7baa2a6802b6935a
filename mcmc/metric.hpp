#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "autodiff/archive.hpp"
#include "autodiff/tensor.hpp"

namespace eqp::mcmc {

/// The mass matrix M of Hamiltonian kernels, given by its inverse, which is best an estimate of the
/// target's covariance (Neal 2011, section 5.4.1): M^-1 = L L^T.
///
/// Kernels keep the momentum in the units where its law is N(0, I): q = L^T p for a momentum p ~
/// N(0, M). The kinetic energy p M^-1 p / 2 is then |q|^2 / 2 whatever the metric, fresh momenta
/// are standard normals as they are drawn, the U-turn criterion is made of plain dot products, and
/// the metric appears in two places only, where positions and gradients meet momenta:
///   drift  x += h M^-1 p = h L q,   kick  q += h L^T g.
/// Without a metric both are x += h q and q += h g, to the bit.
class Metric {
 public:
  enum class Kind { unit, diagonal, dense };

  /// M = I, in any dimension.
  Metric() = default;
  /// Variances (d). Throws std::invalid_argument unless there is one and all are positive and
  /// finite.
  static Metric diagonal(std::span<const double> variances);
  /// A covariance (dim, dim), row-major. Throws std::invalid_argument unless it is symmetric and
  /// positive definite.
  static Metric dense(std::span<const double> covariance, std::size_t dim);

  Kind kind() const { return kind_; }
  /// 0 for the unit metric, which fits any.
  std::size_t dim() const { return dim_; }
  /// M^-1: nothing, variances (d), or a covariance (d, d).
  std::span<const double> inverse_mass() const { return inverse_mass_; }

  /// x += h L q, rows independently.  x, q (n, d)
  void drift(ad::View x, Real h, ad::ConstView q) const;
  /// q += h L^T g, rows independently.  q, g (n, d)
  void kick(ad::View q, Real h, ad::ConstView g) const;

  void archive(ad::Archive& a);

  bool operator==(const Metric& other) const {
    return kind_ == other.kind_ && inverse_mass_ == other.inverse_mass_;
  }

 private:
  Kind kind_ = Kind::unit;
  std::size_t dim_ = 0;
  std::vector<double> inverse_mass_;
  ad::Tensor factor_;  // L: its diagonal (d), or (d, d) with zeros above and more columns of them
  ad::Tensor transposed_;  // the same of L^T, of a dense metric
};

/// "unit", "diagonal" or "dense".
std::string name(Metric::Kind kind);

/// Throws std::invalid_argument in the name of `kernel` unless the metric fits positions (n, dim).
void check_metric(const char* kernel, const Metric& metric, std::size_t dim);

}  // namespace eqp::mcmc
