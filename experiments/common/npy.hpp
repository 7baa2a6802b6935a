#pragma once

#include <string>

#include "autodiff/tensor.hpp"

namespace eqp {

/// The array as a NumPy .npy file, format version 1.0, in the build's precision and C order.
std::string npy_bytes(ad::ConstView x);

}  // namespace eqp
