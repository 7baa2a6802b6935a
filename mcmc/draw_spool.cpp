#include "mcmc/draw_spool.hpp"

#include <algorithm>

#include "autodiff/ranks.hpp"
#include "autodiff/state_file.hpp"

namespace eqp::mcmc {
namespace {

template <class T>
void write(std::ostream& to, std::span<const T> values) {
  to.write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size_bytes()));
}

template <class T>
void read(std::istream& from, std::span<T> values) {
  from.read(reinterpret_cast<char*>(values.data()), std::streamsize(values.size_bytes()));
}

}  // namespace

DrawSpool::DrawSpool(std::filesystem::path path, std::size_t chains, std::size_t d,
                     std::size_t n_stats, bool resumed)
    : path_(std::move(path)), chains_(chains), d_(d), n_stats_(n_stats) {
  if (ad::rank() != 0) return;
  using std::ios;
  const bool there = resumed && std::filesystem::exists(path_);
  file_.open(path_, ios::binary | ios::in | ios::out | (there ? ios::openmode() : ios::trunc));
  must_be_written();
}

void DrawSpool::append(ad::ConstView draws, std::span<const StatValues> stats) {
  if (ad::rank() == 0) write_records(draws, stats);
  size_ += draws.shape[1];
}

void DrawSpool::write_records(ad::ConstView draws, std::span<const StatValues> stats) {
  const std::size_t k = draws.shape[1];
  std::vector<double> values(chains_);
  file_.seekp(std::streamoff(size_ * record()));
  for (std::size_t t = 0; t < k; ++t) {
    for (std::size_t c = 0; c < chains_; ++c) {
      write<Real>(file_, draws.row(c).subspan(t * d_, d_));
    }
    for (const StatValues& stat : stats) {
      for (std::size_t c = 0; c < chains_; ++c) values[c] = stat[c * k + t];
      write<double>(file_, values);
    }
  }
  must_be_written();
}

DrawSpool::Slab DrawSpool::read(std::size_t first, std::size_t k) {
  Slab slab{ad::Tensor({chains_, k, d_}), {n_stats_, StatValues(chains_ * k)}};
  std::vector<double> values(chains_);
  file_.seekg(std::streamoff(first * record()));
  for (std::size_t t = 0; t < k; ++t) {
    for (std::size_t c = 0; c < chains_; ++c) {
      mcmc::read<Real>(file_, slab.draws.row(c).subspan(t * d_, d_));
    }
    for (StatValues& stat : slab.stats) {
      mcmc::read<double>(file_, values);
      for (std::size_t c = 0; c < chains_; ++c) stat[c * k + t] = values[c];
    }
  }
  if (!file_) throw std::runtime_error(path_.string() + ": cannot be read");
  return slab;
}

void DrawSpool::archive(ad::Archive& a) {
  if (file_.is_open() && size_ > 0) {
    file_.flush();
    must_be_written();
    ad::force_to_disk(path_);
  }
  a("draws", size_);
}

bool DrawSpool::complete() const {
  if (ad::rank() != 0) return true;
  return std::filesystem::exists(path_) && std::filesystem::file_size(path_) >= size_ * record();
}

void DrawSpool::remove() {
  file_.close();
  std::filesystem::remove(path_);
}

void DrawSpool::must_be_written() const {
  if (!file_) throw std::runtime_error(path_.string() + ": cannot be written");
}

}  // namespace eqp::mcmc
