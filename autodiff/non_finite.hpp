#pragma once

#include <optional>
#include <stdexcept>

#include "autodiff/calls.hpp"

// Where a value that is not finite comes from.
namespace eqp::ad {

/// Whether no value is NaN or infinite. Allocates nothing and takes a few hundredths of a
/// nanosecond per value.
bool all_finite(std::span<const Real> values);

/// Names the first bad value that a bad output of a run follows from: op, layer, row and the range
/// of its inputs.
struct NonFinite : std::runtime_error {
  enum class Origin { operation, parameter, input };

  NonFinite(const std::string& what, Origin o, std::optional<std::size_t> r = std::nullopt)
      : std::runtime_error(what), origin(o), row(r) {}

  Origin origin;
  std::optional<std::size_t> row;  // of the inputs, when it is known
};

/// A run that has ended, in the memory of a workspace.
struct Run {
  const Plan& plan;
  const Calls &hoisted, &steps;
  std::span<const View> inputs;
  std::span<const ConstView> outputs;
};

/// Throws NonFinite if an output is not finite, and then leaves undefined what is neither an input
/// nor a parameter. With `row`, outputs that have a row per input row are looked at in that row
/// only.
void explain_non_finite(const Run& run, std::optional<std::size_t> row);

}  // namespace eqp::ad
