#include "autodiff/forward.hpp"

#include <algorithm>

#include "autodiff/apart.hpp"
#include "autodiff/pullback.hpp"

namespace eqp::ad {
namespace {

// The ancestors of y from node `first` on, y among them, as far as `stop` lets.
template <class Stop>
std::vector<bool> ancestors(Var y, std::uint32_t first, Stop stop) {
  std::vector<bool> found(y.id + 1 - first, false);
  found.back() = true;
  for (std::uint32_t id = y.id + 1; id-- > first;) {
    if (!found[id - first] || stop(id)) continue;
    for (std::uint32_t in : y.tape->node(id).in) {
      if (in >= first) found[in - first] = true;
    }
  }
  return found;
}

}  // namespace

const Forward::Rule& Forward::rule(std::uint32_t id) {
  const auto [it, is_new] = rules_.try_emplace(id);
  if (is_new) {
    const Node& node = tape_.node(id);
    const Scope scope(tape_, derivative_name(tape_, id, "tangent of "), Scope::absolute);
    // Apart, for rules look through transposes and broadcasts: what is behind an input would count
    // as constant where the rule itself is differentiated by that input.
    Vars in;
    for (std::uint32_t i : node.in) {
      in.push_back(apart({&tape_, i}, id, Apart::while_recording));
    }
    const Var u = tape_.placeholder(node.shape);
    it->second = {u, node.op->vjp({in, {&tape_, id}, u, node.attr})};
  }
  return it->second;
}

Var Forward::map(std::uint32_t id, const Vars& in) {
  if (!tape_.node(id).op->vjp || std::ranges::none_of(in, &Var::operator bool)) return {};
  const Rule& r = rule(id);
  Vars ys, us;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!in[i] || !r.cotangents[i]) continue;
    ys.push_back(r.cotangents[i]);
    us.push_back(in[i]);
  }
  return pullback(ys, us, {r.u})[0];
}

Vars Forward::inputs(std::uint32_t id, const Tangents& tangents) const {
  Vars in;
  for (std::uint32_t i : tape_.node(id).in) {
    const auto it = tangents.find(i);
    in.push_back(it == tangents.end() ? Var{} : it->second);
  }
  return in;
}

Var Forward::tangent(Var y, Tangents seeds) {
  const std::uint32_t first =
      std::ranges::min_element(seeds, {}, [](const auto& s) { return s.first; })->first;
  if (y.id < first) return {};
  const auto seeded = [&](std::uint32_t id) { return seeds.contains(id); };
  const std::vector<bool> needed = ancestors(y, first, seeded);
  Tangents tangents = seeds;
  for (std::uint32_t id = first; id <= y.id; ++id) {
    if (!needed[id - first] || seeded(id)) continue;
    if (const Var t = map(id, inputs(id, tangents))) tangents[id] = t;
  }
  return tangents[y.id];
}

bool Forward::curved(std::uint32_t id, const Vars& moving) {
  Vars sources = moving;
  sources.push_back({&tape_, id});
  const std::uint32_t first = std::ranges::min(sources, {}, &Var::id).id;
  const Rule& r = rule(id);
  const Node& node = tape_.node(id);
  for (std::size_t i = 0; i < node.in.size(); ++i) {
    const Var c = r.cotangents[i];
    const bool moves = std::ranges::find(moving, node.in[i], &Var::id) != moving.end();
    if (moves && c && c.id >= first && dependents(tape_, sources, first, c.id).back()) return true;
  }
  return false;
}

std::vector<std::uint32_t> between(Var x, Var y) {
  std::vector<std::uint32_t> path;
  if (y.id < x.id) return path;
  const std::vector<bool> moved = dependents(*y.tape, {x}, x.id, y.id);
  const std::vector<bool> needed = ancestors(y, x.id, [](std::uint32_t) { return false; });
  for (std::uint32_t id = x.id; id <= y.id; ++id) {
    if (moved[id - x.id] && needed[id - x.id]) path.push_back(id);
  }
  return path;
}

}  // namespace eqp::ad
