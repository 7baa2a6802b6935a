#include "mcmc/ladder.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {

std::vector<double> geometric_ladder(double hottest, std::size_t replicas) {
  if (!(hottest > 0 && hottest < 1) || replicas < 2) {
    std::ostringstream text;
    text << "geometric_ladder: hottest " << hottest << ", " << replicas
         << " replicas; need a number between 0 and 1 and at least 2 replicas";
    throw std::invalid_argument(text.str());
  }
  std::vector<double> betas(replicas);
  for (std::size_t k = 0; k < replicas; ++k) {
    betas[k] = std::pow(hottest, double(k) / double(replicas - 1));
  }
  return betas;
}

void check_ladder(std::span<const double> betas, std::size_t dim, std::size_t base_dim) {
  bool good = betas.size() >= 2 && betas.front() == 1 && betas.back() >= 0;
  for (std::size_t k = 1; k < betas.size(); ++k) good = good && betas[k] < betas[k - 1];
  std::ostringstream text;
  text << "ParallelTempering: ";
  if (!good) {
    text << "betas";
    for (const double b : betas) text << " " << b;
    text << "; need at least 2, from 1 downwards to no less than 0";
  } else if (base_dim == 0 && betas.back() == 0) {
    text << "the last beta is 0 without a base; need one, or a last beta above 0";
  } else if (base_dim > 0 && base_dim != dim) {
    text << "a base of dim " << base_dim << "; need that of the energy, " << dim;
  } else {
    return;
  }
  throw std::invalid_argument(text.str());
}

std::vector<double> equalised(std::span<const double> betas, std::span<const double> rejection) {
  // A pair that never rejects still has a place on the ladder.
  constexpr double kLeast = 1e-3;
  const std::size_t pairs = rejection.size();
  std::vector<double> below(pairs + 1);  // the barrier from beta_0 down to beta_k
  for (std::size_t k = 0; k < pairs; ++k) {
    below[k + 1] = below[k] + std::max(rejection[k], kLeast);
  }
  std::vector<double> moved(betas.begin(), betas.end());
  std::size_t k = 0;
  for (std::size_t j = 1; j < pairs; ++j) {
    const double wanted = below[pairs] * double(j) / double(pairs);
    while (below[k + 1] < wanted) ++k;
    const double part = (wanted - below[k]) / (below[k + 1] - below[k]);
    moved[j] = betas[k] + part * (betas[k + 1] - betas[k]);
  }
  return moved;
}

Swaps& Swaps::operator+=(const Swaps& other) {
  for (std::size_t k = 0; k < accepted.size(); ++k) accepted[k] += other.accepted[k];
  proposed += other.proposed;
  round_trips += other.round_trips;
  return *this;
}

std::vector<double> Swaps::rates() const {
  std::vector<double> rates(accepted.size());
  for (std::size_t k = 0; k < rates.size(); ++k) {
    rates[k] = proposed > 0 ? accepted[k] / proposed : 0;
  }
  return rates;
}

std::vector<double> LadderAdapter::update(std::vector<double> betas, const Swaps& swaps) {
  if (steps_ == 0) gathered_ = Swaps(swaps.accepted.size());
  gathered_ += swaps;
  if (++steps_ < wanted_) return betas;
  steps_ = 0;
  wanted_ *= 2;
  std::vector<double> rejection = gathered_.rates();
  for (double& r : rejection) r = 1 - r;
  return equalised(betas, rejection);
}

Replicas::Replicas(std::size_t chains, std::size_t n)
    : temperatures(n), at(chains * n), progress(chains * n) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    at[i] = std::uint32_t(i % n);
    progress[i] = i % n == 0;
  }
}

std::uint64_t Replicas::end_round() {
  std::uint64_t completed = 0;
  for (std::size_t row = 0; row < at.size(); row += temperatures) {
    std::uint8_t& coldest = progress[row + at[row]];
    std::uint8_t& hottest = progress[row + at[row + temperatures - 1]];
    if (hottest == 1) hottest = 2;
    completed += coldest == 2;
    coldest = 1;
  }
  return completed;
}

std::size_t LadderReport::replicas_for(double rate) const {
  if (rate > 0 && rate < 1) return 1 + std::size_t(std::ceil(std::max(1.0, barrier / (1 - rate))));
  std::ostringstream text;
  text << "replicas_for: rate " << rate << "; need a number between 0 and 1";
  throw std::invalid_argument(text.str());
}

LadderReport report(std::vector<double> betas, const Swaps& swaps) {
  LadderReport r{.betas = std::move(betas), .swap_rates = swaps.rates()};
  r.round_trips = swaps.round_trips;
  double inefficiency = 0;
  for (const double rate : r.swap_rates) {
    r.barrier += 1 - rate;
    inefficiency += (1 - rate) / rate;
  }
  r.ideal_round_trip_rate = 1 / (1 + inefficiency);
  if (swaps.proposed > 0) r.round_trip_rate = double(swaps.round_trips) / swaps.proposed;
  return r;
}

}  // namespace eqp::mcmc
