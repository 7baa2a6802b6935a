#pragma once

#include "tests/mcmc/planted.hpp"

namespace eqp::mcmc::test {

/// Two replicas, at temperatures 1 and 1 / 0.3: a random-walk step of each, then an exchange. x()
/// is the cold one; the hot one starts where it does.
class PlantedTempering {
 public:
  struct State {
    PlantedLocal::State cold, hot;
    Counts counts = {};
    ad::View x() { return cold.x(); }
    ad::ConstView x() const { return cold.x(); }
  };

  PlantedTempering(const Energy& energy, std::size_t dim, Flaw flaw)
      : cold_(energy, dim, walk_step, Flaw::none),
        hot_([energy](ad::Var x) { return kBeta * energy(x); }, dim, walk_step, Flaw::none),
        flaw_(flaw) {}
  std::size_t block(std::size_t chains) const { return cold_.block(chains); }
  State init(ad::ConstView x0, std::size_t first = 0) const {
    return {cold_.init(x0, first), hot_.init(x0, first)};
  }
  void refresh(State& s) const {
    cold_.refresh(s.cold);
    hot_.refresh(s.hot);
  }
  void step(State& s, const ad::BlockRng& rng) const {
    cold_.step(s.cold, rng.fork(0));
    hot_.step(s.hot, rng.fork(1));
    const double sign = flaw_ == Flaw::tempering_swap_sign ? -1 : 1;
    const ad::BlockRng swaps = rng.fork(2);
    for (std::size_t i = 0; i < s.cold.energy.size(); ++i) {
      const double cold = s.cold.energy[i], hot = s.hot.energy[i] / kBeta;
      if (swaps.uniform(i) >= std::exp(sign * (1 - kBeta) * (cold - hot))) continue;
      std::ranges::swap_ranges(s.cold.position.row(i), s.hot.position.row(i));
      s.cold.energy[i] = hot;
      s.hot.energy[i] = kBeta * cold;
    }
  }

 private:
  static constexpr double kBeta = 0.3;

  PlantedLocal cold_, hot_;
  Flaw flaw_;
};
static_assert(Kernel<PlantedTempering>);

}  // namespace eqp::mcmc::test
