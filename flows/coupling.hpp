#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flows/bijection.hpp"

// Couplings: one half of the coordinates moves by a map that depends on the other half, which is
// copied (Dinh et al. 2017, "Density estimation using Real NVP").
namespace eqp::flows {

/// The coordinates that a coupling moves: the first d/2 (rounded down) or the others.
enum class Half { first, second };

inline Half other(Half which) { return which == Half::first ? Half::second : Half::first; }
/// How many of d coordinates a half has.
std::size_t size_of(Half which, std::size_t dim);

/// A batch (n, d) as its two halves: (n, d/2) and (n, d - d/2).
struct Halves {
  ad::Var first, second;

  ad::Var& operator[](Half which) { return which == Half::first ? first : second; }
  ad::Var operator[](Half which) const { return which == Half::first ? first : second; }
};

/// The result of a coupling on the halves of a batch, and its log_det (n).
struct MappedHalves {
  Halves y;
  ad::Var log_det;
};

/// One coupling. As a Bijection it is a CouplingChain, which splits and joins for it.
class Coupling {
 public:
  virtual ~Coupling() = default;

  const std::string& name() const { return name_; }
  std::size_t dim() const { return dim_; }
  /// Columns of the context that the map depends on beside the copied half; 0: none.
  std::size_t context_dim() const { return context_dim_; }

  /// As Bijection's.
  virtual std::vector<double> seams() const { return {}; }
  virtual double period() const { return 0; }

  virtual MappedHalves forward(const Halves& z, ad::Var context) const = 0;
  virtual MappedHalves inverse(const Halves& x, ad::Var context) const = 0;

 protected:
  /// Throws std::invalid_argument when dim < 2.
  Coupling(std::string name, std::size_t dim, Half moved, std::size_t context_dim);

  Half moved() const { return moved_; }
  /// What the map depends on: something of the copied half (n, k) and the context, (n, k + c).
  ad::Var with_context(ad::Var copied, ad::Var context) const;
  /// x with its moved half replaced.
  Halves with_moved(Halves x, ad::Var moved) const;

 private:
  std::string name_;
  std::size_t dim_, context_dim_;
  Half moved_;
};

/// Couplings one after another. The batch is split once and joined once, not by every coupling:
/// for small networks that saves two fifths of the time.
class CouplingChain : public Bijection {
 public:
  /// Throws std::invalid_argument unless there is a coupling, all have the same dim, and those that
  /// take a context agree on its size.
  CouplingChain(std::string name, std::vector<std::shared_ptr<const Coupling>> couplings);

  std::vector<double> seams() const override;
  double period() const override { return couplings_[0]->period(); }

 private:
  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;
  Halves split(ad::Var x) const;

  std::vector<std::shared_ptr<const Coupling>> couplings_;
};

}  // namespace eqp::flows
