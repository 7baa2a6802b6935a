#pragma once

#include <filesystem>

#include "mcmc/draw_sink.hpp"

// Draws as NumPy arrays, in files of a bounded size.
namespace eqp::mcmc {

struct DrawsWriterOptions {
  std::size_t shard_bytes = std::size_t(64) << 20;  // of a file of draws, unless one draw is more
  std::vector<Stat> stats;
};

/// Writes draws-00000.npy, draws-00001.npy, ... (chains, k, d) and beside them NAME-00000.npy, ...
/// (chains, k) for every statistic, as `Real`. Each is complete when it gets its name, so that what
/// is there after a crash is whole; at most one shard is lost. Memory: one shard.
class DrawsWriter : public DrawSink {
 public:
  /// Makes the folder. Throws std::invalid_argument if it has shards of draws already, or for a
  /// statistic called "draws" or with a name that is no file name.
  DrawsWriter(std::filesystem::path folder, std::size_t chains, std::size_t d,
              DrawsWriterOptions options = {});

  /// Throws std::runtime_error if a file cannot be written.
  void append(ad::ConstView draws, std::span<const StatValues> stats) override;
  void finish() override;

  /// Draws per chain in a full shard.
  std::size_t shard_draws() const { return shard_draws_; }

 private:
  void write_shard();

  std::filesystem::path folder_;
  std::size_t chains_, d_, shard_draws_, held_ = 0, shards_ = 0;
  std::vector<Stat> stats_;
  ad::Tensor draws_;                // (chains, shard_draws, d)
  std::vector<ad::Tensor> values_;  // (chains, shard_draws) each
};

/// All shards of a folder in one piece, (chains, draws, d), or (chains, draws) of a statistic.
/// Throws std::invalid_argument if there is none, or if they do not belong together.
ad::Tensor read_shards(const std::filesystem::path& folder, const std::string& name = "draws");

}  // namespace eqp::mcmc
