#pragma once

#include <filesystem>
#include <fstream>

#include "mcmc/draw_sink.hpp"

namespace eqp::mcmc {

/// Draws that wait in a file: a record of equal size for every draw of all chains, draws as `Real`
/// and statistics as double. What is written stands where its number says, so that a process that
/// was killed may be gone on with from any draw before. Of several ranks the first one has the
/// file.
class DrawSpool {
 public:
  /// Makes the file, or opens one that is there if it is `resumed`. Throws std::runtime_error if it
  /// cannot.
  DrawSpool(std::filesystem::path path, std::size_t chains, std::size_t d, std::size_t n_stats,
            bool resumed);

  std::size_t size() const { return size_; }  // draws per chain
  /// As DrawSink::append. Throws std::runtime_error if the file cannot be written.
  void append(ad::ConstView draws, std::span<const StatValues> stats);
  /// Draws [first, first + k), as they were appended. Throws std::runtime_error if they cannot be
  /// read.
  struct Slab {
    ad::Tensor draws;               // (chains, k, d)
    std::vector<StatValues> stats;  // (chains, k) each
  };
  Slab read(std::size_t first, std::size_t k);
  /// Forces the draws to the disk and writes their number, or reads it. Whether they are there is
  /// for complete() to say.
  void archive(ad::Archive& a);
  bool complete() const;
  /// Bytes of a draw.
  std::size_t record() const { return chains_ * (d_ * sizeof(Real) + n_stats_ * sizeof(double)); }
  /// The file is gone, and nothing more may be asked of it.
  void remove();

 private:
  void write_records(ad::ConstView draws, std::span<const StatValues> stats);
  void must_be_written() const;

  std::filesystem::path path_;
  std::size_t chains_, d_, n_stats_, size_ = 0;
  std::fstream file_;
};

}  // namespace eqp::mcmc
