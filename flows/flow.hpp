#pragma once

#include <memory>
#include <vector>

#include "flows/bijection.hpp"

// Normalising flows: a base density and a chain of invertible maps.
namespace eqp::flows {

/// The density of the latent z. Draws are functions of standard normals, so that sampling is
/// recorded too.
class Base {
 public:
  virtual ~Base() = default;
  virtual std::size_t dim() const = 0;
  /// Standard normals that a draw is made of.
  virtual std::size_t noise_dim() const { return dim(); }
  /// Standard normals (n, noise_dim) -> draws (n, d).
  virtual ad::Var draw(ad::Var noise) const = 0;
  /// log rho(z).  z (n, d) -> (n)
  virtual ad::Var log_prob(ad::Var z) const = 0;
};

using Layers = std::vector<std::shared_ptr<const Bijection>>;

/// A density lambda with exact draws: the push-forward of a base through a chain of bijections.
/// A value: copies share the layers.
class Flow {
 public:
  /// Throws std::invalid_argument unless all layers have the base's dim, and those that take a
  /// context agree on its size.
  Flow(std::shared_ptr<const Base> base, Layers layers);

  std::size_t dim() const { return base_->dim(); }
  std::size_t noise_dim() const { return base_->noise_dim(); }
  /// Columns of the context; 0: it takes none.
  std::size_t context_dim() const { return context_dim_; }
  const Base& base() const { return *base_; }
  const Layers& layers() const { return layers_; }

  /// All layers, first to last.
  Mapped forward(ad::Var z, ad::Var context = {}) const;
  /// All layers backwards.
  Mapped inverse(ad::Var x, ad::Var context = {}) const;

  /// Draws with their density: x (n, d), log lambda(x) (n).
  struct Sample {
    ad::Var x, log_prob;
  };
  /// noise (n, noise_dim): standard normals.
  Sample sample(ad::Var noise, ad::Var context = {}) const;
  /// log lambda(x) = log rho(z) + log|det dz/dx|.  x (n, d) -> (n)
  ad::Var log_prob(ad::Var x, ad::Var context = {}) const;

  /// Lets layers set what they take from data, from the last to the first: each sees x (n, d) as
  /// the inverses of those after it leave it. Throws std::invalid_argument unless x is (n, d), the
  /// context, where one is needed, (n, c), and `params` is where the layers keep theirs.
  void start_from(ad::Params& params, const ad::Tensor& x, const ad::Tensor& context = {}) const;

 private:
  std::shared_ptr<const Base> base_;
  Layers layers_;
  std::size_t context_dim_;
};

}  // namespace eqp::flows
