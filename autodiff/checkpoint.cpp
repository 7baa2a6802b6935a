#include "autodiff/checkpoint.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "autodiff/apart.hpp"
#include "autodiff/passes/graph.hpp"
#include "autodiff/pullback.hpp"

namespace eqp::ad {
namespace {

bool contains(std::span<const Var> vars, std::uint32_t id) {
  return std::ranges::find(vars, id, &Var::id) != vars.end();
}

// The ops that lead from some values to y, in order, and the values they start from.
struct Segment {
  std::set<std::uint32_t> ops, from;
};

// `begins` says of an ancestor of y whether to take it as it is.
template <class F>
Segment segment_of(Var y, F begins) {
  Segment s;
  Vars open{y};
  while (!open.empty()) {
    const Var v = open.back();
    open.pop_back();
    const Node& node = v.tape->node(v.id);
    if (!node.op->shape || begins(v.id)) {
      s.from.insert(v.id);
    } else if (s.ops.insert(v.id).second) {
      for (std::uint32_t in : node.in) open.push_back({v.tape, in});
    }
  }
  return s;
}

Var wrap(Var y, const Vars& xs, std::uint32_t begin);

// The value of in[0], which is a function of the others: of the first index[1] of them anew at
// every derivative.
const Op kCheckpoint{
    .name = "checkpoint",
    .shape = [](std::span<const Var> in, const Attr&) { return in[0].shape(); },
    .vjp = [](const Vjp& c) -> Vars {
      Tape& tape = *c.g.tape;
      const auto begin = std::uint32_t(tape.size());
      const std::span<const Var> from = c.in.subspan(1);
      std::map<std::uint32_t, Var> now;
      // All apart, so that no cotangent goes on to what a source was itself computed from.
      for (Var v : from) now[v.id] = apart(v, begin, Apart::while_recording);
      for (Var x : from.first(c.attr.index[1])) {
        now[x.id] = apart(x, c.attr.index[0], Apart::always);
      }
      Vars sources, in;
      for (Var v : from) sources.push_back(now[v.id]);
      const Var y = c.in[0];
      for (std::uint32_t id :
           segment_of(y, [&](std::uint32_t v) { return contains(from, v); }).ops) {
        const Node& node = tape.node(id);
        const Scope scope(tape, tape, node);
        in.clear();
        for (std::uint32_t i : node.in) in.push_back(now[i]);
        now[id] = tape.copy(tape, id, in);
      }
      Vars again(from.begin(), from.begin() + std::ptrdiff_t(c.attr.index[1]));
      again.push_back(c.g);
      Vars cotangents{Var{}};
      for (Var g : pullback({now[y.id]}, {c.g}, sources)) {
        cotangents.push_back(g ? wrap(g, again, begin) : g);
      }
      return cotangents;
    },
    .simplify = [](const Rewriting& r) { return r.in[0]; },
    .view = [](const Shape&, const Attr&) -> std::optional<std::size_t> { return 0; },
};

// y as a function of what its ops from node `begin` on use, to be computed anew from xs.
Var wrap(Var y, const Vars& xs, std::uint32_t begin) {
  const Segment s = segment_of(y, [&](std::uint32_t id) { return id < begin || contains(xs, id); });
  if (s.ops.empty()) return y;
  Vars in{y};
  for (Var x : xs) {
    if (s.from.contains(x.id) && !contains(std::span(in).subspan(1), x.id)) in.push_back(x);
  }
  const std::size_t again = in.size() - 1;
  for (std::uint32_t id : s.from) {
    if (!contains(xs, id)) in.push_back({y.tape, id});
  }
  return record(kCheckpoint, in, {.index = {begin, again}});
}

}  // namespace

Vars checkpoint(const std::function<Vars(const Vars&)>& f, const Vars& xs) {
  if (xs.empty()) return f(xs);
  const auto begin = std::uint32_t(xs[0].tape->size());
  Vars ys = f(xs);
  for (Var& y : ys) y = wrap(y, xs, begin);
  return ys;
}

Var checkpoint(const std::function<Var(Var)>& f, Var x) {
  return checkpoint([&](const Vars& in) { return Vars{f(in[0])}; }, Vars{x})[0];
}

}  // namespace eqp::ad
