#include "autodiff/plan.hpp"

#include <limits>
#include <map>
#include <stdexcept>

namespace eqp::ad {
namespace {

constexpr std::size_t kForever = std::numeric_limits<std::size_t>::max();

std::size_t padded(std::size_t n) {
  constexpr std::size_t unit = kAlignment / sizeof(Real);
  return (std::max(n, std::size_t(1)) + unit - 1) / unit * unit;
}

// A region that values come and go in: first fit over the free gaps, growing at the end.
class Arena {
 public:
  std::size_t take(std::size_t n) {
    for (auto it = gaps_.begin(); it != gaps_.end(); ++it) {
      if (it->second < n) continue;
      const auto [at, length] = *it;
      gaps_.erase(it);
      if (length > n) gaps_[at + n] = length - n;
      return at;
    }
    const std::size_t at = end_;
    end_ += n;
    return at;
  }
  void give_back(std::size_t at, std::size_t n) {
    auto it = gaps_.emplace(at, n).first;
    if (const auto next = std::next(it); next != gaps_.end() && at + n == next->first) {
      it->second += next->second;
      gaps_.erase(next);
    }
    if (it != gaps_.begin()) {
      const auto before = std::prev(it);
      if (before->first + before->second == at) {
        before->second += it->second;
        gaps_.erase(it);
      }
    }
  }
  std::size_t size() const { return end_; }

 private:
  std::map<std::size_t, std::size_t> gaps_;  // offset -> length
  std::size_t end_ = 0;
};

std::vector<bool> needed_for(const Tape& tape, std::span<const Var> outputs) {
  std::vector<bool> needed(tape.size(), false);
  for (Var v : outputs) needed[v.id] = true;
  for (std::uint32_t id = std::uint32_t(tape.size()); id-- > 0;) {
    if (!needed[id]) continue;
    if (tape.node(id).op == &kPlaceholder) {
      throw std::logic_error("compile: an output depends on a placeholder");
    }
    for (std::uint32_t in : tape.node(id).in) needed[in] = true;
  }
  return needed;
}

// The nodes whose memory a node shares: itself, or the source of a chain of aliases.
std::vector<std::uint32_t> alias_roots(const Tape& tape) {
  std::vector<std::uint32_t> root(tape.size());
  for (std::uint32_t id = 0; id < tape.size(); ++id) {
    const Node& node = tape.node(id);
    root[id] = node.op->alias ? root[node.in[0]] : id;
  }
  return root;
}

constexpr Op kCopy{
    .name = "copy",
    .forward = [](In in, Out out, const Attr&) { std::ranges::copy(in[0].flat(), out.data); },
};

class Planner {
 public:
  Planner(const Tape& tape, std::span<const Var> inputs, std::span<const Var> outputs)
      : tape_(tape),
        inputs_(inputs),
        outputs_(outputs),
        needed_(needed_for(tape, outputs)),
        root_(alias_roots(tape)),
        varies_(tape.size(), false),
        last_use_(tape.size(), 0) {}

  Plan run() {
    plan_.slots.resize(tape_.size());
    for (std::uint32_t id = 0; id < tape_.size(); ++id)
      plan_.slots[id].shape = tape_.node(id).shape;
    place_leaves();
    order_steps();
    place_outputs();
    find_last_uses();
    place_rest();
    plan_.memory = persistent_ + arena_.size();
    for (Slot& slot : arena_slots()) slot.offset += persistent_;
    share_aliases();
    return std::move(plan_);
  }

 private:
  void place_persistent(std::uint32_t id) {
    plan_.slots[id].offset = persistent_;
    persistent_ += padded(plan_.slots[id].shape.size());
    last_use_[id] = kForever;
  }

  void place_leaves() {
    for (Var v : inputs_) {
      varies_[v.id] = true;
      plan_.inputs.push_back(v.id);
      place_persistent(v.id);
    }
    for (std::uint32_t id = 0; id < tape_.size(); ++id) {
      const Node& node = tape_.node(id);
      if (!needed_[id]) continue;
      Slot& slot = plan_.slots[id];
      if (node.op == &kConstant) {
        slot.home = Home::constant;
        slot.value = node.value;
      } else if (node.op == &kParameter) {
        slot.home = Home::parameter;
        slot.offset = node.attr.index[0];
        slot.params = index_of(node.params);
      } else if (node.op == &kInput && !varies_[id]) {
        throw std::logic_error("compile: an output depends on an input that is not listed");
      }
      if (node.op != &kInput) {
        for (std::uint32_t in : node.in) varies_[id] = varies_[id] || varies_[in];
      }
    }
  }

