#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "autodiff/params.hpp"
#include "autodiff/passes/passes.hpp"

// Replay. A recorded function becomes a list of kernels over one planned arena; running it computes
// and does nothing else.
namespace eqp::ad {

struct Plan;  // the immutable list of kernels and places (autodiff/plan.hpp)

class Calls;       // kernels bound to memory (autodiff/calls.hpp)
struct Compiled;   // a plan and what its workspaces share
struct StepTimes;  // a workspace's part of a profile (autodiff/profile.hpp)

/// A recorded function: inputs on a tape -> outputs on the same tape.
using Function = std::function<Vars(std::span<const Var> in)>;

/// The memory of one run at a time. Made by a Program; used by one thread at a time.
class Workspace {
 public:
  Workspace();
  explicit Workspace(std::shared_ptr<const Compiled> program);
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  /// The i-th input; write it before a run.
  View in(std::size_t i) const { return inputs_[i]; }
  /// The i-th output; valid after a run, until the next one.
  ConstView out(std::size_t i) const { return outputs_[i]; }
  std::size_t n_outputs() const { return outputs_.size(); }
  /// Computes the outputs. Allocates nothing, unless arrays are so large that kernels run in
  /// parallel tasks (autodiff/ops/pieces.hpp). What depends on parameters only is computed by the
  /// first of a program's workspaces that runs after the parameters were written, for all of them.
  void run();
  /// The same, slowly if an output is not finite: throws NonFinite (autodiff/non_finite.hpp), a
  /// std::runtime_error, that names the first bad value the output follows from: its op, layer, row
  /// and the range of its inputs. `row`: that of the outputs to explain; else the first bad one.
  void run_checked(std::optional<std::size_t> row = std::nullopt);

 private:
  void run_timed() const;

  std::shared_ptr<const Compiled> program_;
  AlignedArray memory_;
  std::vector<View> inputs_;
  std::vector<ConstView> outputs_;
  std::unique_ptr<Calls> calls_;
  std::unique_ptr<StepTimes> times_;  // while a Profile is on
};

/// A compiled function: immutable, shared by all threads, cheap to copy.
class Program {
 public:
  Program() = default;
  explicit Program(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  /// The only allocation.
  Workspace workspace() const { return Workspace(compiled_); }
  /// Bytes of one workspace, bytes that all of them share, and the number of kernels a run calls.
  std::size_t bytes() const;
  std::size_t shared_bytes() const;
  std::size_t n_kernels() const;
  /// The plan as text, a line per kernel: what it computes from what, shape, bytes and layer.
  std::string print() const;
  /// The plan itself, for tools.
  const Plan& plan() const;

 private:
  std::shared_ptr<const Compiled> compiled_;
};

/// Records f on inputs of the given shapes and plans it.
Program compile(const std::vector<Shape>& inputs, const Function& f, const Passes& passes = {});

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
  Workspace workspace(std::size_t rows) const { return program(rows).workspace(); }
  Program program(std::size_t rows) const;
  /// Rows of a block to cut `rows` into: 64, or at most 32 where 64 would leave fewer than 4 blocks
  /// or where what belongs to rows falls out of the second-level cache and outweighs the
  /// parameters. A function of the program and of `rows` alone, on every machine.
  std::size_t block(std::size_t rows) const;

 private:
  struct Cache;

  std::shared_ptr<Cache> cache_;
};

}  // namespace eqp::ad
