#include "autodiff/plan.hpp"

#include <algorithm>

#include "autodiff/passes/memory.hpp"

namespace eqp::ad {

const Op kCopy{
    .name = "copy",
    .forward = [](In in, Out out, const Attr&) { std::ranges::copy(in[0].flat(), out.data); },
};

namespace {

class Layout {
 public:
  Layout(const Graph& graph, const Passes& passes)
      : graph_(graph),
        tape_(*graph.tape),
        passes_(passes),
        varies_(passes.hoist ? depends_on_input(graph) : std::vector<bool>(tape_.size(), true)) {}

  Plan run() {
    for (std::uint32_t id = 0; id < tape_.size(); ++id) add(id);
    for (Var v : graph_.inputs) {
      plan_.inputs.push_back(v.id);
      places_[v.id].persistent = true;
    }
    for (Var v : graph_.outputs) plan_.outputs.push_back(output(v.id));
    if (passes_.reuse) nest(plan_, places_);
    assign_memory(plan_, places_, passes_.reuse);
    return std::move(plan_);
  }

 private:
  void add(std::uint32_t id) {
    const Node& node = tape_.node(id);
    Slot slot{.shape = node.shape, .value = node.value};
    Place place{.inside = id};
    if (node.op == &kConstant) {
      slot.home = Home::constant;
    } else if (node.op == &kParameter) {
      slot.home = Home::parameter;
      slot.offset = node.attr.index[0];
      slot.params = index_of(node.params);
    } else if (const auto at = view(node)) {
      place = {.inside = node.in[0], .at = *at};
      slot.home = plan_.slots[node.in[0]].home;
    } else if (node.op != &kInput) {
      if (!varies_[id]) slot.home = Home::hoisted;
      auto& steps = varies_[id] ? plan_.steps : plan_.hoisted;
      steps.push_back({node.op, node.attr, node.in, id, tape_.scope_name(node.scope)});
    }
    plan_.slots.push_back(std::move(slot));
    places_.push_back(place);
  }

  std::optional<std::size_t> view(const Node& node) const {
    if (!node.op->view) return std::nullopt;
    return node.op->view(tape_.node(node.in[0]).shape, node.attr);
  }

  std::size_t index_of(const Params* params) {
    const auto it = std::ranges::find(plan_.params, params);
    if (it == plan_.params.end()) plan_.params.push_back(params);
    return std::size_t(std::ranges::find(plan_.params, params) - plan_.params.begin());
  }

  // A step's own result stays where it is until the next run; what lives elsewhere is copied.
  std::uint32_t output(std::uint32_t id) {
    const std::uint32_t from = owner(places_, id);
    const bool result = plan_.slots[from].home == Home::run && tape_.node(from).op != &kInput;
    if (result) {
      places_[from].persistent = true;
      return id;
    }
    const auto copy = std::uint32_t(plan_.slots.size());
    plan_.slots.push_back({.shape = plan_.slots[id].shape, .value = {}});
    places_.push_back({.inside = copy, .persistent = true});
    plan_.steps.push_back({&kCopy, {}, {id}, copy, ""});
    return copy;
  }

  const Graph& graph_;
  const Tape& tape_;
  const Passes& passes_;
  std::vector<bool> varies_;
  std::vector<Place> places_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Graph& graph, const Passes& passes) { return Layout(graph, passes).run(); }

// From the shapes alone: parameters may be gone when somebody asks.
double flops(const Plan& plan, const Step& step) {
  if (!step.op->flops) return 0;
  std::vector<ConstView> in;
  for (std::uint32_t slot : step.in) in.push_back({nullptr, plan.slots[slot].shape});
  return step.op->flops(in, step.attr);
}

double flops(const Plan& plan) {
  double count = 0;
  for (const Step& step : plan.steps) count += flops(plan, step);
  return count;
}

std::string parameter_name(const Plan& plan, const Slot& slot) {
  if (slot.home != Home::parameter) return "";
  for (const Params::Entry& e : plan.params[slot.params]->entries()) {
    if (e.offset == slot.offset) return e.name;
  }
  return "";
}

}  // namespace eqp::ad
