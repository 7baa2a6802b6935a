#pragma once

#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct Phi4Options {
  std::size_t sites = 100;  // d
  double a = 0.1;
  double beta = 20;
  double h = 0;  // field: above 0 it favours the negative mode
};

/// The phi^4 chain between x_0 = x_{d+1} = 0 (Gabrie, Rotskoff & Vanden-Eijnden 2022), c = a d:
///   beta (c sum_{i=0}^d (x_{i+1} - x_i)^2 / 2 + 1/c sum_{i=1}^d ((1 - x_i^2)^2 / 4 + h x_i)).
/// Not normalised: Phi4 knows log Z. flows::lattice_gaussian with the same sites, a and beta is the
/// natural base. Throws std::invalid_argument without sites, or unless a and beta are finite and
/// positive and h finite.
Energy phi4_energy(const Phi4Options& options = {});

/// What is known exactly about the chain, of which x_i given x_{i+1} does not depend on the sites
/// further right: integrals over all sites are products of transfer matrices. All in double;
/// `sites` messages are made once, in about 1e5 operations each.
///
/// Integrals are sums over an evenly spaced grid, which for analytic functions that vanish at its
/// ends converge faster than any power: with Gaussian factors of width s they are off by
/// exp(-2 pi^2 (s / spacing)^2), here below 1e-30, and the grid ends where the density is e^-45.
class Phi4 {
 public:
  /// Throws std::invalid_argument as phi4_energy does.
  explicit Phi4(const Phi4Options& options = {});

  std::size_t sites() const { return sites_; }
  /// log of the integral of exp(-energy).
  double log_z() const { return log_z_; }
  /// The density of a site, counted from 0. Throws std::invalid_argument for one that is not there.
  double density(std::size_t site, double x) const;
  /// E f(x_site) of an analytic f that grows at most like a polynomial.
  double expectation(std::size_t site, const std::function<double(double)>& f) const;
  /// P(x_site > 0): for the middle site d/2 the weight of the positive mode.
  double positive_weight(std::size_t site) const;

  /// Exact draws, from the last site to the first, each given the next. A site's value is a point
  /// of a grid that is shifted by a uniform of its own, drawn in proportion to the density there:
  /// since the sum of the density over a shifted grid does not depend on the shift, this draws
  /// from the density itself, up to the same error as integrals. Fills out (n, d), row i from
  /// chain first + i of the key; about 1 ms a row at d = 100. Throws std::invalid_argument for an
  /// array of other than d columns.
  void sample(ad::View out, ad::Key key, std::uint32_t first = 0) const;

 private:
  double local(double x) const;
  double bond(double difference) const;
  double at(std::ptrdiff_t k) const { return spacing_ * double(k - half_); }
  void messages(std::size_t site, std::ptrdiff_t first, double shift, std::span<double> out) const;
  void draw(ad::Draws& draws, std::span<double> x) const;
  void check_site(std::size_t site) const;

  std::size_t sites_;
  double coupling_, well_, field_;  // beta c, beta / c, beta h / c
  double spacing_ = 0;
  std::ptrdiff_t half_ = 0;  // grid points on either side of 0
  std::ptrdiff_t band_ = 0;  // grid points a bond reaches over
  // left_[i] on the grid: exp(-energy) of sites 0 ... i and the bonds between them, integrated over
  // those before i, over exp(log_scale_[i]).
  std::vector<std::vector<double>> left_;
  std::vector<double> log_scale_;
  double log_z_ = 0;
};

}  // namespace eqp::mcmc
