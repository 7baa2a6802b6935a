#pragma once

#include "mcmc/draw_sink.hpp"

namespace eqp::mcmc {

/// Draws of all chains and their statistics in memory, up to a number of draws per chain.
class DrawBuffer {
 public:
  DrawBuffer(std::size_t chains, std::size_t capacity, std::size_t d, std::size_t n_stats);

  std::size_t size() const { return size_; }  // draws per chain
  std::size_t room() const { return draws_.shape()[1] - size_; }
  /// Takes draws [first, first + k) of a slab as DrawSink::append has it; k at most room().
  void append(ad::ConstView draws, std::span<const StatValues> stats, std::size_t first,
              std::size_t k);
  void clear() { size_ = 0; }

  ad::Tensor draws() const;               // (chains, size, d)
  std::vector<StatValues> stats() const;  // (chains, size) each

  /// Throws std::invalid_argument for more draws than it holds.
  void archive(ad::Archive& a);

 private:
  std::size_t size_ = 0;
  ad::Tensor draws_;               // (chains, capacity, d)
  std::vector<StatValues> stats_;  // (chains, capacity) each
};

}  // namespace eqp::mcmc
