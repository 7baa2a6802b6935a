#include "autodiff/calls.hpp"

namespace eqp::ad {

Calls::Calls(const Plan& plan, const std::vector<Step>& steps, Real* run, Real* hoisted)
    : bases_(plan.params.size(), nullptr) {
  const auto memory = [&](const Slot& slot) {
    return (slot.home == Home::hoisted ? hoisted : run) + slot.offset;
  };
  for (const Step& step : steps) {
    const Slot& out = plan.slots[step.out];
    calls_.push_back(
        {step.op, &step.attr, operands_.size(), step.in.size(), {memory(out), out.shape}, &step});
    for (std::uint32_t id : step.in) {
      const Slot& slot = plan.slots[id];
      if (slot.home == Home::parameter) {
        parameters_.push_back({operands_.size(), slot.params, slot.offset});
        operands_.push_back({nullptr, slot.shape});
      } else if (slot.home == Home::constant) {
        operands_.push_back({slot.value->view().data + slot.offset, slot.shape});
      } else {
        operands_.push_back({memory(slot), slot.shape});
      }
    }
  }
  follow(plan);
}

void Calls::follow(const Plan& plan) {
  bool moved = false;
  for (std::size_t i = 0; i < bases_.size(); ++i) {
    const Real* base = plan.params[i]->values().data();
    moved = moved || base != bases_[i];
    bases_[i] = base;
  }
  if (!moved) return;
  for (const ParameterOperand& p : parameters_) {
    operands_[p.operand].data = bases_[p.params] + p.offset;
  }
}

}  // namespace eqp::ad
