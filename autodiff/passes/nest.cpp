#include <algorithm>

#include "autodiff/passes/memory.hpp"

namespace eqp::ad {
namespace {

class Nesting {
 public:
  Nesting(Plan& plan, std::vector<Place>& places) : plan_(plan), places_(places) {}

  void run() {
    find_results();
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) begin_in_result(s);
    std::vector<Step> steps;
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
      if (joins(plan_.steps[s])) {
        join(s, steps);
      } else {
        steps.push_back(std::move(plan_.steps[s]));
      }
    }
    plan_.steps = std::move(steps);
  }

 private:
  void find_results() {
    is_result_.assign(plan_.slots.size(), false);
    is_joined_.assign(plan_.slots.size(), false);
    last_use_.assign(plan_.slots.size(), 0);
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
      is_result_[plan_.steps[s].out] = true;
      for (std::uint32_t in : plan_.steps[s].in) {
        last_use_[owner(places_, in)] = s;
        if (joins(plan_.steps[s])) is_joined_[owner(places_, in)] = true;
      }
    }
  }

  bool joins(const Step& step) const {
    return step.op->joins && step.op->joins(plan_.slots[step.out].shape, step.attr);
  }

  // Whether the memory of a result may become a part of another's.
  bool free(std::uint32_t id) const {
    return is_result_[id] && places_[id].inside == id && !places_[id].persistent;
  }

  void begin_in_result(std::size_t s) {
    const Step& step = plan_.steps[s];
    if (!step.op->in_place) return;
    const std::uint32_t first = owner(places_, step.in[0]);
    const bool alone = std::ranges::count_if(step.in, [&](std::uint32_t in) {
                         return owner(places_, in) == first;
                       }) == 1;
    const bool same_size = plan_.slots[first].shape.size() == plan_.slots[step.out].shape.size();
    // A part of a concatenation is to stay what it is.
    if (!free(first) || is_joined_[first] || !alone || !same_size || last_use_[first] != s) return;
    places_[first].inside = step.out;
    last_use_[step.out] = std::max(last_use_[step.out], s);
  }

  void join(std::size_t s, std::vector<Step>& steps) {
    const Step& step = plan_.steps[s];
    // What begins in it will overwrite a whole, and with it parts that are read later.
    const bool stays = places_[step.out].inside == step.out;
    std::size_t at = 0;
    for (std::uint32_t in : step.in) {
      const std::uint32_t part = owner(places_, in);
      const Shape shape = plan_.slots[in].shape;
      const bool all_of_it = plan_.slots[part].shape.size() == shape.size();
      if (free(part) && part != step.out && all_of_it && (stays || last_use_[part] == s)) {
        places_[part] = {.inside = step.out, .at = at};
        last_use_[step.out] = std::max(last_use_[step.out], last_use_[part]);
      } else {
        const auto piece = std::uint32_t(plan_.slots.size());
        plan_.slots.push_back({.shape = shape, .value = {}});
        places_.push_back({.inside = step.out, .at = at});
        is_result_.push_back(true);
        steps.push_back({&kCopy, {}, {in}, piece, step.scope});
      }
      at += shape.size();
    }
  }

  Plan& plan_;
  std::vector<Place>& places_;
  std::vector<bool> is_result_, is_joined_;
  std::vector<std::size_t> last_use_;
};

}  // namespace

void nest(Plan& plan, std::vector<Place>& places) { Nesting(plan, places).run(); }

}  // namespace eqp::ad
