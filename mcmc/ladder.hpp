#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "autodiff/archive.hpp"

// Ladders of inverse temperatures 1 = beta_0 > beta_1 > ... > beta_N >= 0, and what swaps along
// them achieve.
namespace eqp::mcmc {

/// beta_k = hottest^(k / (replicas - 1)): where energies grow like a power of the distance, every
/// pair swaps as often. Throws std::invalid_argument unless 0 < hottest < 1 and replicas >= 2.
std::vector<double> geometric_ladder(double hottest, std::size_t replicas);

/// Throws std::invalid_argument unless there are at least 2, from 1 downwards to no less than 0,
/// and the base that a ladder of energies in `dim` dimensions may lead to, and has to where the
/// last is 0, has this dim too (0: no base).
void check_ladder(std::span<const double> betas, std::size_t dim, std::size_t base_dim);

/// The ladder of as many temperatures and the same ends at which neighbours reject equally often:
/// equal parts of the communication barrier, taken as linear between the temperatures of this one
/// (Syed et al. 2022, algorithm 3). rejection (N): of the pairs (k, k + 1).
std::vector<double> equalised(std::span<const double> betas, std::span<const double> rejection);

/// Swaps between neighbours on a ladder.
struct Swaps {
  std::vector<double> accepted;   // sums of acceptance probabilities of the pairs (k, k + 1)
  double proposed = 0;            // to each pair
  std::uint64_t round_trips = 0;  // of replicas from beta_0 to beta_N and back

  Swaps() = default;
  explicit Swaps(std::size_t pairs) : accepted(pairs) {}
  Swaps& operator+=(const Swaps& other);
  /// Mean acceptance of every pair.
  std::vector<double> rates() const;
  void archive(ad::Archive& a) {
    a("accepted", accepted);
    a("proposed", proposed);
    a("round_trips", round_trips);
  }
};

/// Moves a ladder to the equalised one after 10, 30, 70, ... steps, each time by the swaps since
/// the last time; every interval is twice the one before.
class LadderAdapter {
 public:
  /// betas, or where they are to be after a step of these swaps.
  std::vector<double> update(std::vector<double> betas, const Swaps& swaps);
  void archive(ad::Archive& a) {
    a("gathered", gathered_);
    a("steps", steps_);
    a("wanted", wanted_);
  }

 private:
  Swaps gathered_;
  std::size_t steps_ = 0, wanted_ = 10;
};

/// Which replica of a chain is at which temperature, for chains that begin in order.
struct Replicas {
  std::size_t temperatures = 0;
  std::vector<std::uint32_t> at;  // the replica at a temperature (chains, temperatures)
  // By replica, whether it was at beta_0 (1), and then at beta_N (2).  (chains, temperatures)
  std::vector<std::uint8_t> progress;

  Replicas() = default;
  Replicas(std::size_t chains, std::size_t temperatures);
  /// Swaps those of chain i at temperatures k and k + 1.
  void swap(std::size_t i, std::size_t k) {
    std::swap(at[i * temperatures + k], at[i * temperatures + k + 1]);
  }
  /// Ends a round of swaps; how many round trips it completed.
  std::uint64_t end_round();
  void archive(ad::Archive& a) {
    a("at", std::span(at));
    a("progress", std::span(progress));
  }
};

/// What parallel tempering did in the recorded phase. By temperature, coldest first, or by pairs.
struct LadderReport {
  std::vector<double> betas, step_sizes;  // step sizes: empty if the kernels have none
  std::vector<double> acceptance;         // of the local kernels
  std::vector<double> swap_rates;         // of the pairs (k, k + 1)
  std::uint64_t round_trips = 0;
  double round_trip_rate = 0;  // per chain and step, of all its replicas together
  /// What the rate would be, were energies independent from swap to swap: 1 / (1 + sum r / (1 - r))
  /// over rejections r (Syed et al. 2022, theorem 1; a step is two rounds). Much more than the
  /// measured rate says that the local kernels explore too little between swaps.
  double ideal_round_trip_rate = 0;
  double barrier = 0;  // sum of the rejections: Lambda, the same for any fine enough ladder

  /// How many temperatures would swap at this rate: about 1 + Lambda / (1 - rate). The best rate
  /// is 1/2 (Syed et al. 2022, section 5.2).
  std::size_t replicas_for(double rate) const;
};

/// The parts of the report that swaps tell.
LadderReport report(std::vector<double> betas, const Swaps& swaps);

}  // namespace eqp::mcmc
