#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "autodiff/params.hpp"

// Parameter files in the safetensors layout, which PyTorch, JAX and NumPy users read as it is:
//   8 bytes   length of the header, little-endian
//   header    JSON {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...,
//             "__metadata__": {"key": "value"}}, padded with spaces to a multiple of 8
//   data      the arrays, row-major, little-endian, without gaps
namespace eqp::ad {

using Metadata = std::map<std::string, std::string>;

/// Writes every parameter, as F32 or F64 after Real, to a temporary name that is then renamed: a
/// file of that name is complete or absent. Throws std::invalid_argument if a file cannot be made
/// there or a name or metadata is not UTF-8, std::runtime_error if writing fails.
void save_safetensors(const std::filesystem::path& path, const Params& params,
                      const Metadata& metadata = {});

/// What a file calls a parameter, for weights that were saved under other names: our name -> the
/// file's. docs/weights.md has those of PyTorch.
using Rename = std::function<std::string(const std::string& name)>;

/// Reads every parameter and returns the metadata. The file must hold exactly the names, as
/// `rename` has them, and the shapes of `params`, in any order; F32 is widened exactly where Real
/// is double, and F64 is refused where Real is float. Throws std::invalid_argument, one line with
/// file, tensor and parameter, and then has changed nothing.
Metadata load_safetensors(const std::filesystem::path& path, Params& params,
                          const Rename& rename = {});

}  // namespace eqp::ad
