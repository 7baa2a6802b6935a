#pragma once

#include <memory>
#include <vector>

#include "autodiff/ops.hpp"
#include "autodiff/random.hpp"

// Normalising flows: a base density and a chain of invertible maps, latent z -> data x.
namespace eqp::flows {

/// The result of a map on a batch: y (n, d), and log|det dy/dx| of the map just applied, (n).
struct Mapped {
  ad::Var y, log_det;
};

/// An invertible map of R^d, recorded in either direction.
class Bijection {
 public:
  virtual ~Bijection() = default;
  /// Latent to data.
  virtual Mapped forward(ad::Var z) const = 0;
  /// Data to latent.
  virtual Mapped inverse(ad::Var x) const = 0;
};

/// The density of the latent z. Draws are affine in standard normals, so that sampling is recorded
/// too.
class Base {
 public:
  virtual ~Base() = default;
  virtual std::size_t dim() const = 0;
  /// Standard normals (n, d) -> draws (n, d).
  virtual ad::Var draw(ad::Var noise) const = 0;
  /// log rho(z).  z (n, d) -> (n)
  virtual ad::Var log_prob(ad::Var z) const = 0;
};

/// Throws std::invalid_argument naming `who` unless x is (n, dim).
void check_batch(const char* who, ad::Var x, std::size_t dim);

/// A density lambda with exact draws: the push-forward of a base through a chain of bijections.
/// A value: copies share the layers.
class Flow {
 public:
  Flow(std::shared_ptr<const Base> base, std::vector<std::shared_ptr<const Bijection>> layers)
      : base_(std::move(base)), layers_(std::move(layers)) {}

  std::size_t dim() const { return base_->dim(); }
  const Base& base() const { return *base_; }
  /// All layers, first to last.
  Mapped forward(ad::Var z) const;
  /// All layers backwards.
  Mapped inverse(ad::Var x) const;

  /// Draws with their density, from standard normals (n, d): x (n, d), log lambda(x) (n).
  struct Sample {
    ad::Var x, log_prob;
  };
  Sample sample(ad::Var noise) const;
  /// log lambda(x) = log rho(z) + log|det dz/dx|.  x (n, d) -> (n)
  ad::Var log_prob(ad::Var x) const;

 private:
  std::shared_ptr<const Base> base_;
  std::vector<std::shared_ptr<const Bijection>> layers_;
};

}  // namespace eqp::flows
