#pragma once

#include <filesystem>

#include "mcmc/draw_buffer.hpp"

// Draws as NumPy arrays, in files of a bounded size.
namespace eqp::mcmc {

struct DrawsWriterOptions {
  std::size_t shard_bytes = std::size_t(64) << 20;  // of a shard's files, unless one draw is more
  std::vector<Stat> stats;
  /// Shards that are there are of the same run, stopped before: they are gone on with if its state
  /// is read, or else replaced.
  bool resumed = false;
};

/// Writes draws-00000.npy, draws-00001.npy, ... (chains, k, d) and beside them NAME-00000.npy, ...
/// (chains, k) for every statistic, as `Real`. Each is complete when it gets its name, so that what
/// is there after a crash is whole. Memory, and what a state takes: one shard.
class DrawsWriter : public DrawSink {
 public:
  /// Makes the folder. Throws std::invalid_argument if it has shards of draws already that are not
  /// to be resumed, or for a statistic called "draws" or with a name that is no file name.
  DrawsWriter(std::filesystem::path folder, std::size_t chains, std::size_t d,
              DrawsWriterOptions options = {});

  /// Throws std::runtime_error if a file cannot be written.
  void append(ad::ConstView draws, std::span<const StatValues> stats) override;
  void finish() override;
  void archive(ad::Archive& a) override;

  /// Draws per chain in a full shard.
  std::size_t shard_draws() const { return shard_draws_; }

 private:
  void write_shard();
  void write_files() const;
  std::vector<std::string> names() const;
  void remove_shards(std::size_t first) const;

  std::filesystem::path folder_;
  std::size_t chains_, d_, shard_draws_, shards_ = 0;
  std::vector<Stat> stats_;
  DrawBuffer held_;  // of the next shard
};

/// All shards of a folder in one piece, (chains, draws, d), or (chains, draws) of a statistic.
/// Throws std::invalid_argument if there is none, or if they do not belong together.
ad::Tensor read_shards(const std::filesystem::path& folder, const std::string& name = "draws");

}  // namespace eqp::mcmc
