#pragma once

#include <string>

#include "autodiff/random.hpp"
#include "flows/bijection.hpp"

// Affine maps. What depends on their parameters alone, inverses included, runs once per update.
namespace eqp::flows {

/// y_j = z_j exp(s_j) + b_j with `<name>.log_scale` and `<name>.shift` (d) both: activation
/// normalisation (Kingma & Dhariwal 2018, "Glow", section 3.1) once it has started from data, which
/// it then sends to mean 0 and variance 1. Until then it is the identity.
class ElementwiseAffine : public Bijection {
 public:
  ElementwiseAffine(ad::Params& params, const std::string& name, std::size_t dim);

  /// Throws std::invalid_argument for fewer than 2 rows, a column of one value, or `params` that
  /// are not those it was made with.
  void start_from(ad::Params& params, ad::ConstView x) const override;
  bool starts_from_data() const override { return true; }

 private:
  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;

  ad::Param log_scale_, shift_;
};

/// y = b + L z with a lower triangular L of positive diagonal: `<name>.lower` (d (d - 1) / 2, rows
/// below the diagonal one after the other), `<name>.log_diagonal` and `<name>.shift` (d). Started
/// from data, its inverse whitens them: mean 0, covariance I. Until then it is the identity.
class Whitening : public Bijection {
 public:
  Whitening(ad::Params& params, const std::string& name, std::size_t dim);

  /// Throws std::invalid_argument unless the covariance of the rows is positive definite and
  /// `params` those it was made with.
  void start_from(ad::Params& params, ad::ConstView x) const override;
  bool starts_from_data() const override { return true; }

 private:
  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;
  ad::Var matrix(ad::Tape& tape) const;

  ad::Param lower_, log_diagonal_, shift_;
};

/// y = P L U z + b, Glow's 1x1 convolution for vectors (Kingma & Dhariwal 2018, section 3.2): P a
/// fixed random permutation, L lower triangular with ones, U upper triangular with diagonal exp(s).
/// `<name>.lower` and `<name>.upper` (d (d - 1) / 2) hold them row by row, `<name>.log_diagonal`
/// (d) s, `<name>.shift` (d) b. It begins as P.
class LuLinear : public Bijection {
 public:
  LuLinear(ad::Params& params, const std::string& name, std::size_t dim, ad::Key key);

 private:
  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;
  ad::Var lower(ad::Tape& tape) const;
  /// U^T
  ad::Var upper_transposed(ad::Tape& tape) const;

  std::vector<std::size_t> order_;
  ad::Param lower_, upper_, log_diagonal_, shift_;
};

}  // namespace eqp::flows
