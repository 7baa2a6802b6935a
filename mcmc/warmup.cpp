#include "mcmc/warmup.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {

DualAveraging::DualAveraging(Options options, double step_size)
    : options_(options), mu_(std::log(10 * step_size)), log_averaged_(std::log(step_size)) {
  if (options.target > 0 && options.target < 1) return;
  std::ostringstream text;
  text << "DualAveraging: target acceptance " << options.target
       << "; need a number between 0 and 1";
  throw std::invalid_argument(text.str());
}

double DualAveraging::update(double acceptance) {
  ++count_;
  const double weight = 1 / (count_ + options_.t0), late = std::pow(count_, -options_.kappa);
  mean_error_ += weight * (options_.target - acceptance - mean_error_);
  const double log_step = mu_ - std::sqrt(count_) / options_.gamma * mean_error_;
  log_averaged_ += late * (log_step - log_averaged_);
  return std::exp(log_step);
}

double DualAveraging::averaged() const { return std::exp(log_averaged_); }

void check(const WarmupOptions& options) {
  if (!(options.target_accept > 0 && options.target_accept < 1)) {
    std::ostringstream text;
    text << "WarmupOptions: target_accept " << options.target_accept
         << "; need a number between 0 and 1";
    throw std::invalid_argument(text.str());
  }
  if (options.window < 2) {
    throw std::invalid_argument("WarmupOptions: window " + std::to_string(options.window) +
                                "; need at least 2 steps");
  }
}

Windows windows(const WarmupOptions& options, std::uint32_t warmup) {
  if (warmup < 20) return {warmup, {}, 0};
  std::uint64_t size = options.window;
  Windows plan{options.first, {}, options.last};
  if (size + options.first + options.last > warmup) {
    plan.first = std::uint32_t(0.15 * warmup);
    plan.last = std::uint32_t(0.1 * warmup);
    plan.sizes = {warmup - plan.first - plan.last};
    return plan;
  }
  std::uint64_t left = warmup - options.first - options.last;
  for (; left > 0; size *= 2) {
    // Another window, of twice the size, must fit behind any but the first.
    const std::uint64_t now = !plan.sizes.empty() && size + 2 * size > left ? left : size;
    plan.sizes.push_back(std::uint32_t(now));
    left -= now;
  }
  return plan;
}

WindowMoments::WindowMoments(Metric::Kind kind, std::size_t chains, std::size_t dim)
    : kind_(kind),
      chains_(chains),
      dim_(dim),
      mean_(chains * dim),
      change_(dim),
      squares_(kind == Metric::Kind::dense ? dim * dim : dim) {}

void WindowMoments::add(ad::ConstView x) {
  ++steps_;
  // (x - old mean)(x - new mean) = change^2 (1 - 1 / steps)
  const double part = 1 - 1 / double(steps_);
  for (std::size_t i = 0; i < chains_; ++i) {
    const Real* row = x.data + i * dim_;
    double* mean = &mean_[i * dim_];
    for (std::size_t j = 0; j < dim_; ++j) {
      change_[j] = double(row[j]) - mean[j];
      mean[j] += change_[j] / double(steps_);
    }
    if (kind_ == Metric::Kind::dense) {
      for (std::size_t j = 0; j < dim_; ++j) {
        const double scaled = part * change_[j];
        for (std::size_t k = 0; k <= j; ++k) squares_[j * dim_ + k] += scaled * change_[k];
      }
    } else {
      for (std::size_t j = 0; j < dim_; ++j) squares_[j] += part * change_[j] * change_[j];
    }
  }
}

Metric WindowMoments::metric() const {
  const double n = double(steps_ * chains_), freedom = double((steps_ - 1) * chains_);
  const double shrink = n / ((n + 5) * freedom), floor = 1e-3 * 5 / (n + 5);
  const std::size_t stride = kind_ == Metric::Kind::dense ? dim_ + 1 : 1;
  std::vector<double> variances(dim_);
  for (std::size_t j = 0; j < dim_; ++j) variances[j] = shrink * squares_[j * stride] + floor;
  if (kind_ != Metric::Kind::dense) return Metric::diagonal(variances);
  std::vector<double> covariance(dim_ * dim_);
  for (std::size_t j = 0; j < dim_; ++j) {
    for (std::size_t k = 0; k < j; ++k) {
      covariance[j * dim_ + k] = covariance[k * dim_ + j] = shrink * squares_[j * dim_ + k];
    }
    covariance[j * dim_ + j] = variances[j];
  }
  try {
    return Metric::dense(covariance, dim_);
  } catch (const std::invalid_argument&) {
    return Metric::diagonal(variances);
  }
}

double find_step_size(double step_size,
                      const std::function<double(double h, std::uint32_t trial)>& accept) {
  constexpr double kCross = 0.8;
  constexpr std::uint32_t kTrials = 60;  // a flat energy would double for ever
  double h = step_size;
  const bool grow = accept(h, 0) > kCross;
  for (std::uint32_t trial = 1; trial < kTrials; ++trial) {
    h *= grow ? 2 : 0.5;
    if ((accept(h, trial) > kCross) != grow) return h;
  }
  return step_size;
}

}  // namespace eqp::mcmc
