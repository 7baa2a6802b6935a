#pragma once

#include "experiments/common/ebm.hpp"
#include "train/metrics/quadrature.hpp"

// The known two-dimensional distributions of the experiments, each with a model and settings for
// it.
namespace eqp {

struct Problem {
  train::Distribution truth;
  std::size_t watched = 0;   // the mode whose weight is traced
  std::string watched_name;  // "the top-right mode"
  train::Box box;            // of quadratures: holds the model as well as the truth
  train::Box frame;          // of pictures
  EbmOptions model;
  MethodSettings settings;  // shared; `tuned` says what a method needs otherwise
  train::QuadratureOptions quadrature;
  std::size_t points = 16384;  // for training
  double epochs = 75;
  bool published_pcd = false;  // pcd keeps its first learning rate, as in the paper

  /// The settings of one method, its number of updates included.
  MethodSettings tuned(const std::string& method) const;
};

/// "two_modes", "two_modes_equal", "eight_gaussians", "eight_gaussians_equal", "two_moons",
/// "rings", "four_modes", "checkerboard".
const std::vector<std::string>& problem_names();

/// A problem by name. `published` takes the settings of Grenioux, Moulines & Gabrie (2023) for the
/// energy, the flow and adaptive_flow's chains, which run 128 steps an update instead of 10.
Problem make_problem(const std::string& name, bool published);

}  // namespace eqp
