#pragma once

#include <filesystem>
#include <string>

#include "autodiff/params.hpp"

// The arrays of a case on their way to its file and back: a Params serves as the set of them.
namespace eqp::bench {

/// Adds one array.
void put(ad::Params& file, const std::string& name, ad::ConstView values);
void put(ad::Params& file, const std::string& name, double value);
/// Adds arrays laid out as `params` are, each under `prefix` and its name there.
void put_all(ad::Params& file, const std::string& prefix, const ad::Params& params,
             std::span<const Real> values);
/// Adds the parameters themselves.
inline void put_all(ad::Params& file, const ad::Params& params) {
  put_all(file, "", params, params.values());
}

/// The arrays of `file` named out.*, copied to `results`.
void copy_results(const ad::Params& file, ad::Params& results);

/// The largest max|a - b| / max|a| over the arrays a of `results` and b of the same names in the
/// file at `path`. Throws std::invalid_argument for other names or shapes, and for values that are
/// not finite.
double largest_difference(const ad::Params& results, const std::filesystem::path& path);

}  // namespace eqp::bench
