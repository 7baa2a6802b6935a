#include "mcmc/draws_writer.hpp"

#include <iomanip>
#include <sstream>

#include "autodiff/npy.hpp"

namespace eqp::mcmc {
namespace {

std::filesystem::path shard_path(const std::filesystem::path& folder, const std::string& name,
                                 std::size_t number) {
  std::ostringstream file;
  file << name << '-' << std::setfill('0') << std::setw(5) << number << ".npy";
  return folder / file.str();
}

void check(const std::filesystem::path& folder, const std::vector<Stat>& stats) {
  if (std::filesystem::exists(shard_path(folder, "draws", 0))) {
    throw std::invalid_argument(folder.string() +
                                ": has draws already; need a folder without draws-00000.npy");
  }
  for (const Stat& stat : stats) {
    if (stat.name.empty() || stat.name == "draws" ||
        stat.name.find_first_of("/\\") != std::string::npos) {
      throw std::invalid_argument("DrawsWriter: statistic '" + stat.name +
                                  "'; need a file name other than draws");
    }
  }
}

/// The first `kept` of axis 1 of x.
ad::Tensor first_of(const ad::Tensor& x, std::size_t kept) {
  ad::Shape shape = x.shape();
  shape[1] = kept;
  ad::Tensor first(shape);
  for (std::size_t c = 0; c < x.rows(); ++c) {
    std::ranges::copy(x.row(c).first(first.cols()), first.row(c).begin());
  }
  return first;
}

}  // namespace

DrawsWriter::DrawsWriter(std::filesystem::path folder, std::size_t chains, std::size_t d,
                         DrawsWriterOptions options)
    : folder_(std::move(folder)),
      chains_(chains),
      d_(d),
      shard_draws_(std::max<std::size_t>(
          1, options.shard_bytes / std::max<std::size_t>(1, chains * d * sizeof(Real)))),
      stats_(std::move(options.stats)),
      draws_({chains, shard_draws_, d}),
      values_(stats_.size(), ad::Tensor({chains, shard_draws_})) {
  if (chains == 0 || d == 0) {
    throw std::invalid_argument("DrawsWriter: " + std::to_string(chains) + " chains of " +
                                std::to_string(d) + " coordinates; need at least 1 of each");
  }
  check(folder_, stats_);
  std::filesystem::create_directories(folder_);
}

void DrawsWriter::append(ad::ConstView draws, std::span<const StatValues> stats) {
  check_slab("DrawsWriter", chains_, d_, stats_.size(), draws, stats);
  const std::size_t k = draws.shape[1];
  for (std::size_t done = 0; done < k;) {
    const std::size_t now = std::min(k - done, shard_draws_ - held_);
    for (std::size_t c = 0; c < chains_; ++c) {
      std::ranges::copy(draws.row(c).subspan(done * d_, now * d_),
                        draws_.row(c).subspan(held_ * d_).begin());
      for (std::size_t s = 0; s < stats.size(); ++s) {
        for (std::size_t t = 0; t < now; ++t) {
          values_[s](c, held_ + t) = static_cast<Real>(stats[s][c * k + done + t]);
        }
      }
    }
    done += now;
    held_ += now;
    if (held_ == shard_draws_) write_shard();
  }
}

void DrawsWriter::finish() {
  if (held_ > 0) write_shard();
}

void DrawsWriter::write_shard() {
  // The draws last: where they are, their statistics are.
  for (std::size_t s = 0; s < stats_.size(); ++s) {
    ad::write_npy(shard_path(folder_, stats_[s].name, shards_), first_of(values_[s], held_));
  }
  ad::write_npy(shard_path(folder_, "draws", shards_), first_of(draws_, held_));
  held_ = 0;
  ++shards_;
}

ad::Tensor read_shards(const std::filesystem::path& folder, const std::string& name) {
  std::vector<ad::Tensor> shards;
  std::size_t draws = 0;
  while (std::filesystem::exists(shard_path(folder, name, shards.size()))) {
    const auto path = shard_path(folder, name, shards.size());
    ad::Tensor x = ad::read_npy(path);
    ad::Shape expected = shards.empty() ? x.shape() : shards[0].shape();
    if (x.shape().rank() >= 2) expected[1] = x.shape()[1];
    if (x.shape().rank() < 2 || !(x.shape() == expected)) {
      throw std::invalid_argument(path.string() + ": an array " + str(x.shape()) + "; need " +
                                  (shards.empty() ? "(chains, draws, ...)" : str(expected)));
    }
    draws += x.shape()[1];
    shards.push_back(std::move(x));
  }
  if (shards.empty()) {
    throw std::invalid_argument(shard_path(folder, name, 0).string() + ": no such file");
  }
  ad::Shape shape = shards[0].shape();
  shape[1] = draws;
  ad::Tensor all(shape);
  for (std::size_t c = 0; c < all.rows(); ++c) {
    auto to = all.row(c).begin();
    for (const ad::Tensor& x : shards) to = std::ranges::copy(x.row(c), to).out;
  }
  return all;
}

}  // namespace eqp::mcmc
