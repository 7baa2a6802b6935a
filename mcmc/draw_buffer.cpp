#include "mcmc/draw_buffer.hpp"

#include <algorithm>

namespace eqp::mcmc {
namespace {

/// The first `kept` of each row of `all`, which has room for more: `rows` times (capacity, width).
template <class T>
std::vector<T> first_of(std::span<const T> all, std::size_t rows, std::size_t kept) {
  std::vector<T> first;
  first.reserve(rows * kept);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = all.subspan(r * (all.size() / rows), kept);
    first.insert(first.end(), row.begin(), row.end());
  }
  return first;
}

/// The reverse.
template <class T>
void put_first(std::span<const T> first, std::size_t rows, std::span<T> all) {
  for (std::size_t r = 0; r < rows; ++r) {
    std::ranges::copy(first.subspan(r * (first.size() / rows), first.size() / rows),
                      all.subspan(r * (all.size() / rows)).begin());
  }
}

}  // namespace

DrawBuffer::DrawBuffer(std::size_t chains, std::size_t capacity, std::size_t d, std::size_t n_stats)
    : draws_({chains, capacity, d}), stats_(n_stats, StatValues(chains * capacity)) {}

void DrawBuffer::append(ad::ConstView draws, std::span<const StatValues> stats, std::size_t first,
                        std::size_t k) {
  const std::size_t d = draws_.shape()[2], capacity = draws_.shape()[1], slab = draws.shape[1];
  for (std::size_t c = 0; c < draws_.rows(); ++c) {
    std::ranges::copy(draws.row(c).subspan(first * d, k * d),
                      draws_.row(c).subspan(size_ * d).begin());
    for (std::size_t s = 0; s < stats_.size(); ++s) {
      std::copy_n(&stats[s][c * slab + first], k, &stats_[s][c * capacity + size_]);
    }
  }
  size_ += k;
}

ad::Tensor DrawBuffer::draws() const {
  const std::size_t d = draws_.shape()[2];
  ad::Tensor first({draws_.rows(), size_, d});
  for (std::size_t c = 0; c < draws_.rows(); ++c) {
    std::ranges::copy(draws_.row(c).first(size_ * d), first.row(c).begin());
  }
  return first;
}

std::vector<StatValues> DrawBuffer::stats() const {
  std::vector<StatValues> first;
  for (const StatValues& values : stats_) {
    first.push_back(first_of<double>(values, draws_.rows(), size_));
  }
  return first;
}

void DrawBuffer::archive(ad::Archive& a) {
  const std::size_t chains = draws_.rows(), per_draw = chains * draws_.shape()[2];
  std::vector<Real> x = first_of<Real>(draws_.flat(), chains, size_ * draws_.shape()[2]);
  std::vector<StatValues> values = stats();
  a("draws", x);
  for (std::size_t s = 0; s < values.size(); ++s) a("stat" + std::to_string(s), values[s]);
  if (!a.reading()) return;
  const std::size_t size = x.size() / per_draw;
  const auto fits = [&](const StatValues& v) { return v.size() == chains * size; };
  if (x.size() != size * per_draw || size > draws_.shape()[1] ||
      !std::ranges::all_of(values, fits)) {
    throw std::invalid_argument(std::to_string(x.size()) +
                                " values of draws are stored; need up to " +
                                std::to_string(draws_.size()) + ", with as many statistics");
  }
  size_ = size;
  put_first<Real>(x, chains, draws_.flat());
  for (std::size_t s = 0; s < values.size(); ++s) put_first<double>(values[s], chains, stats_[s]);
}

}  // namespace eqp::mcmc
