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
      // Forward mode hands the inputs apart, from which y is not computed.
      Vars from;
      for (Var v : c.in.subspan(1)) from.push_back(behind(v, c.out.id));
      const Var y = behind(c.in[0], c.out.id);
      const std::size_t n_again = c.attr.index[1];
      std::map<std::uint32_t, Var> now;
      Vars sources, in;
      for (std::size_t i = 0; i < from.size(); ++i) {
        // All apart, so that no cotangent goes on to what a source was itself computed from.
        const Var source = i < n_again ? apart(c.in[1 + i], c.attr.index[0], Apart::always)
                                       : apart(c.in[1 + i], begin, Apart::while_recording);
        now[from[i].id] = source;
        sources.push_back(source);
      }
      for (std::uint32_t id :
           segment_of(y, [&](std::uint32_t v) { return contains(from, v); }).ops) {
        const Node& node = tape.node(id);
        const Scope scope(tape, tape, node);
        in.clear();
        for (std::uint32_t i : node.in) in.push_back(now[i]);
        now[id] = tape.copy(tape, id, in);
      }
      Vars again(c.in.begin() + 1, c.in.begin() + 1 + std::ptrdiff_t(n_again));
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
  for (Var x : xs) one_tape("checkpoint", {xs[0], x});
  const auto begin = std::uint32_t(xs[0].tape->size());
  Vars ys = f(xs);
  for (Var& y : ys) y = wrap(y, xs, begin);
  return ys;
}

Var checkpoint(const std::function<Var(Var)>& f, Var x) {
  return checkpoint([&](const Vars& in) { return Vars{f(in[0])}; }, Vars{x})[0];
}

}  // namespace eqp::ad
