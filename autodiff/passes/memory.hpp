#pragma once

#include "autodiff/plan.hpp"

namespace eqp::ad {

/// What is known about the memory of one slot before it has an offset.
struct Place {
  std::uint32_t inside;     // the slot whose memory it is a part of, or itself
  std::size_t at = 0;       // Reals into that one
  bool persistent = false;  // never given to another value: inputs and outputs
};

/// The slot whose memory `slot` is a part of, through any number of others.
std::uint32_t owner(const std::vector<Place>& places, std::uint32_t slot);

/// Makes values be computed where they are wanted: what `in_place` ops begin from in the memory of
/// their result, and the parts of a concatenation in that of the whole.
void nest(Plan& plan, std::vector<Place>& places);

/// Gives every slot its offset. With `reuse`, values that are alive at the same time never overlap
/// and dead ones give their place to later ones; without, every value has a place of its own.
void assign_memory(Plan& plan, const std::vector<Place>& places, bool reuse);

}  // namespace eqp::ad
