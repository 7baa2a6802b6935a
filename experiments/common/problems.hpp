#pragma once

#include "experiments/common/ebm.hpp"
#include "train/metrics/quadrature.hpp"

// The known distributions of the experiments, each with a model and settings for it.
namespace eqp {

/// Whose settings a method gets: those of the main job, or those of Grenioux, Moulines & Gabrie
/// (2023), appendix C.
enum class Protocol { ours, published };

struct Problem {
  train::Distribution truth;
  std::size_t watched = 0;   // the mode whose weight is traced
  std::string watched_name;  // "the top-right mode"
  train::Box box;            // of quadratures, in the plane: holds the model as well as the truth
  train::Box frame;          // of pictures
  EbmOptions model;          // shared; `tuned_model` says what a method needs otherwise
  MethodSettings settings;   // shared; `tuned` says what a method needs otherwise
  train::QuadratureOptions quadrature;
  std::size_t points = 16384;  // for training
  double epochs = 75;
  bool published_pcd = false;  // pcd learns as in the paper, though with the network of the others
  Protocol source = Protocol::ours;
  double final_rate = 0;  // learning rates at last, as a share of those at first; 0: the settings'

  bool planar() const { return truth.dim == 2; }
  /// The settings of one method, its number of updates included.
  MethodSettings tuned(const std::string& method) const;
  /// The model that one method trains.
  EbmOptions tuned_model(const std::string& method) const;

 private:
  bool learns_as_published(const std::string& method) const;
};

/// "two_modes", "two_modes_equal", "eight_gaussians", "eight_gaussians_equal", "two_moons",
/// "rings", "four_modes", "checkerboard", and in 16, 32 and 64 dimensions "corners_16",
/// "corners_32", "corners_64".
const std::vector<std::string>& problem_names();

Problem make_problem(const std::string& name, Protocol source);

}  // namespace eqp
