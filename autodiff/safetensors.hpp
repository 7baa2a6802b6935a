#pragma once

#include <filesystem>
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
/// there, std::runtime_error if writing fails.
void save_safetensors(const std::filesystem::path& path, const Params& params,
                      const Metadata& metadata = {});

/// Reads every parameter and returns the metadata. The file must hold exactly the names and shapes
/// of `params`, in any order; F32 is widened exactly where Real is double, and F64 is refused where
/// Real is float. Throws std::invalid_argument, one line with file and tensor, and then has changed
/// nothing.
Metadata load_safetensors(const std::filesystem::path& path, Params& params);

}  // namespace eqp::ad
