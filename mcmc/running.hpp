#pragma once

#include "mcmc/draw_sink.hpp"

namespace eqp::mcmc {

struct RunningOptions {
  /// Draws per batch, per chain, at first. n / 2 for a run of n draws that is even makes
  /// split_rhat() that of all of them; unknown n: 1.
  std::size_t batch = 1;
  bool covariance = false;  // costs d^2 per draw
};

/// Moments and split R-hat of draws that are not kept. Per chain and coordinate it keeps the means
/// and squares of up to 16 batches of equal length; when they are 16, neighbours are merged and
/// batches become twice as long. Welford's (1962) update and Chan, Golub & LeVeque's (1979) merger,
/// in an order that depends on the number of draws alone: the same bits for any slabs and threads.
/// Memory: 272 bytes per chain and coordinate. A NaN stays.
class Running : public DrawSink {
 public:
  /// Throws std::invalid_argument unless all are at least 1.
  Running(std::size_t chains, std::size_t d, const RunningOptions& options = {});

  void append(ad::ConstView draws, std::span<const StatValues> = {}) override;
  void finish() override {}
  void archive(ad::Archive& a) override;

  std::size_t draws() const { return draws_; }  // per chain
  /// Over all draws of all chains (d). Throw std::logic_error without draws.
  std::vector<double> mean() const;
  /// With n - 1 (d); NaN for a single draw.
  std::vector<double> variance() const;
  /// With n - 1 (d, d), row by row. Throws std::logic_error unless it was asked for.
  std::vector<double> covariance() const;
  /// Split R-hat (d) of complete batches, an even number of them, the middle one dropped if need
  /// be: at least 4 of 5 draws once 16 batches were full. NaN below 4 draws.
  std::vector<double> split_rhat() const;

 private:
  /// Of one scalar: count is the same for all and kept outside.
  struct Moment {
    double mean = 0, squares = 0;  // squares: sum (x - mean)^2
  };
  using Batch = std::vector<Moment>;  // (chains, d)

  static Moment merged(const Moment& a, double n, const Moment& b, double m);
  Moment over_batches(std::size_t first, std::size_t count, std::size_t i) const;
  std::vector<Moment> pooled() const;
  void add_covariance(ad::ConstView draws);

  std::size_t chains_, d_, batch_, draws_ = 0;
  std::vector<Batch> complete_;
  Batch current_;
  std::size_t in_current_ = 0;
  std::vector<double> all_mean_, scatter_;  // (d) and (d, d), for the covariance
};

}  // namespace eqp::mcmc
