#include "autodiff/passes/memory.hpp"

#include <algorithm>
#include <limits>
#include <map>

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

// The last step that reads or writes the memory of each owner.
std::vector<std::size_t> last_uses(const Plan& plan, const std::vector<Place>& places) {
  std::vector<std::size_t> last(plan.slots.size(), 0);
  for (std::uint32_t id = 0; id < places.size(); ++id) {
    if (places[id].persistent) last[owner(places, id)] = kForever;
  }
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const auto use = [&](std::uint32_t slot) {
      std::size_t& l = last[owner(places, slot)];
      if (l != kForever) l = s;
    };
    use(plan.steps[s].out);
    for (std::uint32_t in : plan.steps[s].in) use(in);
  }
  return last;
}

class Assignment {
 public:
  Assignment(Plan& plan, const std::vector<Place>& places, bool reuse)
      : plan_(plan),
        places_(places),
        reuse_(reuse),
        last_use_(last_uses(plan, places)),
        placed_(plan.slots.size(), false) {}

  void run() {
    for (std::uint32_t id = 0; id < places_.size(); ++id) {
      if (plan_.slots[id].home == Home::run && places_[id].inside == id && !in_arena(id)) {
        plan_.slots[id].offset = plan_.memory;
        plan_.memory += padded(plan_.slots[id].shape.size());
      }
    }
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) place(s);
    for (std::uint32_t id = 0; id < placed_.size(); ++id) {
      if (placed_[id]) plan_.slots[id].offset += plan_.memory;
    }
    plan_.memory += arena_.size();
    for (const Step& step : plan_.hoisted) {
      if (places_[step.out].inside != step.out) continue;
      plan_.slots[step.out].offset = plan_.hoisted_memory;
      plan_.hoisted_memory += padded(plan_.slots[step.out].shape.size());
    }
    for (std::uint32_t id = 0; id < places_.size(); ++id) {
      const std::uint32_t from = owner(places_, id);
      if (from == id) continue;
      std::size_t offset = plan_.slots[from].offset;
      for (std::uint32_t i = id; i != from; i = places_[i].inside) offset += places_[i].at;
      const Shape shape = plan_.slots[id].shape;
      plan_.slots[id] = plan_.slots[from];
      plan_.slots[id].shape = shape;
      plan_.slots[id].offset = offset;
    }
  }

 private:
  bool in_arena(std::uint32_t id) const {
    return plan_.slots[id].home == Home::run && last_use_[id] != kForever;
  }
  std::size_t size(std::uint32_t id) const { return plan_.slots[id].shape.size(); }

  void place(std::size_t s) {
    const Step& step = plan_.steps[s];
    const std::uint32_t out = owner(places_, step.out);
    std::vector<std::uint32_t> dying;
    const auto dies = [&](std::uint32_t id) {
      const bool seen = std::ranges::find(dying, id) != dying.end();
      if (in_arena(id) && last_use_[id] == s && !seen) dying.push_back(id);
    };
    for (std::uint32_t in : step.in) dies(owner(places_, in));
    if (in_arena(out) && !placed_[out]) {
      placed_[out] = true;
      const auto over = std::ranges::find_if(dying, [&](std::uint32_t id) {
        return reuse_ && step.op->elementwise && step.out == out && size(id) == size(out);
      });
      if (over != dying.end()) {
        plan_.slots[out].offset = plan_.slots[*over].offset;
        dying.erase(over);
      } else {
        plan_.slots[out].offset = arena_.take(padded(size(out)));
      }
    }
    dies(out);  // what nobody reads
    if (!reuse_) return;
    for (std::uint32_t id : dying) arena_.give_back(plan_.slots[id].offset, padded(size(id)));
  }

  Plan& plan_;
  const std::vector<Place>& places_;
  bool reuse_;
  std::vector<std::size_t> last_use_;
  std::vector<bool> placed_;
  Arena arena_;
};

}  // namespace

std::uint32_t owner(const std::vector<Place>& places, std::uint32_t slot) {
  while (places[slot].inside != slot) slot = places[slot].inside;
  return slot;
}

void assign_memory(Plan& plan, const std::vector<Place>& places, bool reuse) {
  Assignment(plan, places, reuse).run();
}

}  // namespace eqp::ad
