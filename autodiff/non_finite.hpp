#pragma once

#include <stdexcept>

#include "autodiff/plan.hpp"

// The search for the first operation of a run whose result is not finite.
namespace eqp::ad {

/// Names the first bad value of a checked run: op, layer, row and the range of its inputs.
struct NonFinite : std::runtime_error {
  NonFinite(const std::string& what, std::size_t bad_row)
      : std::runtime_error(what), row(bad_row) {}
  std::size_t row;  // of the op's result; of a block's rows when the op keeps them
};

/// Throws NonFinite unless every value of a step's result is finite.
void check_finite(const Plan& plan, const Step& step, ConstView out, std::span<const ConstView> in);
/// The same for a leaf: "parameter net.0.weight", "input 1".
void check_finite(const std::string& leaf, ConstView value);

}  // namespace eqp::ad
