#pragma once

#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// The loss every maximum-likelihood method descends on, given data x+ and negatives x- (n, d)
/// each: U(x+) - U(x-) per row, whose gradient estimates that of the negative log-likelihood
/// (Hinton 2002), plus regulariser * (U(x+)^2 + U(x-)^2), which keeps energies near 0 (Du &
/// Mordatch 2019); where U has a tilt, it is a part of them. A third input (n) has weights of the
/// negatives, of mean 1: w U(x-).
inline Loss contrastive_loss(mcmc::Energy energy, double regulariser) {
  return [=](std::span<const ad::Var> in) {
    const ad::Var data = energy(in[0]), negatives = energy(in[1]);
    const ad::Var difference = data - (in.size() > 2 ? in[2] * negatives : negatives);
    if (regulariser == 0) return difference;
    return difference + regulariser * (square(data) + square(negatives));
  };
}

}  // namespace eqp::train
