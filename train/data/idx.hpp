#pragma once

#include <filesystem>

#include "autodiff/tensor.hpp"

namespace eqp::train {

/// Reads an idx file, the format of MNIST (LeCun, Cortes & Burges 1998), as it is or compressed
/// (`.gz`): two zero bytes, a type, the number of axes, the extents and the values, all with the
/// most significant byte first. Takes all six types of value and 1 to 4 axes. Throws
/// std::invalid_argument, naming the file, for anything else, and for a file that is missing, cut
/// short or too long, before it allocates the array.
ad::Tensor read_idx(const std::filesystem::path& path);

}  // namespace eqp::train
