#include <algorithm>
#include <map>
#include <stdexcept>

#include "autodiff/apart.hpp"
#include "autodiff/forward.hpp"
#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/pullback.hpp"

// Second derivatives forward. Along x + t v a node z = f(in) has the tangent z' = Df[in'] and the
// second derivative z'' = Df[in''] + D^2 f[in', in']. The last map is linear in what it is given,
// so that the sum over directions of z'' takes one pass after the tangents of all directions: the
// forward Laplacian of Li et al. (2024, "A computational framework for neural network-based
// variational Monte Carlo with Forward Laplacian", eq. 5), here for any op that has a derivative.
namespace eqp::ad {
namespace {

class Curvature {
 public:
  Curvature(Var y, Var x) : y_(y), x_(x), tape_(*y.tape), forward_(tape_), path_(between(x, y)) {
    std::vector<bool> moves(y.id + 1, false);
    for (std::uint32_t id : path_) {
      moves[id] = true;
      if (id != x_.id) bends_.emplace(id, bend(id, moves));
    }
    std::erase_if(bends_, [](const auto& b) { return b.second.pairs.empty() && !b.second.whole; });
  }

  void add(Var v) {
    Tangents tangents{{x_.id, v}};
    for (std::uint32_t id : path_) {
      if (id == x_.id) continue;
      const Vars in = forward_.inputs(id, tangents);
      if (const auto it = bends_.find(id); it != bends_.end()) add(it->first, it->second, in);
      if (const Var t = forward_.map(id, in)) tangents[id] = t;
    }
  }

  /// The sum over the directions of d^2/dt^2 y; empty when zero.
  Var result() {
    Tangents second;
    for (std::uint32_t id : path_) {
      Var sum = forward_.map(id, forward_.inputs(id, second));
      if (const auto it = bends_.find(id); it != bends_.end()) {
        sum = plus(sum, it->second.sum);
        for (const Pair& pair : it->second.pairs) {
          if (pair.sum) sum = plus(sum, pair.h * pair.sum);
        }
      }
      if (sum) second[id] = sum;
    }
    return second[y_.id];
  }

 private:
  // Of an elementwise op: the second derivative by inputs p and q, and the sum over the directions
  // of the product of their tangents.
  struct Pair {
    std::uint32_t p, q;
    Var h, sum;
  };
  // The second derivative of one node: by pairs of inputs, or as a whole.
  struct Bend {
    std::vector<Pair> pairs;
    bool whole = false;
    Var sum;
  };

  Var at(std::uint32_t id) const { return {&tape_, id}; }

  Bend bend(std::uint32_t id, const std::vector<bool>& moves) {
    const Node& node = tape_.node(id);
    Vars moving;
    for (std::uint32_t in : node.in) {
      const bool seen = std::ranges::find(moving, in, &Var::id) != moving.end();
      if (moves[in] && !seen) moving.push_back(at(in));
    }
    Bend result;
    if (!forward_.curved(id, moving)) return result;
    result.whole = !node.op->elementwise;
    if (!result.whole) result.pairs = pairs(id, moving);
    return result;
  }

  // Where element i depends on element i alone, tangents of ones give the derivatives themselves.
  std::vector<Pair> pairs(std::uint32_t id, const Vars& moving) {
    const Node& node = tape_.node(id);
    const Var one = full(tape_, node.shape, 1);
    Vars slopes;
    for (Var p : moving) {
      Vars in;
      for (std::uint32_t i : node.in) in.push_back(i == p.id ? one : Var{});
      slopes.push_back(forward_.map(id, in));
    }
    std::vector<Pair> result;
    for (std::size_t a = 0; a < moving.size(); ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        if (!slopes[a]) continue;
        Tangents seeds{{id, slopes[b]}};
        for (Var in : moving) seeds[in.id] = in == moving[b] ? one : Var{};
        const Var h = forward_.tangent(slopes[a], seeds);
        if (h) result.push_back({moving[a].id, moving[b].id, a == b ? h : 2.0 * h, {}});
      }
    }
    return result;
  }

  void add(std::uint32_t id, Bend& bend, const Vars& in) {
    const Node& node = tape_.node(id);
    const auto tangent = [&](std::uint32_t of) {
      return in[std::size_t(std::ranges::find(node.in, of) - node.in.begin())];
    };
    for (Pair& pair : bend.pairs) {
      const Var p = tangent(pair.p), q = tangent(pair.q);
      if (p && q) pair.sum = plus(pair.sum, p * q);
    }
    if (bend.whole) bend.sum = plus(bend.sum, turn(id, in));
  }

