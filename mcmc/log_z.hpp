#pragma once

#include <span>

// Log-normalisers from log-weights, with error bars. Particles must be independent.
namespace eqp::mcmc {

/// An estimate and its standard error.
struct LogZ {
  double value = 0;
  double error = 0;
};

/// log(1/n sum w_i), whose error follows from the weights' variance by the delta method:
/// sd(w) / (mean(w) sqrt(n)). It is too small where few weights matter (an effective sample size
/// of some tens or less), and then the value mostly is too. Of the log Z of independent runs it
/// is their average, with an error from their spread. Throws std::invalid_argument unless there
/// are at least 2, all finite or -infinity, not all -infinity.
LogZ log_mean_weight(std::span<const double> log_weights);

/// 1/n sum log w_i. Throws std::invalid_argument unless there are at least 2.
LogZ mean_log_weight(std::span<const double> log_weights);

/// The log Z that best explains both directions: the root L of sum_forward s(log w - L + M) =
/// sum_reverse s(-(log w - L + M)), s(t) = 1 / (1 + exp(-t)), M = log(n_reverse / n_forward)
/// (Bennett 1976; Shirts, Bair, Hooker & Pande 2003, equations 8 and 10, for the error). Both runs
/// must go through the same temperatures with the same kernels, and these be reversible. Throws
/// std::invalid_argument unless there are at least 2 log-weights of each, all finite.
LogZ bennett(std::span<const double> forward, std::span<const double> reverse);

}  // namespace eqp::mcmc
