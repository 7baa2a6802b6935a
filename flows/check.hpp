#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/random.hpp"
#include "flows/flow.hpp"

// Does a flow do what a flow should? For flows that were just loaded, or are new.
namespace eqp::flows {

struct CheckOptions {
  /// Latent points that are tried, standard normals and three times those; and as many contexts.
  std::size_t points = 32;
  ad::Key key = {};
  /// Edge of the square, or length of the interval, over which a density of at most two dimensions
  /// is integrated, centred at 0; 0: it is not.
  double span = 0;
};

/// The largest deviations of one layer, or of the flow as a whole.
struct Deviation {
  /// "<index> <name>", since several layers may share a name; "flow".
  std::string layer;
  double round_trip = 0;  ///< of inverse(forward(z)) from z, relative to 1 + |z|
  double log_det = 0;     ///< of log_det from log|det| of the Jacobian by reverse mode
  double gradient = 0;    ///< of a gradient of log_prob from central differences, relative
};

struct Check {
  std::vector<Deviation> layers;
  /// The flow as a whole.
  Deviation flow;
  /// The integral of the density, where it was asked for.
  std::optional<double> mass;
  /// What is worst, with the layer that causes it, in a line.
  std::string str() const;
};

/// Tries every layer, also where its formula changes (Bijection::seams), and the flow. Throws
/// std::runtime_error naming operation and layer for a value or a gradient that is not finite, also
/// at points of size 1e4, where a base on a box has none, and std::invalid_argument for a span in
/// more than two dimensions.
Check check(const Flow& flow, const CheckOptions& options = {});

/// Reads the parameters of a flow (ad::load_safetensors) and tries it. Throws std::runtime_error
/// with what is worst, and leaves the parameters as they were, if a round trip or a log_det is off
/// by more than `tolerance`, which is 0.001 in f32 and 1e-6 in f64 when it is 0.
Check load(const std::filesystem::path& path, ad::Params& params, const Flow& flow,
           double tolerance = 0);

}  // namespace eqp::flows