  // D^2 f[in', in']: how the map of tangents changes along in', which itself stands still.
  Var turn(std::uint32_t id, const Vars& in) {
    const Node& node = tape_.node(id);
    Vars still(in.size());
    Tangents seeds;
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!in[i]) continue;
      still[i] = apart(in[i], id, Apart::while_recording);
      seeds[still[i].id] = Var{};
      seeds[node.in[i]] = still[i];
    }
    const Var slope = forward_.map(id, still);
    if (!slope) return {};
    seeds[id] = slope;
    return forward_.tangent(slope, seeds);
  }

  Var y_, x_;
  Tape& tape_;
  Forward forward_;
  std::vector<std::uint32_t> path_;
  std::map<std::uint32_t, Bend> bends_;
};

// The unit vector of coordinate j in every row.
Var unit(Var x, std::size_t j) {
  const std::size_t d = x.shape()[1];
  return broadcast_to(pad(full(*x.tape, {1, 1}, 1), 1, j, d - 1 - j), x.shape());
}

Var probe(Var probes, Var x, std::size_t k) {
  return reshape(slice(probes, 0, k, k + 1), x.shape());
}

std::string shapes(const char* y_name, Var y, Var x) {
  return std::string(y_name) + " " + str(y.shape()) + ", x " + str(x.shape());
}

void check_values(const char* who, Var y, Var x) {
  one_tape(who, {y, x});
  if (x.shape().rank() == 2 && y.shape() == Shape{x.shape()[0]}) return;
  throw std::invalid_argument(std::string(who) + ": " + shapes("y", y, x) +
                              ": need (n) and (n, d)");
}

void check_field(const char* who, Var f, Var x) {
  one_tape(who, {f, x});
  if (x.shape().rank() == 2 && f.shape() == x.shape()) return;
  throw std::invalid_argument(std::string(who) + ": " + shapes("f", f, x) +
                              ": need (n, d) and (n, d)");
}

void check_probes(const char* who, Var probes, Var x) {
  one_tape(who, {probes, x});
  const Shape &p = probes.shape(), &s = x.shape();
  if (p.rank() == 3 && p[0] > 0 && Shape{p[1], p[2]} == s) return;
  throw std::invalid_argument(std::string(who) + ": probes " + str(p) + " for x " + str(s) +
                              ": need (k, n, d) with k at least 1");
}

Var or_zeros(Var value, Var x) { return value ? value : full(*x.tape, {x.shape()[0]}, 0); }

}  // namespace

Var second_directional(Var y, Var x, Var v) {
  one_tape("second_directional", {y, x, v});
  if (v.shape() != x.shape()) {
    throw std::invalid_argument("second_directional: direction " + str(v.shape()) +
                                " for a value " + str(x.shape()));
  }
  Curvature curvature(y, x);
  curvature.add(v);
  const Var second = curvature.result();
  return second ? second : full(*y.tape, y.shape(), 0);
}

Var laplacian(Var y, Var x) {
  check_values("laplacian", y, x);
  Curvature curvature(y, x);
  for (std::size_t j = 0; j < x.shape()[1]; ++j) curvature.add(unit(x, j));
  return or_zeros(curvature.result(), x);
}

Var hutchinson_laplacian(Var y, Var x, Var probes) {
  check_values("hutchinson_laplacian", y, x);
  check_probes("hutchinson_laplacian", probes, x);
  const std::size_t k = probes.shape()[0];
  Curvature curvature(y, x);
  for (std::size_t i = 0; i < k; ++i) curvature.add(probe(probes, x, i));
  return or_zeros(curvature.result(), x) / double(k);
}

Var divergence(Var f, Var x) {
  check_field("divergence", f, x);
  Forward forward(*f.tape);
  Var trace;
  for (std::size_t j = 0; j < x.shape()[1]; ++j) {
    const Var t = forward.tangent(f, {{x.id, unit(x, j)}});
    if (t) trace = plus(trace, slice(t, 1, j, j + 1));
  }
  return or_zeros(trace ? reshape(trace, {x.shape()[0]}) : Var{}, x);
}

Var hutchinson_divergence(Var f, Var x, Var probes) {
  check_field("hutchinson_divergence", f, x);
  check_probes("hutchinson_divergence", probes, x);
  const std::size_t k = probes.shape()[0];
  Forward forward(*f.tape);
  Var trace;
  for (std::size_t i = 0; i < k; ++i) {
    const Var v = probe(probes, x, i), t = forward.tangent(f, {{x.id, v}});
    if (t) trace = plus(trace, v * t);
  }
  return or_zeros(trace ? sum(trace, 1) : Var{}, x) / double(k);
}

}  // namespace eqp::ad
