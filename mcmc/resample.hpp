#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "autodiff/random.hpp"

namespace eqp::mcmc {

/// How weighted particles become equally weighted ones. All are unbiased: particle i gets n W_i
/// children on average, W being the weights scaled to sum 1. Of the variances of these numbers,
/// those of stratified and residual resampling are at most the multinomial's (Douc, Cappe &
/// Moulines 2005); systematic resampling keeps every number within 1 of n W_i, but its draws
/// depend on each other and on the order of the particles in ways that no theorem bounds.
enum class Resampling {
  multinomial,  // n independent draws
  residual,     // floor(n W_i) children each, the rest multinomial (Liu & Chen 1998)
  stratified,   // one uniform in each of n equal intervals (Kitagawa 1996)
  systematic    // the same uniform in each of them (Carpenter, Clifford & Fearnhead 1999)
};

/// Throws std::invalid_argument, in the name of `who`, unless there are weights, none of them NaN
/// or +infinity, and one above 0 (-infinity in logs).
void check_log_weights(const std::string& who, std::span<const double> log_weights);

/// Weights scaled to sum 1. Throws std::invalid_argument as check_log_weights does.
std::vector<double> normalised(const std::string& who, std::span<const double> log_weights);

/// The parents (n, ascending) of n children of n particles; a function of (key, step). A particle
/// of weight 0 has no children. Throws std::invalid_argument as check_log_weights does.
std::vector<std::size_t> resample(Resampling how, std::span<const double> log_weights, ad::Key key,
                                  std::uint32_t step = 0);

}  // namespace eqp::mcmc
