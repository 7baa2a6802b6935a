#include "autodiff/program.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "autodiff/compiled.hpp"

namespace eqp::ad {

std::size_t Program::bytes() const { return plan().memory * sizeof(Real); }
std::size_t Program::shared_bytes() const { return plan().hoisted_memory * sizeof(Real); }
std::size_t Program::n_kernels() const { return plan().steps.size(); }
const Plan& Program::plan() const { return compiled_->plan; }

Program compile(const std::vector<Shape>& inputs, const Function& f, const Passes& passes) {
  Graph graph{std::make_shared<Tape>(passes.merge), {}, {}};
  for (const Shape& shape : inputs) graph.inputs.push_back(graph.tape->input(shape));
  graph.outputs = f(graph.inputs);
  for (Var v : graph.outputs) {
    if (v.tape != graph.tape.get()) {
      throw std::logic_error("compile: an output is not on the tape of the inputs");
    }
  }
  graph = drop_dead_code(graph, passes.dead_code);
  if (passes.simplify) graph = drop_dead_code(simplify(graph), passes.dead_code);
  if (passes.share) graph = drop_dead_code(share_activations(graph), passes.dead_code);
  if (passes.fold) graph = drop_dead_code(fold_constants(graph), passes.dead_code);
  return Program(std::make_shared<const Compiled>(make_plan(graph, passes)));
}

std::vector<Tensor> evaluate(const Function& f, const std::vector<Tensor>& inputs) {
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs) shapes.push_back(t.shape());
  Workspace ws = compile(shapes, f).workspace();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::ranges::copy(inputs[i].flat(), ws.in(i).data);
  }
  ws.run();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < ws.n_outputs(); ++i) results.emplace_back(ws.out(i));
  return results;
}

struct Batched::Cache {
  std::vector<Shape> row_shapes;
  Function f;
  std::mutex mutex;
  std::map<std::size_t, Program> programs;
};

Batched::Batched(std::vector<Shape> row_shapes, Function f) : cache_(std::make_shared<Cache>()) {
  cache_->row_shapes = std::move(row_shapes);
  cache_->f = std::move(f);
}

std::size_t Batched::block(std::size_t rows) const {
  // Measured: larger blocks gain nothing, and products of fewer rows lose some of their speed.
  constexpr std::size_t kCache = std::size_t(1) << 20, kLarge = 64, kSmall = 32;
  if (rows <= 3 * kLarge) return std::clamp<std::size_t>(rows, 1, kSmall);
  const Program large = program(kLarge);
  if (large.bytes() <= kCache) return kLarge;
  // What every block reads or writes whatever its rows, weights and their gradient, costs the more
  // the smaller the blocks are.
  const double of_rows = 2 * (double(large.bytes()) - double(program(kSmall).bytes()));
  const double of_all = double(large.bytes()) - of_rows + double(large.shared_bytes());
  return of_all >= of_rows / 2 ? kLarge : kSmall;
}

Program Batched::program(std::size_t rows) const {
  if (!cache_) throw std::logic_error("Batched: empty; it was made without a function");
  const std::scoped_lock lock(cache_->mutex);
  auto it = cache_->programs.find(rows);
  if (it == cache_->programs.end()) {
    std::vector<Shape> shapes;
    for (const Shape& row : cache_->row_shapes) shapes.push_back(batch_shape(rows, row));
    it = cache_->programs.emplace(rows, compile(shapes, cache_->f)).first;
  }
  return it->second;
}

}  // namespace eqp::ad
