#pragma once

#include <string>
#include <vector>

#include "autodiff/ops.hpp"
#include "autodiff/params.hpp"

// Invertible maps, latent z -> data x.
namespace eqp::flows {

/// The result of a map on a batch: y (n, d), and log|det dy/dx| of the map just applied, (n).
struct Mapped {
  ad::Var y, log_det;
};

/// Throws std::invalid_argument naming `who` unless x is (n, dim).
void check_batch(const std::string& who, ad::Var x, std::size_t dim);

/// An invertible map of R^d, recorded in either direction. A conditional one depends on a context
/// (n, c) too, row by row.
class Bijection {
 public:
  virtual ~Bijection() = default;

  const std::string& name() const { return name_; }
  std::size_t dim() const { return dim_; }
  /// c, or 0 of a map that takes no context.
  std::size_t context_dim() const { return context_dim_; }

  /// Latent to data. A context is passed over by maps that take none. Throws std::invalid_argument
  /// unless z is (n, d) and the context, where one is needed, (n, c).
  Mapped forward(ad::Var z, ad::Var context = {}) const;
  /// Data to latent.
  Mapped inverse(ad::Var x, ad::Var context = {}) const;

  /// Whether the map takes something from data before training.
  virtual bool starts_from_data() const { return false; }
  /// Sets it in the parameters it was made with, so that the inverse sends x (n, d) to something
  /// simple.
  virtual void start_from(ad::Params&, ad::ConstView) const {}

  /// Coordinates at which the formula changes, such as where a spline meets its tails: checks look
  /// there.
  virtual std::vector<double> seams() const { return {}; }
  /// By how much coordinates may differ that are the same point of a torus; 0: on none.
  virtual double period() const { return 0; }

 protected:
  Bijection(std::string name, std::size_t dim, std::size_t context_dim = 0);

 private:
  virtual Mapped push(ad::Var z, ad::Var context) const = 0;
  virtual Mapped pull(ad::Var x, ad::Var context) const = 0;
  void check(ad::Var x, ad::Var context) const;

  std::string name_;
  std::size_t dim_, context_dim_;
};

}  // namespace eqp::flows
