#include "autodiff/program.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>

#include "autodiff/plan.hpp"

namespace eqp::ad {
namespace {

std::size_t first_bad(std::span<const Real> x) {
  const auto bad = [](Real v) { return !std::isfinite(v); };
  return std::size_t(std::ranges::find_if(x, bad) - x.begin());
}

// Without the sign some machines give a NaN.
std::string number(Real v) {
  if (std::isnan(v)) return "nan";
  std::ostringstream text;
  text << v;
  return text.str();
}

std::string range_of(ConstView v) {
  Real low = INFINITY, high = -INFINITY;
  std::size_t bad = 0;
  for (Real x : v.flat()) {
    if (!std::isfinite(x)) {
      ++bad;
    } else {
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  std::ostringstream text;
  text << str(v.shape);
  if (low <= high) text << " in [" << low << ", " << high << "]";
  if (bad) text << (low <= high ? " and " : " with ") << bad << " not finite";
  return text.str();
}

// The name of the parameter a slot views, empty if it is none.
std::string parameter_name(const Plan& plan, const Slot& slot) {
  if (slot.home != Home::parameter) return "";
  for (const Params::Entry& e : plan.params[slot.params]->entries()) {
    if (e.offset == slot.offset) return e.name;
  }
  return "";
}

[[noreturn]] void report(const Plan& plan, const Step& step, const View& out,
                         std::span<const ConstView> in) {
  const std::size_t at = first_bad(out.flat());
  std::ostringstream text;
  text << step.op->name << (step.scope.empty() ? "" : " in " + step.scope) << ": "
       << number(out[at]) << " in row " << at / std::max<std::size_t>(out.cols(), 1) << " of "
       << str(out.shape);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string name = parameter_name(plan, plan.slots[step.in[i]]);
    text << (i ? "; " : ", from ") << (name.empty() ? "input" : name) << " " << range_of(in[i]);
  }
  throw std::runtime_error(text.str());
}

void check_leaf(const std::string& name, ConstView v) {
  const std::size_t at = first_bad(v.flat());
  if (at == v.size()) return;
  std::ostringstream text;
  text << name << ": " << number(v[at]) << " in row " << at / std::max<std::size_t>(v.cols(), 1)
       << " of " << str(v.shape);
  throw std::runtime_error(text.str());
}

}  // namespace

Workspace::Workspace(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)),
      memory_(aligned_array(plan_->memory)),
      seen_(plan_->params.size(), 0) {
  for (std::uint32_t id : plan_->inputs) {
    inputs_.push_back({memory_.get() + plan_->slots[id].offset, plan_->slots[id].shape});
  }
  for (std::uint32_t id : plan_->outputs) {
    outputs_.push_back({memory_.get() + plan_->slots[id].offset, plan_->slots[id].shape});
  }
  std::size_t n_operands = 0;
  for (std::uint32_t s = 0; s < plan_->steps.size(); ++s) {
    const Step& step = plan_->steps[s];
    const Slot& out = plan_->slots[step.out];
    calls_.push_back({step.op,
                      &step.attr,
                      n_operands,
                      step.in.size(),
                      {memory_.get() + out.offset, out.shape},
                      s});
    n_operands += step.in.size();
  }
  operands_.resize(n_operands);
  prepare([&](const Call& call) { compute(call, call.out); });
}

// Parameters may have moved since the last run; everything else stays where it is.
template <class Run>
void Workspace::prepare(const Run& run_call) {
  std::size_t k = 0;
  for (const Step& step : plan_->steps) {
    for (std::uint32_t id : step.in) {
      const Slot& slot = plan_->slots[id];
      const Real* base = slot.home == Home::memory ? memory_.get()
                         : slot.home == Home::parameter
                             ? plan_->params[slot.params]->values().data()
                             : slot.value->view().data;
      operands_[k++] = {base + slot.offset, slot.shape};
    }
  }
  std::for_each_n(calls_.begin(), plan_->n_hoisted, run_call);
  // Last, so that a run stopped by an error on the way is not taken for done.
  for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i] = plan_->params[i]->version();
}

bool Workspace::stale() const {
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    if (seen_[i] != plan_->params[i]->version()) return true;
  }
  return false;
}

void Workspace::compute(const Call& call, const View& out) const {
  call.op->forward({&operands_[call.first_in], call.n_in}, out, *call.attr);
}

void Workspace::run() {
  const auto run_call = [&](const Call& call) { compute(call, call.out); };
  if (stale()) prepare(run_call);
  std::for_each(calls_.begin() + std::ptrdiff_t(plan_->n_hoisted), calls_.end(), run_call);
}

void Workspace::run_checked() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    check_leaf("input " + std::to_string(i), inputs_[i]);
  }
  for (const Params* params : plan_->params) {
    for (const Params::Entry& e : params->entries())
      check_leaf("parameter " + e.name, params->view(e));
  }
  const auto check_call = [&](const Call& call) {
    // Beside its place: an op in place would overwrite the input that the report is about.
    Tensor result(call.out.shape);
    compute(call, result);
    if (first_bad(result.flat()) < result.size()) {
      report(*plan_, plan_->steps[call.step], result, {&operands_[call.first_in], call.n_in});
    }
    std::ranges::copy(result.flat(), call.out.data);
  };
  std::ranges::fill(seen_, 0);  // if the check stops on the way, the next run starts afresh
  prepare(check_call);
  std::for_each(calls_.begin() + std::ptrdiff_t(plan_->n_hoisted), calls_.end(), check_call);
}

std::size_t Program::bytes() const { return plan_->memory * sizeof(Real); }
std::size_t Program::n_kernels() const { return plan_->steps.size() - plan_->n_hoisted; }

Program compile(const std::vector<Shape>& inputs, const Function& f) {
  Tape tape;
  Vars in;
  for (const Shape& shape : inputs) in.push_back(tape.input(shape));
  const Vars out = f(in);
  for (Var v : out) {
    if (v.tape != &tape)
      throw std::logic_error("compile: an output is not on the tape of the inputs");
  }
  return Program(std::make_shared<const Plan>(make_plan(tape, in, out)));
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

Workspace Batched::workspace(std::size_t rows) const { return program(rows).workspace(); }

Program Batched::program(std::size_t rows) const {
  if (!cache_) throw std::logic_error("Batched: empty; it was made without a function");
  const std::scoped_lock lock(cache_->mutex);
  auto it = cache_->programs.find(rows);
  if (it == cache_->programs.end()) {
    std::vector<Shape> shapes;
    for (const Shape& row : cache_->row_shapes) {
      std::vector<std::size_t> dims{rows};
      dims.insert(dims.end(), row.dims().begin(), row.dims().end());
      shapes.emplace_back(std::span<const std::size_t>(dims));
    }
    it = cache_->programs.emplace(rows, compile(shapes, cache_->f)).first;
  }
  return it->second;
}

}  // namespace eqp::ad
