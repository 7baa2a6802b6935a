#pragma once

#include "autodiff/program.hpp"

// How a recorded function is laid out: which kernels run, in which order, and where each value
// lives.
namespace eqp::ad {

/// Where the memory of one value is.
enum class Home { memory, parameter, constant };

/// One value of a plan.
struct Slot {
  Home home = Home::memory;
  std::size_t offset = 0;  // in Reals, into the workspace or the parameters
  Shape shape;
  std::size_t params = 0;               // which Params, for a parameter
  std::shared_ptr<const Tensor> value;  // for a constant
};

/// One kernel call.
struct Step {
  const Op* op;
  Attr attr;
  std::vector<std::uint32_t> in;  // slots
  std::uint32_t out;              // slot
  std::string scope;              // the layer that recorded it
};

struct Plan {
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::size_t n_hoisted = 0;  // the first steps depend on parameters and constants only
  std::vector<std::uint32_t> inputs, outputs;
  std::vector<const Params*> params;
  std::size_t memory = 0;  // Reals of one workspace
};

/// Drops what no output needs, puts first what depends on parameters only, and assigns memory:
/// values that are alive at the same time never overlap; dead ones give their place to later ones.
Plan make_plan(const Tape& tape, std::span<const Var> inputs, std::span<const Var> outputs);

}  // namespace eqp::ad
