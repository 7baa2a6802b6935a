#include "autodiff/pullback.hpp"

#include <algorithm>
#include <stdexcept>

#include "autodiff/ops.hpp"

namespace eqp::ad {

std::vector<bool> dependents(const Tape& tape, const Vars& xs, std::uint32_t first,
                             std::uint32_t last) {
  std::vector<bool> depends(last + 1 - first, false);
  for (Var x : xs) {
    if (x.id >= first && x.id <= last) depends[x.id - first] = true;
  }
  for (std::uint32_t id = first; id <= last; ++id) {
    const Node& node = tape.node(id);
    if (depends[id - first] || !node.op->vjp) continue;
    depends[id - first] = std::ranges::any_of(
        node.in, [&](std::uint32_t in) { return in >= first && depends[in - first]; });
  }
  return depends;
}

Tape& one_tape(const char* who, std::initializer_list<Var> vars) {
  Tape* tape = vars.begin()->tape;
  for (Var v : vars) {
    if (!v) throw std::logic_error(std::string(who) + ": an empty Var");
    if (v.tape != tape) throw std::logic_error(std::string(who) + ": values on different tapes");
  }
  return *tape;
}

Var plus(Var a, Var b) {
  if (!a || !b) return a ? a : b;
  return a == b ? a * 2.0 : a + b;
}

std::string derivative_name(const Tape& tape, std::uint32_t id, const std::string& prefix) {
  const Node& node = tape.node(id);
  const std::string& layer = tape.scope_name(node.scope);
  if (layer.empty()) return prefix + node.op->name;
  const bool derivative =
      layer.find("gradient of ") != layer.npos || layer.find("tangent of ") != layer.npos;
  return derivative ? layer : prefix + layer;
}

Vars pullback(const Vars& ys, const Vars& us, const Vars& xs) {
  Vars result(xs.size());
  if (xs.empty() || ys.empty()) return result;
  Tape& tape = *ys[0].tape;
  for (const Vars* vars : {&ys, &us, &xs}) {
    for (Var v : *vars) one_tape("vjp", {ys[0], v});
  }
  const std::uint32_t first = std::ranges::min(xs, {}, &Var::id).id;
  const std::uint32_t last = std::ranges::max(ys, {}, &Var::id).id;
  if (last < first) return result;
  const std::vector<bool> depends = dependents(tape, xs, first, last);
  Vars cotangent(last + 1 - first);
  const auto add = [&](std::uint32_t id, Var g) {
    if (!g || id < first || !depends[id - first]) return;
    cotangent[id - first] = plus(cotangent[id - first], g);
  };
  for (std::size_t k = 0; k < ys.size(); ++k) add(ys[k].id, us[k]);
  Vars in;
  for (std::uint32_t id = last + 1; id-- > first;) {
    const Node& node = tape.node(id);
    const Var g = cotangent[id - first];
    if (!g || node.in.empty() || !node.op->vjp) continue;
    const Scope scope(tape, derivative_name(tape, id, "gradient of "), Scope::absolute);
    in.clear();
    for (std::uint32_t i : node.in) in.push_back({&tape, i});
    const Vars parts = node.op->vjp({in, {&tape, id}, g, node.attr});
    for (std::size_t i = 0; i < in.size(); ++i) add(in[i].id, parts[i]);
  }
  for (std::size_t k = 0; k < xs.size(); ++k) {
    if (xs[k].id <= last) result[k] = cotangent[xs[k].id - first];
  }
  return result;
}

}  // namespace eqp::ad
