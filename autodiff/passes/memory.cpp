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

// A region that values come and go in: first fit over the free gaps, else the last one grows.
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
    const bool open = !gaps_.empty() && gaps_.rbegin()->first + gaps_.rbegin()->second == end_;
    const std::size_t at = open ? gaps_.rbegin()->first : end_;
    if (open) gaps_.erase(at);
    end_ = at + n;
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

// A part of an owner's memory, up to the last step that reads or writes there.
struct Range {
  std::size_t begin, end, last;
};

// Where a slot is in the memory of its owner.
std::size_t position(const std::vector<Place>& places, std::uint32_t slot) {
  std::size_t at = 0;
  for (; places[slot].inside != slot; slot = places[slot].inside) at += places[slot].at;
  return at;
}

// The memory of an owner by how long its parts are used: of an activation and its derivative that
// are computed together, one may be needed long after the other. Parts begin at whole units.
std::vector<Range> ranges_of(const std::vector<Range>& uses, std::size_t size) {
  std::vector<std::size_t> cuts{0, padded(size)};
  for (const Range& use : uses) {
    for (const std::size_t at : {use.begin, use.end}) {
      if (at < size && padded(at) == at) cuts.push_back(at);
    }
  }
  std::ranges::sort(cuts);
  std::vector<Range> ranges;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    if (cuts[i] == cuts[i + 1]) continue;
    std::size_t last = 0;
    for (const Range& use : uses) {
      if (use.begin < cuts[i + 1] && use.end > cuts[i]) last = std::max(last, use.last);
    }
    if (!ranges.empty() && ranges.back().last == last) {
      ranges.back().end = cuts[i + 1];
    } else {
      ranges.push_back({cuts[i], cuts[i + 1], last});
    }
  }
  return ranges;
}

class Assignment {
 public:
  Assignment(Plan& plan, const std::vector<Place>& places, bool reuse)
      : plan_(plan), places_(places), reuse_(reuse), placed_(plan.slots.size(), false) {
    std::vector<std::vector<Range>> uses(plan.slots.size());
    for (std::uint32_t id = 0; id < places.size(); ++id) {
      if (places[id].persistent) use(uses, id, kForever);
    }
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
      use(uses, plan.steps[s].out, s);
      for (std::uint32_t in : plan.steps[s].in) use(uses, in, s);
    }
    for (std::uint32_t id = 0; id < uses.size(); ++id)
      ranges_.push_back(ranges_of(uses[id], size(id)));
  }

  void run() {
    for (std::uint32_t id = 0; id < places_.size(); ++id) {
      if (plan_.slots[id].home == Home::run && places_[id].inside == id && !in_arena(id)) {
        plan_.slots[id].offset = plan_.memory;
        plan_.memory += padded(size(id));
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
      plan_.hoisted_memory += padded(size(step.out));
    }
    for (std::uint32_t id = 0; id < places_.size(); ++id) {
      const std::uint32_t from = owner(places_, id);
      if (from == id) continue;
      const Shape shape = plan_.slots[id].shape;
      plan_.slots[id] = plan_.slots[from];
      plan_.slots[id].shape = shape;
      plan_.slots[id].offset += position(places_, id);
    }
  }

 private:
  void use(std::vector<std::vector<Range>>& uses, std::uint32_t slot, std::size_t step) const {
    const std::size_t at = position(places_, slot);
    uses[owner(places_, slot)].push_back({at, at + std::max(size(slot), std::size_t(1)), step});
  }

  // What is used for ever has a place of its own.
  bool in_arena(std::uint32_t id) const {
    return plan_.slots[id].home == Home::run &&
           std::ranges::none_of(ranges_[id], [](const Range& r) { return r.last == kForever; });
  }
  std::size_t size(std::uint32_t id) const { return plan_.slots[id].shape.size(); }

  void place(std::size_t s) {
    const Step& step = plan_.steps[s];
    const std::uint32_t out = owner(places_, step.out);
    std::vector<Range> dying;  // in the arena
    std::vector<std::uint32_t> seen;
    const auto dies = [&](std::uint32_t id) {
      if (!in_arena(id) || std::ranges::find(seen, id) != seen.end()) return;
      seen.push_back(id);
      const std::size_t at = plan_.slots[id].offset;
      for (const Range& r : ranges_[id]) {
        if (r.last == s) dying.push_back({at + r.begin, at + r.end, s});
      }
    };
    for (std::uint32_t in : step.in) {
      if (owner(places_, in) != out) dies(owner(places_, in));
    }
    if (in_arena(out) && !placed_[out]) {
      placed_[out] = true;
      const bool over = reuse_ && step.op->elementwise && step.out == out;
      if (!over || !write_over(step, dying))
        plan_.slots[out].offset = arena_.take(padded(size(out)));
    }
    dies(out);
    if (!reuse_) return;
    for (const Range& r : dying) arena_.give_back(r.begin, r.end - r.begin);
  }

  /// Puts the result of an elementwise step where one of its inputs is that dies with it.
  bool write_over(const Step& step, std::vector<Range>& dying) {
    const std::size_t n = padded(size(step.out));
    for (std::uint32_t in : step.in) {
      const std::uint32_t from = owner(places_, in);
      if (!in_arena(from) || size(in) != size(step.out)) continue;
      const std::size_t at = plan_.slots[from].offset + position(places_, in);
      const auto r = std::ranges::find_if(
          dying, [&](const Range& d) { return d.begin <= at && at + n <= d.end; });
      if (r == dying.end() || overlapped(step, in)) continue;
      plan_.slots[step.out].offset = at;
      const Range whole = *r;
      dying.erase(r);
      if (whole.begin < at) dying.push_back({whole.begin, at, whole.last});
      if (at + n < whole.end) dying.push_back({at + n, whole.end, whole.last});
      return true;
    }
    return false;
  }

  /// Whether another input shares a part of this one's memory, at another place.
  bool overlapped(const Step& step, std::uint32_t in) const {
    const std::uint32_t from = owner(places_, in);
    const std::size_t at = position(places_, in), n = padded(size(in));
    return std::ranges::any_of(step.in, [&](std::uint32_t other) {
      const std::size_t there = position(places_, other);
      return owner(places_, other) == from && there != at && there < at + n &&
             at < there + padded(size(other));
    });
  }

  Plan& plan_;
  const std::vector<Place>& places_;
  bool reuse_;
  std::vector<std::vector<Range>> ranges_;  // by owner
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
