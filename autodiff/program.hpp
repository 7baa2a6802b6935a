#pragma once

#include <functional>
#include <memory>

#include "autodiff/params.hpp"

// Replay. A recorded function becomes a list of kernels over one planned arena; running it computes
// and does nothing else.
namespace eqp::ad {

struct Plan;  // the immutable list of kernels and buffers (autodiff/plan.hpp)

/// A recorded function: inputs on a tape -> outputs on the same tape.
using Function = std::function<Vars(std::span<const Var> in)>;

/// The memory of one run at a time. Made by a Program; used by one thread at a time.
class Workspace {
 public:
  Workspace() = default;
  explicit Workspace(std::shared_ptr<const Plan> plan);

  /// The i-th input; write it before a run.
  View in(std::size_t i) const { return inputs_[i]; }
  /// The i-th output; valid after a run, until the next one.
  ConstView out(std::size_t i) const { return outputs_[i]; }
  std::size_t n_outputs() const { return outputs_.size(); }
  /// Computes the outputs. Allocates nothing and writes nothing but this workspace. What depends on
  /// parameters and constants only is redone only after the parameters were written.
  void run();
  /// The same, checking every value. Throws std::runtime_error at the first one that is not finite
  /// and names its op, layer, row and the range of its inputs.
  void run_checked();

 private:
  struct Call {
    const Op* op;
    const Attr* attr;
    std::size_t first_in, n_in;
    View out;
    std::uint32_t step;  // index into the plan
  };
  template <class Run>
  void prepare(const Run& run_call);
  void compute(const Call& call, const View& out) const;
  bool stale() const;

  std::shared_ptr<const Plan> plan_;
  AlignedArray memory_;
  std::vector<View> inputs_;
  std::vector<ConstView> outputs_;
  std::vector<Call> calls_;
  std::vector<ConstView> operands_;
  std::vector<std::uint64_t> seen_;  // the version of each Params when last bound
};

/// A compiled function: immutable, shared by all threads, cheap to copy.
class Program {
 public:
  Program() = default;
  explicit Program(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}

  /// The only allocation.
  Workspace workspace() const { return Workspace(plan_); }
  /// Bytes of one workspace, and the number of kernels a run calls.
  std::size_t bytes() const;
  std::size_t n_kernels() const;

 private:
  std::shared_ptr<const Plan> plan_;
};

/// Records f on inputs of the given shapes and plans it.
Program compile(const std::vector<Shape>& inputs, const Function& f);

/// Compiles, runs once and returns copies of the outputs: for tests and for looking at values.
std::vector<Tensor> evaluate(const Function& f, const std::vector<Tensor>& inputs);

/// A function of rows, compiled once for every number of rows it is asked for.
class Batched {
 public:
  Batched() = default;
  /// Input i is (rows, row_shapes[i]...).
  Batched(std::vector<Shape> row_shapes, Function f);
  /// Thread-safe; records on first use of this number of rows, under a lock: the function must not
  /// ask its own Batched.
  Workspace workspace(std::size_t rows) const;

 private:
  struct Cache;
  Program program(std::size_t rows) const;

  std::shared_ptr<Cache> cache_;
};

}  // namespace eqp::ad
