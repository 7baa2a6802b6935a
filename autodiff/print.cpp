#include <sstream>

#include "autodiff/plan.hpp"
#include "autodiff/program.hpp"

namespace eqp::ad {
namespace {

std::string name(const Plan& plan, std::uint32_t id) {
  const Slot& slot = plan.slots[id];
  if (slot.home == Home::constant) return "constant";
  const std::string parameter = parameter_name(plan, slot);
  return parameter.empty() ? "%" + std::to_string(id) : parameter;
}

void print_step(std::ostream& out, const Plan& plan, const Step& step, const char* when) {
  const Shape& shape = plan.slots[step.out].shape;
  out << when << "%" << step.out << " " << str(shape) << " = " << step.op->name << "(";
  for (std::size_t i = 0; i < step.in.size(); ++i) {
    out << (i ? ", " : "") << name(plan, step.in[i]);
  }
  out << ")  " << shape.size() * sizeof(Real) << " B at "
      << plan.slots[step.out].offset * sizeof(Real);
  if (!step.scope.empty()) out << "  " << step.scope;
  out << "\n";
}

}  // namespace

std::string Program::print() const {
  const Plan& p = plan();
  std::ostringstream out;
  for (std::size_t i = 0; i < p.inputs.size(); ++i) {
    out << "input    %" << p.inputs[i] << " " << str(p.slots[p.inputs[i]].shape) << "\n";
  }
  for (const Step& step : p.hoisted) print_step(out, p, step, "hoisted  ");
  for (const Step& step : p.steps) print_step(out, p, step, "block    ");
  for (std::uint32_t id : p.outputs)
    out << "output   " << name(p, id) << " " << str(p.slots[id].shape) << "\n";
  out << p.hoisted.size() << " kernels once per parameter update, " << shared_bytes()
      << " bytes for all blocks; " << n_kernels() << " kernels and " << bytes()
      << " bytes per block\n";
  return out.str();
}

}  // namespace eqp::ad
