#pragma once

#include <optional>

#include "experiments/common/problems.hpp"
#include "experiments/common/table.hpp"
#include "mcmc/run.hpp"

// How good a trained energy is, and what the chains that trained it say of it: rows of results.
namespace eqp {

/// What models are compared with.
struct Truth {
  ad::Tensor samples;  // as many as are drawn from models
  double w2_floor = 0;
  ad::Tensor test;  // 10 000 fresh points
  std::vector<double> log_true;
};
Truth exact_samples(const Problem& problem, std::size_t n_samples, ad::Key key);

/// A model of the plane, by quadrature, and draws of it without a Markov chain. Throws
/// std::runtime_error for an energy without a finite log Z.
struct PlaneMetrics {
  std::vector<double> masses;  // of the modes
  ad::Tensor samples;
  Row row;
  std::string doubt;  // about log Z; empty: none
};
PlaneMetrics plane_metrics(const Problem& problem, const Truth& truth,
                           const train::LogDensity& model, std::size_t points, ad::Key key);

/// Mean squared errors of mode weights (table 3 of Grenioux et al. 2023): where the method's chains
/// start, and where an update's steps take them, against the model's own masses; the model's
/// against the exact ones, and those of the training points, which are what it learns from.
Row weight_metrics(const train::NegativeChains& chains, const Problem& problem, ad::ConstView data,
                   std::span<const double> masses, ad::Key key);

/// A model that can be normalised, and the density that its log Z is annealed from.
struct AnnealedModel {
  mcmc::Energy energy;
  mcmc::Proposal base;
};

/// A model in many dimensions. Of 128 chains of the method from its bank, 1000 steps each: the
/// largest R-hat of a coordinate (table 2) and the largest error of a mode's weight. Of the energy
/// without them, if it can be normalised: the largest error of a mode's mass; log Z, with it the
/// mean log-likelihood of the test points, both with 95 % intervals, and the error of the density.
/// The upper end of log Z, and with it the lower one of the likelihood, takes the samples for draws
/// of the model: those of a method that loses modes say nothing there.
struct ChainMetrics {
  ad::Tensor samples;  // where an update's steps take the bank
  Row row;
};
ChainMetrics chain_metrics(const train::NegativeChains& chains, const Problem& problem,
                           const Truth& truth, const std::optional<AnnealedModel>& model,
                           ad::Key key);

/// Share of the rows of x in a mode.
double share_of_mode(ad::ConstView x, const train::Modes& modes, std::size_t mode);

}  // namespace eqp
