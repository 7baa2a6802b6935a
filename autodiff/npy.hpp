#pragma once

#include <filesystem>
#include <string>

#include "autodiff/tensor.hpp"

// Arrays as NumPy's .npy files (NumPy enhancement proposal 1).
namespace eqp::ad {

/// The contents of a file, format version 1.0: C order, dtype '<f4' or '<f8' as Real is.
std::string npy_bytes(ConstView x);

/// Writes a temporary file beside `path` and renames it, so that no half-written file is ever seen.
/// Throws std::runtime_error if it cannot.
void write_npy(const std::filesystem::path& path, ConstView x);

/// Reads little-endian f4, f8, i4, i8 or u1 of up to Shape::kMaxRank axes, format versions 1 to 3;
/// Fortran order in two dimensions. Throws std::invalid_argument, naming the file, for anything
/// else and for a file that is missing, cut short or too long.
Tensor read_npy(const std::filesystem::path& path);

}  // namespace eqp::ad
