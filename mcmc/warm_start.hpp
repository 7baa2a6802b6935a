#pragma once

#include <filesystem>
#include <optional>

#include "mcmc/kernel.hpp"

namespace eqp::mcmc {

/// What a later run of the same target need not adapt again.
struct WarmStart {
  std::string kernel;  // as in Nuts::kName
  std::size_t dim = 0;
  double step_size = 0;
  Metric metric = {};
  std::optional<ad::Tensor> positions = {};  // (n, dim)
};

/// Writes JSON in which the adaptation has CmdStan's names, so that its metric_file takes it:
///   {"kernel": "Nuts", "dim": 2, "stepsize": 0.7, "metric_type": "diag_e", "inv_metric": [1, 2],
///    "positions": [[...], ...]}
/// with every number as it is. A file of that name is complete or absent. Throws
/// std::invalid_argument if what is written does not go together or a file cannot be made there,
/// std::runtime_error if writing fails.
void save_warm_start(const std::filesystem::path& path, const WarmStart& start);

/// Reads one back. Throws std::invalid_argument, one line with the file, unless it is of this
/// kernel and dimension; one that names no kernel, as CmdStan's do, is taken for any.
WarmStart load_warm_start(const std::filesystem::path& path, const std::string& kernel,
                          std::size_t dim);

/// Gives a kernel for positions (n, dim) the file's step size and metric, and returns the rest.
template <Preconditioned K>
WarmStart load_warm_start(const std::filesystem::path& path, K& kernel, std::size_t dim) {
  WarmStart start = load_warm_start(path, K::kName, dim);
  kernel.step_size() = start.step_size;
  kernel.metric() = start.metric;
  return start;
}

}  // namespace eqp::mcmc
