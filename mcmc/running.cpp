#include "mcmc/running.hpp"

#include <cmath>
#include <limits>

#include "autodiff/parallel.hpp"
#include "mcmc/chain_values.hpp"

namespace eqp::mcmc {
namespace {

constexpr std::size_t kBatches = 16;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Running::Running(std::size_t chains, std::size_t d, const RunningOptions& options)
    : chains_(chains), d_(d), batch_(options.batch), current_(chains * d) {
  if (chains == 0 || d == 0 || batch_ == 0) {
    throw std::invalid_argument("Running: " + std::to_string(chains) + " chains, " +
                                std::to_string(d) + " coordinates, batches of " +
                                std::to_string(batch_) + " draws; need at least 1 of each");
  }
  if (options.covariance) {
    all_mean_.resize(d);
    scatter_.resize(d * d);
  }
}

Running::Moment Running::merged(const Moment& a, double n, const Moment& b, double m) {
  const double apart = b.mean - a.mean;
  return {a.mean + apart * (m / (n + m)),
          a.squares + b.squares + apart * apart * (n * m / (n + m))};
}

void Running::append(ad::ConstView draws, std::span<const StatValues>) {
  check_slab("Running", chains_, d_, 0, draws, {});
  const std::size_t k = draws.shape[1];
  if (!scatter_.empty()) add_covariance(draws);
  for (std::size_t done = 0; done < k;) {
    const std::size_t now = std::min(k - done, batch_ - in_current_);
    ad::parallel_for(chains_, [&](std::size_t c) {
      for (std::size_t t = done; t < done + now; ++t) {
        const auto x = draws.row(c).subspan(t * d_, d_);
        const double n = double(in_current_ + t - done + 1);
        for (std::size_t j = 0; j < d_; ++j) {
          Moment& m = current_[c * d_ + j];
          const double step = double(x[j]) - m.mean;
          m.mean += step / n;
          m.squares += step * (double(x[j]) - m.mean);
        }
      }
    });
    done += now;
    in_current_ += now;
    if (in_current_ < batch_) continue;
    complete_.push_back(std::exchange(current_, Batch(chains_ * d_)));
    in_current_ = 0;
    if (complete_.size() < kBatches) continue;
    for (std::size_t b = 0; b < kBatches / 2; ++b) {
      for (std::size_t i = 0; i < chains_ * d_; ++i) {
        complete_[b][i] =
            merged(complete_[2 * b][i], double(batch_), complete_[2 * b + 1][i], double(batch_));
      }
    }
    complete_.resize(kBatches / 2);
    batch_ *= 2;
  }
  draws_ += k;
}

void Running::archive(ad::Archive& a) {
  std::vector<double> moments;
  for (const Batch& batch : complete_) {
    for (const Moment& m : batch) moments.insert(moments.end(), {m.mean, m.squares});
  }
  for (const Moment& m : current_) moments.insert(moments.end(), {m.mean, m.squares});
  a("batch", batch_);
  a("draws", draws_);
  a("in_current", in_current_);
  a("moments", moments);
  a("all_mean", std::span(all_mean_));
  a("scatter", std::span(scatter_));
  if (!a.reading()) return;
  const std::size_t each = 2 * current_.size(), batches = moments.size() / each;
  if (batches == 0 || batches > kBatches || moments.size() != batches * each) {
    throw std::invalid_argument(std::to_string(moments.size()) + " moments are stored; need 1 to " +
                                std::to_string(kBatches) + " times " + std::to_string(each));
  }
  complete_.assign(batches, Batch(current_.size()));
  for (std::size_t i = 0; i < moments.size() / 2; ++i) {
    complete_[i / current_.size()][i % current_.size()] = {moments[2 * i], moments[2 * i + 1]};
  }
  current_ = std::move(complete_.back());
  complete_.pop_back();
}

void Running::add_covariance(ad::ConstView draws) {
  const std::size_t k = draws.shape[1];
  // Draw by draw and within it chain by chain, which no slab changes.
  std::vector<double> steps(k * chains_ * d_), weights(k * chains_);
  for (std::size_t t = 0, i = 0; t < k; ++t) {
    for (std::size_t c = 0; c < chains_; ++c, ++i) {
      const double n = double((draws_ + t) * chains_ + c + 1);
      weights[i] = (n - 1) / n;
      for (std::size_t j = 0; j < d_; ++j) {
        steps[i * d_ + j] = double(draws.row(c)[t * d_ + j]) - all_mean_[j];
        all_mean_[j] += steps[i * d_ + j] / n;
      }
    }
  }
  ad::parallel_for(d_, [&](std::size_t row) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double* step = &steps[i * d_];
      const double scaled = weights[i] * step[row];
      for (std::size_t j = 0; j <= row; ++j) scatter_[row * d_ + j] += scaled * step[j];
    }
  });
}

/// Of value i (chain and coordinate) in batches first, ..., first + count - 1.
Running::Moment Running::over_batches(std::size_t first, std::size_t count, std::size_t i) const {
  Moment total = complete_[first][i];
  for (std::size_t b = 1; b < count; ++b) {
    total = merged(total, double(b * batch_), complete_[first + b][i], double(batch_));
  }
  return total;
}

std::vector<Running::Moment> Running::pooled() const {
  if (draws_ == 0) throw std::logic_error("Running: moments of no draws");
  std::vector<Moment> total(d_);
  const std::size_t before = complete_.size() * batch_;
  for (std::size_t c = 0; c < chains_; ++c) {
    for (std::size_t j = 0; j < d_; ++j) {
      const std::size_t i = c * d_ + j;
      Moment chain = before > 0 ? over_batches(0, complete_.size(), i) : current_[i];
      if (before > 0 && in_current_ > 0) {
        chain = merged(chain, double(before), current_[i], double(in_current_));
      }
      total[j] = c == 0 ? chain : merged(total[j], double(c * draws_), chain, double(draws_));
    }
  }
  return total;
}

std::vector<double> Running::mean() const {
  std::vector<double> result;
  for (const Moment& m : pooled()) result.push_back(m.mean);
  return result;
}

std::vector<double> Running::variance() const {
  std::vector<double> result;
  for (const Moment& m : pooled()) result.push_back(m.squares / double(chains_ * draws_ - 1));
  return result;
}

std::vector<double> Running::covariance() const {
  if (scatter_.empty()) throw std::logic_error("Running: made without a covariance");
  if (draws_ == 0) throw std::logic_error("Running: moments of no draws");
  std::vector<double> result(d_ * d_);
  for (std::size_t i = 0; i < d_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      result[i * d_ + j] = result[j * d_ + i] = scatter_[i * d_ + j] / double(chains_ * draws_ - 1);
    }
  }
  return result;
}

std::vector<double> Running::split_rhat() const {
  const std::size_t half = complete_.size() / 2;
  const double n = double(half * batch_);
  std::vector<double> result(d_, kNan);
  if (n < 2) return result;
  for (std::size_t j = 0; j < d_; ++j) {
    std::vector<double> means;
    double within = 0;
    for (std::size_t c = 0; c < chains_; ++c) {
      for (const std::size_t first : {std::size_t(0), complete_.size() - half}) {
        const Moment m = over_batches(first, half, c * d_ + j);
        means.push_back(m.mean);
        within += m.squares / (n - 1) / double(2 * chains_);
      }
    }
    result[j] = std::sqrt(((n - 1) / n * within + mean_variance(means).variance) / within);
  }
  return result;
}

}  // namespace eqp::mcmc
