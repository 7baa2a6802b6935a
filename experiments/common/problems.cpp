#include "experiments/common/problems.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "experiments/common/published.hpp"
#include "train/data/checkerboard.hpp"
#include "train/data/two_moons.hpp"

namespace eqp {
namespace {

train::Box square(double half) { return {-half, half, -half, half}; }

Problem two_modes(bool equal) {
  return {.truth = train::two_modes({.equal_covariance = equal}),
          .watched = 1,
          .watched_name = "the top-right mode",
          .frame = square(3),
          .settings = {.batch = 64},
          .epochs = 75,
          .published_pcd = true};
}

Problem eight_gaussians(bool equal) {
  std::vector<double> weights;
  for (int k = 1; k <= 8; ++k) weights.push_back(equal ? 1 : k);
  return {.truth = train::eight_gaussians({.weights = weights}),
          .watched = 7,
          .watched_name = "the eighth mode",
          .frame = square(1.8),
          .settings = {.langevin_step = 0.002, .restart = 0.05},
          .epochs = 40};
}

Problem two_moons() {
  return {.truth = train::two_moons({.weights = {0.2, 0.8}}),
          .watched = 0,
          .watched_name = "the upper moon",
          .frame = {-1.6, 2.6, -1.2, 1.7},
          .settings = {.langevin_step = 0.001, .restart = 0.05},
          .epochs = 40};
}

// The energy's first layer is wide: one that is narrower than the space leaves the directions that
// it does not see to the tilt.
Problem four_corners(std::size_t dim) {
  return {.truth = train::four_corners(dim),
          .watched = 0,
          .watched_name = "the corner where all coordinates are positive",
          .frame = square(3),
          .model = {.dim = dim,
                    .hidden = {4 * dim, 64, 64},
                    .activation = "leaky_relu",
                    .flow = {.blocks = 2,
                             .hidden = {dim == 16   ? 32u
                                        : dim == 32 ? 39u
                                                    : 51u}}},
          .settings = {.learning_rate = 1e-3,
                       .final_learning_rate = 1e-5,
                       .langevin_step = 0.01,
                       .particles = 128,
                       .local_steps = 8,
                       .cycles = 4,
                       .negatives = train::Negatives::all,
                       .flow_learning_rate = 1e-3,
                       .final_flow_learning_rate = 1e-5},
          .epochs = 40};
}

}  // namespace

MethodSettings Problem::tuned(const std::string& method) const {
  MethodSettings s = settings;
  s.steps = std::uint32_t(std::max(1.0, std::round(epochs * double(points) / double(s.batch))));
  s.bound = box.x_max;
  s.tilted = s.tilted || (method != "pcd" && method != "coop_flow");
  if (learns_as_published(method)) {
    s = published_settings(*this, method, s);
  } else if (method == "pcd") {
    // Its modes lose touch, and without a restraint their energies grow until they overflow.
    s.regulariser = 1e-4;
  } else if (method != "adaptive_flow") {
    s.learning_rate = std::min(s.learning_rate, 5e-3);  // cd and dsm diverge at 1e-2
  }
  if (final_rate > 0) {
    s.final_learning_rate = final_rate * s.learning_rate;
    s.final_flow_learning_rate = final_rate * s.flow_learning_rate;
  }
  return s;
}

EbmOptions Problem::tuned_model(const std::string& method) const {
  if (source == Protocol::published) return published_model(*this, method);
  EbmOptions m = model;
  if (learns_as_published(method)) m.temperature = published_model(*this, method).temperature;
  return m;
}

bool Problem::learns_as_published(const std::string& method) const {
  return source == Protocol::published || (published_pcd && method == "pcd");
}

const std::vector<std::string>& problem_names() {
  static const std::vector<std::string> names{
      "two_modes",  "two_modes_equal", "eight_gaussians", "eight_gaussians_equal",
      "two_moons",  "rings",           "four_modes",      "checkerboard",
      "corners_16", "corners_32",      "corners_64"};
  return names;
}

Problem make_problem(const std::string& name, Protocol source) {
  Problem p;
  if (name == "two_modes" || name == "two_modes_equal") {
    p = two_modes(name == "two_modes_equal");
  } else if (name == "eight_gaussians" || name == "eight_gaussians_equal") {
    p = eight_gaussians(name == "eight_gaussians_equal");
  } else if (name == "two_moons") {
    p = two_moons();
  } else if (name == "rings") {
    p = {.truth = train::rings({}),
         .watched = 0,
         .watched_name = "the inner ring",
         .frame = square(4.8),
         .settings = {.langevin_step = 0.002, .restart = 0.05},
         .epochs = 40};
  } else if (name == "four_modes") {
    p = {.truth = train::four_modes(),
         .watched = 3,
         .watched_name = "the rightmost mode",
         .frame = square(4),
         .settings = {.langevin_step = 0.005, .restart = 0.05},
         .epochs = 40};
  } else if (name == "checkerboard") {
    p = {.truth = train::checkerboard(),
         .watched = 0,
         .watched_name = "the top-left square",
         .frame = square(4.6),
         .settings = {.langevin_step = 0.01, .restart = 0.05},
         .epochs = 40};
  } else if (name.starts_with("corners_")) {
    p = four_corners(std::size_t(std::stoi(name.substr(8))));
  } else {
    throw std::invalid_argument("--data " + name + ": no such problem");
  }
  p.truth.name = name;
  p.model.base_variance = p.truth.base_variance;
  // Beyond 7 standard deviations of the tilt lies no mass a network of these sizes could hold up.
  p.box = square(7 * std::sqrt(p.model.base_variance));
  p.source = source;
  if (source == Protocol::published) use_published_sizes(p);
  return p;
}

}  // namespace eqp
