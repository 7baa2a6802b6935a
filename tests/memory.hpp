#pragma once

#include <string>

#include "autodiff/archive.hpp"

// States kept in memory, for loops that are to be stopped and gone on with.
namespace eqp::test {

/// Keeps the state; stops the loop at the `stop_after`-th offer.
class Memory final : public ad::Keeper {
 public:
  std::string kept;
  std::size_t stop_after = std::size_t(-1), steps = 0;

  void restore(const ad::State& state) override {
    if (kept.empty()) return;
    for (const auto pass : {ad::Archive::Pass::look, ad::Archive::Pass::read}) {
      ad::Archive a(kept, pass);
      state(a);
      a.finish();
    }
  }
  bool offer(const ad::State& state) override {
    keep(state);
    return ++steps < stop_after;
  }
  void keep(const ad::State& state) override {
    ad::Archive a;
    state(a);
    kept = a.bytes();
  }
};

}  // namespace eqp::test
