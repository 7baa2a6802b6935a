#include "mcmc/draws_writer.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "autodiff/npy.hpp"
#include "autodiff/ranks.hpp"
#include "autodiff/state_file.hpp"

namespace eqp::mcmc {
namespace {

std::filesystem::path shard_path(const std::filesystem::path& folder, const std::string& name,
                                 std::size_t number) {
  std::ostringstream file;
  file << name << '-' << std::setfill('0') << std::setw(5) << number << ".npy";
  return folder / file.str();
}

void check(const std::filesystem::path& folder, const DrawsWriterOptions& options) {
  if (!options.resumed && std::filesystem::exists(shard_path(folder, "draws", 0))) {
    throw std::invalid_argument(folder.string() +
                                ": has draws already; need a folder without draws-00000.npy");
  }
  for (const Stat& stat : options.stats) {
    if (stat.name.empty() || stat.name == "draws" ||
        stat.name.find_first_of("/\\") != std::string::npos) {
      throw std::invalid_argument("DrawsWriter: statistic '" + stat.name +
                                  "'; need a file name other than draws");
    }
  }
}

std::size_t shard_draws_of(std::size_t chains, std::size_t d, const DrawsWriterOptions& options) {
  if (chains == 0 || d == 0) {
    throw std::invalid_argument("DrawsWriter: " + std::to_string(chains) + " chains of " +
                                std::to_string(d) + " coordinates; need at least 1 of each");
  }
  const std::size_t bytes = chains * (d + options.stats.size()) * sizeof(Real);
  return std::max<std::size_t>(1, options.shard_bytes / bytes);
}

}  // namespace

DrawsWriter::DrawsWriter(std::filesystem::path folder, std::size_t chains, std::size_t d,
                         DrawsWriterOptions options)
    : folder_(std::move(folder)),
      chains_(chains),
      d_(d),
      shard_draws_(shard_draws_of(chains, d, options)),
      stats_(options.stats),
      held_(chains, shard_draws_, d, stats_.size()) {
  if (ad::rank() != 0) return;
  check(folder_, options);
  std::filesystem::create_directories(folder_);
}

void DrawsWriter::append(ad::ConstView draws, std::span<const StatValues> stats) {
  check_slab("DrawsWriter", chains_, d_, stats_.size(), draws, stats);
  if (shards_ == 0 && held_.size() == 0) remove_shards(0);  // of a run that kept no state
  const std::size_t k = draws.shape[1];
  for (std::size_t done = 0; done < k;) {
    const std::size_t now = std::min(k - done, held_.room());
    held_.append(draws, stats, done, now);
    done += now;
    if (held_.room() == 0) write_shard();
  }
}

void DrawsWriter::finish() {
  if (held_.size() > 0) write_shard();
}

void DrawsWriter::archive(ad::Archive& a) {
  std::size_t shard_draws = shard_draws_;
  a("shard_draws", shard_draws);
  a("shards", shards_);
  a("held", held_);
  if (!a.reading()) return;
  if (shard_draws != shard_draws_) {
    throw std::invalid_argument(folder_.string() + ": has shards of " +
                                std::to_string(shard_draws) + " draws; need " +
                                std::to_string(shard_draws_));
  }
  if (ad::rank() != 0) return;
  for (std::size_t number = 0; number < shards_; ++number) {
    for (const std::string& name : names()) {
      const auto path = shard_path(folder_, name, number);
      if (!std::filesystem::exists(path)) {
        throw std::invalid_argument(path.string() + ": no such file, which the state relies on");
      }
    }
  }
  remove_shards(shards_);
}

// The draws last: where they are, their statistics are.
std::vector<std::string> DrawsWriter::names() const {
  std::vector<std::string> all;
  for (const Stat& stat : stats_) all.push_back(stat.name);
  all.push_back("draws");
  return all;
}

void DrawsWriter::write_shard() {
  if (ad::rank() == 0) write_files();
  held_.clear();
  ++shards_;
}

void DrawsWriter::write_files() const {
  const ad::Tensor draws = held_.draws();
  const std::vector<StatValues> stats = held_.stats();
  const std::vector<std::string> all = names();
  for (std::size_t s = 0; s < all.size(); ++s) {
    const auto path = shard_path(folder_, all[s], shards_);
    if (s < stats.size()) {
      ad::Tensor values({chains_, held_.size()});
      std::ranges::transform(stats[s], values.flat().begin(), [](double v) { return Real(v); });
      ad::write_npy(path, values);
    } else {
      ad::write_npy(path, draws);
    }
    ad::force_to_disk(path);
  }
  ad::force_to_disk(folder_);
}

void DrawsWriter::remove_shards(std::size_t first) const {
  if (ad::rank() != 0) return;
  for (const std::string& name : names()) {
    for (std::size_t n = first; std::filesystem::remove(shard_path(folder_, name, n)); ++n) {
    }
  }
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
