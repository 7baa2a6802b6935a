#pragma once

#include "autodiff/params.hpp"
#include "autodiff/passes/passes.hpp"

// How a recorded function is laid out: which kernels run, in which order, and where each value
// lives.
namespace eqp::ad {

/// Where the memory of one value is: in the workspace of a run, in what a program keeps for all its
/// workspaces (what depends on parameters only), or at a leaf.
enum class Home { run, hoisted, parameter, constant };

/// One value of a plan.
struct Slot {
  Home home = Home::run;
  Shape shape;
  std::size_t offset = 0;               // in Reals, into the memory of its home
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
  std::vector<Step> hoisted, steps;
  std::vector<std::uint32_t> inputs, outputs;
  std::vector<const Params*> params;
  std::size_t memory = 0;          // Reals of one workspace
  std::size_t hoisted_memory = 0;  // Reals that the workspaces of a program share
};

/// Lays out a function that has been through the passes.
Plan make_plan(const Graph& graph, const Passes& passes);

/// Floating-point operations of one call of a kernel, 0 where its op does not count them.
double flops(const Plan& plan, const Step& step);
/// Those of a run: of its products, convolutions included.
double flops(const Plan& plan);

/// Copies its input: what a plan adds where a value must be somewhere else.
extern const Op kCopy;

/// The name of the parameter a slot views, empty if it is none.
std::string parameter_name(const Plan& plan, const Slot& slot);

}  // namespace eqp::ad