  std::size_t index_of(const Params* params) {
    const auto it = std::ranges::find(plan_.params, params);
    if (it == plan_.params.end()) plan_.params.push_back(params);
    return std::size_t(std::ranges::find(plan_.params, params) - plan_.params.begin());
  }

  void order_steps() {
    for (const bool varying : {false, true}) {
      for (std::uint32_t id = 0; id < tape_.size(); ++id) {
        const Node& node = tape_.node(id);
        if (!needed_[id] || !node.op->forward || varies_[id] != varying) continue;
        std::vector<std::uint32_t> in;
        for (std::uint32_t i : node.in) in.push_back(root_[i]);
        plan_.steps.push_back(
            {node.op, node.attr, std::move(in), id, tape_.scope_name(node.scope)});
        if (!varying) place_persistent(id);
      }
      if (!varying) plan_.n_hoisted = plan_.steps.size();
    }
  }

  // An output owns its memory. A step's own result may live there; what is a leaf, an alias,
  // hoisted or an output already is copied.
  void place_outputs() {
    for (Var v : outputs_) {
      const bool own = tape_.node(v.id).op->forward && last_use_[v.id] != kForever;
      std::uint32_t id = v.id;
      if (!own) {
        id = std::uint32_t(plan_.slots.size());
        plan_.slots.push_back({.offset = 0, .shape = v.shape(), .value = {}});
        last_use_.push_back(0);
        root_.push_back(id);
        plan_.steps.push_back({&kCopy, {}, {root_[v.id]}, id, ""});
      }
      place_persistent(id);
      plan_.outputs.push_back(id);
    }
  }

  void find_last_uses() {
    for (std::size_t s = plan_.n_hoisted; s < plan_.steps.size(); ++s) {
      for (std::uint32_t in : plan_.steps[s].in) {
        if (last_use_[in] != kForever) last_use_[in] = s;
      }
    }
  }

  bool in_arena(std::uint32_t id) const {
    return plan_.slots[id].home == Home::memory && last_use_[id] != kForever;
  }

  void place_rest() {
    for (std::size_t s = plan_.n_hoisted; s < plan_.steps.size(); ++s) {
      const Step& step = plan_.steps[s];
      Slot& out = plan_.slots[step.out];
      std::vector<std::uint32_t> dying;
      for (std::uint32_t in : step.in) {
        const bool seen = std::ranges::find(dying, in) != dying.end();
        if (in_arena(in) && last_use_[in] == s && !seen) dying.push_back(in);
      }
      const bool place = in_arena(step.out);
      if (place && step.op->in_place) {
        const auto same = std::ranges::find_if(dying, [&](std::uint32_t i) {
          return plan_.slots[i].shape.size() == out.shape.size();
        });
        if (same != dying.end()) {
          out.offset = plan_.slots[*same].offset;
          placed_.push_back(step.out);
          dying.erase(same);
          release(dying);
          continue;
        }
      }
      if (place) {
        out.offset = arena_.take(padded(out.shape.size()));
        placed_.push_back(step.out);
      }
      release(dying);
    }
  }

  void release(const std::vector<std::uint32_t>& dying) {
    for (std::uint32_t i : dying) {
      arena_.give_back(plan_.slots[i].offset, padded(plan_.slots[i].shape.size()));
    }
  }

  std::vector<std::reference_wrapper<Slot>> arena_slots() {
    std::vector<std::reference_wrapper<Slot>> slots;
    for (std::uint32_t id : placed_) slots.push_back(plan_.slots[id]);
    return slots;
  }

  // A step reads the memory of an alias under the alias's shape.
  void share_aliases() {
    for (Step& step : plan_.steps) {
      if (step.op == &kCopy) continue;
      const Node& node = tape_.node(step.out);
      for (std::size_t i = 0; i < step.in.size(); ++i) {
        const std::uint32_t id = node.in[i];
        if (root_[id] == id) continue;
        const Shape shape = plan_.slots[id].shape;
        plan_.slots[id] = plan_.slots[root_[id]];
        plan_.slots[id].shape = shape;
        step.in[i] = id;
      }
    }
  }

  const Tape& tape_;
  std::span<const Var> inputs_, outputs_;
  std::vector<bool> needed_;
  std::vector<std::uint32_t> root_;
  std::vector<bool> varies_;  // depends on an input
  std::vector<std::size_t> last_use_;
  std::vector<std::uint32_t> placed_;
  std::size_t persistent_ = 0;
  Arena arena_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Tape& tape, std::span<const Var> inputs, std::span<const Var> outputs) {
  return Planner(tape, inputs, outputs).run();
}

}  // namespace eqp::ad
