#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "autodiff/ops.hpp"

namespace eqp::flows {

/// Row i of a matrix (P, m), as a vector (m).
ad::Var row(ad::Var matrix, std::size_t i);

/// A family of increasing maps of the line, whose parameters come from a network. Coordinates are
/// a vector and parameters its columns, so that kernels run along memory whatever d is.
class Monotone {
 public:
  virtual ~Monotone() = default;
  /// P, the parameters of one coordinate. All 0 is the identity.
  virtual std::size_t n_params() const = 0;
  /// Where the formula changes, whatever the parameters.
  virtual std::vector<double> seams() const { return {}; }
  /// The length of the circle it is a family on; 0: of the line.
  virtual double period() const { return 0; }

  /// What a network reads of the coordinates (n, k) it depends on, (n, n_features k).
  virtual std::size_t n_features() const { return 1; }
  virtual ad::Var features(ad::Var x) const { return x; }

  /// The values, and the log of the slope of the map just applied, (m) both.
  struct Value {
    ad::Var y, log_slope;
  };
  /// x (m), raw (P, m)
  virtual Value forward(ad::Var x, ad::Var raw) const = 0;
  virtual Value inverse(ad::Var y, ad::Var raw) const = 0;
};

/// y = x exp(s) + t with s = cap tanh(raw_0 / cap) and t = raw_1. Throws std::invalid_argument
/// unless the cap is finite and positive.
std::shared_ptr<const Monotone> affine_map(double cap = 2);

}  // namespace eqp::flows
