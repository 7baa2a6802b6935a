#pragma once

#include <memory>
#include <span>
#include <vector>

#include "autodiff/parallel.hpp"
#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"

// Densities between one that can be drawn from and a target: what annealed samplers move along.
namespace eqp::mcmc {

/// Densities proportional to exp(-U_b(x)), b from 0 to 1. Weights count from the base q, so that a
/// path need not begin there: log w = -U_0(x) - log q(x) of a draw, then what each step of b adds.
/// Energies must be finite wherever particles come, at every b.
struct Path {
  Proposal base;
  /// x (n, d), b (1) -> U_b(x) (n). It must record the same ops every time it is called.
  std::function<ad::Var(ad::Var x, ad::Var b)> energy;
  /// Whether U_b = (1 - b) U_0 + b U_1: energies at 0 and 1 then give those at every b.
  bool linear = false;
};

/// U_b = -(1 - b) log q + b U, the geometric mean of the base and the target exp(-U).
Path geometric_path(const Proposal& base, const Energy& target);
/// U_b = -log q + b V: the base times a tempered factor exp(-b V), of a prior and a likelihood
/// exp(-V).
Path tempered_path(const Proposal& base, const Energy& factor);

/// The b of a path, which moves while one compiled program serves all: a parameter that energies
/// read. Kernels are made on energy(); after set(), refresh them.
class Temperature {
 public:
  explicit Temperature(const Path& path);
  /// U_b at the present b. Lives on its own.
  const Energy& energy() const { return energy_; }
  void set(double b);

 private:
  std::shared_ptr<ad::Params> b_;
  Energy energy_;
};

/// What particles' log-weights gain when b moves and they do not. In double, in blocks that run in
/// parallel; the bits do not depend on threads.
class PathWeights {
 public:
  /// For so many particles. Throws std::invalid_argument for none.
  PathWeights(const Path& path, std::size_t particles);

  /// Draws of the base (n, d): particle i from chain i of the key.
  ad::Tensor draw(ad::Key key) const;
  /// The positions x (n, d) that the next increments are for. Throws std::invalid_argument for
  /// another shape.
  void at(ad::ConstView x);
  /// -U_0(x) - log q(x) (n): 0 for geometric and tempered paths, but for rounding. Throws
  /// ad::NonFinite naming a particle of which it is NaN or +infinity, as increments do.
  std::vector<double> from_base();
  /// U_from(x) - U_to(x) (n). On a linear path it costs no evaluation after the first.
  std::vector<double> increments(double from, double to);

 private:
  struct Energies {
    std::vector<double> from, to, log_q;
  };
  Energies evaluate(double from, double to);

  Path path_;
  std::shared_ptr<ad::Params> ends_;  // the two b of an increment
  ad::Batched draw_, energies_;
  ad::Blocks blocks_;
  std::vector<ad::Workspace> at_;
  Energies linear_;  // at b = 0 and 1; empty: not evaluated at these positions
};

/// b as the path's programs have it: rounded to Real, so that weights are those of the densities
/// that kernels sample.
inline double rounded(double b) { return double(Real(b)); }

/// 0, 1/n, ..., 1. Throws std::invalid_argument for n = 0.
std::vector<double> even_temperatures(std::size_t n);
/// Temperatures cut `times` as finely: values between given ones by linear interpolation. Step
/// sizes that belong to them are stretched alike by `stretched`.
std::vector<double> refined(std::span<const double> temperatures, std::size_t times);
/// Each value `times` times over.
std::vector<double> stretched(std::span<const double> values, std::size_t times);
/// Throws std::invalid_argument, in the name of `who`, unless they begin with 0, end with 1 and
/// increase even in Real's precision.
void check_temperatures(const std::string& who, std::span<const double> temperatures);

}  // namespace eqp::mcmc
