#pragma once

#include "train/langevin.hpp"

namespace eqp::train {

/// The term that contrastive divergence leaves out: the law of its negatives moves with the energy.
struct CdKlOptions {
  std::uint32_t steps = 1;  // the last Langevin steps, through which the gradient passes
  double weight = 1;        // of the term; -1: that of the exact derivative, see ChainKl
  std::optional<double> entropy = std::nullopt;  // weight of the log distance; none: dim
};

/// KL(q || exp(-U) / Z) of the law q of the negatives, as a function of the steps that made them,
/// up to a constant (Du, Li, Tenenbaum & Mordatch 2021, eq. 7): E_q[U(x)] with the energy held
/// fixed, minus the entropy of q by nearest neighbours (Kozachenko & Leonenko 1987), d E[log |x -
/// n(x)|].
///
/// CD-k is KL(data || model) - KL(q || model); its derivative by the parameters is that of the
/// contrastive loss and, with a minus, the one of this term through q (Hinton 2002, eq. 5). Du et
/// al. and their code add it, so that chains learn to reach low energies and stay apart; weight -1
/// gives the derivative of CD-k.
///
/// Here n(x) is the nearest other negative of the same update, held fixed; the published code takes
/// the nearest of 100 from the replay buffer, and the log distance by 0.3 instead of d, the number
/// that makes it an entropy.
class ChainKl {
 public:
  /// Throws std::invalid_argument unless 1 <= kl.steps <= langevin.steps.
  ChainKl(mcmc::Energy energy, const LangevinOptions& langevin, const CdKlOptions& kl)
      : energy_(std::move(energy)), langevin_(langevin), kl_(kl) {
    if (kl.steps >= 1 && kl.steps <= langevin.steps) return;
    throw std::invalid_argument("cd: gradient through " + std::to_string(kl.steps) +
                                " Langevin steps of " + std::to_string(langevin.steps) +
                                ": need 1 to all of them");
  }

  /// Inputs of the term: where the last steps begin, their noise, and the neighbour.
  std::vector<ad::Shape> row_shapes() const {
    return {{langevin_.dim}, {kl_.steps, langevin_.dim}, {langevin_.dim}};
  }

  /// The weighted term per row (n).
  ad::Var term(std::span<const ad::Var> in) const {
    const ad::Var x = path_end(in[0], in[1]), fixed = ad::stop_gradient(x), u = energy_(x);
    // Its value is U(x); its derivative is that through x alone.
    const ad::Var slope = ad::stop_gradient(ad::grad(u, x));
    const ad::Var energy = ad::stop_gradient(u) + sum(slope * (x - fixed), 1);
    if (entropy() == 0) return kl_.weight * energy;
    return kl_.weight * (energy - 0.5 * entropy() * log(sum(square(x - in[2]), 1)));
  }

  /// Runs the chains of update t from `start` to `negatives` and fills the inputs of the term.
  /// Throws std::runtime_error if all negatives are one point.
  void feed(const LangevinNegatives& chains, std::uint32_t t, ad::ConstView start,
            ad::View negatives, std::span<const ad::View> in, StepLog& log) const {
    const std::uint32_t first = langevin_.steps - kl_.steps, zero = t * langevin_.steps;
    if (first == 0) std::ranges::copy(start.flat(), in[0].data);
    const std::size_t d = langevin_.dim;
    const mcmc::Written before{in[0].flat(), [=](std::size_t chain) { return chain * d; }};
    chains(t, start, negatives, log,
           [&](std::size_t chain, std::uint32_t step, ad::ConstView x) {
             if (step + 1 != zero + first) return;
             std::ranges::copy(x.flat(), in[0].slice(chain, x.rows()).data);
           },
           {&before, 1});
    // The chains' own draws: a function of their address.
    ad::Tensor noise({negatives.rows(), d});
    for (std::uint32_t k = 0; k < kl_.steps; ++k) {
      ad::BlockRng{langevin_.key, zero + first + k}.normal(noise);
      for (std::size_t i = 0; i < noise.rows(); ++i) {
        std::ranges::copy(noise.row(i), in[1].row(i).begin() + std::ptrdiff_t(k * d));
      }
    }
    if (entropy() == 0) return;
    for (std::size_t i = 0; i < negatives.rows(); ++i) {
      std::ranges::copy(nearest(negatives, i), in[2].row(i).begin());
    }
  }

 private:
  double entropy() const { return kl_.entropy.value_or(double(langevin_.dim)); }

  // Where ULA's last steps end, with the parameters' derivative.
  ad::Var path_end(ad::Var x, ad::Var noise) const {
    const double h = langevin_.step_size, kick = langevin_.noise.value_or(std::sqrt(2 * h));
    const auto within = [](ad::Var v, double limit) {
      return std::isinf(limit) ? v : ad::clamp(v, -limit, limit);
    };
    for (std::size_t k = 0; k < kl_.steps; ++k) {
      const ad::Var xi = reshape(slice(noise, 1, k, k + 1), x.shape());
      const ad::Var drift = within(ad::grad(energy_(x), x), langevin_.clip);
      x = within(x - h * drift + kick * xi, langevin_.bound);
    }
    return x;
  }

  // The row nearest to row i but not the same point, as chains at a bound may be.
  static std::span<const Real> nearest(ad::ConstView x, std::size_t i) {
    double best = std::numeric_limits<double>::infinity();
    std::size_t at = i;
    for (std::size_t j = 0; j < x.rows(); ++j) {
      double square = 0;  // a sum beyond the best needs no end
      for (std::size_t k = 0; k < x.cols() && square < best; ++k) {
        const double d = double(x(i, k)) - double(x(j, k));
        square += d * d;
      }
      if (square > 0 && square < best) best = square, at = j;
    }
    if (at == i) throw std::runtime_error("cd: the negatives are one point, with no neighbours");
    return x.row(at);
  }

  mcmc::Energy energy_;
  LangevinOptions langevin_;
  CdKlOptions kl_;
};

}  // namespace eqp::train
