#include "mcmc/nuts_tree.hpp"

#include <cmath>

namespace eqp::mcmc::nuts {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();  // the log of no weight

double log_add(double a, double b) {
  const auto [less, more] = std::minmax(a, b);
  return more == kNothing ? more : more + std::log1p(std::exp(less - more));
}

/// What the uniforms of a tree are for, three at every leapfrog step.
enum Use : std::uint32_t { kPoint, kDirection, kDoubling, kUses };

}  // namespace

bool turns(const Arc& a, const Arc& b, std::size_t d) {
  const auto along = [d](const Real* p, const Real* s, const Real* t) {
    return ad::sum_of(
               d, [=](std::size_t j) { return double(p[j]) * (double(s[j]) + double(t[j])); }) > 0;
  };
  return !(along(a.first, a.sum, b.sum) && along(b.last, a.sum, b.sum) &&
           along(a.first, a.sum, b.first) && along(b.first, a.sum, b.first) &&
           along(a.last, a.last, b.sum) && along(b.last, a.last, b.sum));
}

void Tree::start(const NutsOptions& options, const ad::BlockRng& rng) {
  rng_ = rng;
  rng_.normal(row(kMomentum));
  std::ranges::fill(row(kSlope).flat(), Real(0));
  options.metric.kick(row(kSlope), 1, {gradient_.data(), {1, d_}});
  std::ranges::copy(x_, vector(kPosition));
  for (const std::size_t end : {kPosition, kMomentum, kSlope}) copy(end, end + 1);
  copy(kMomentum, kSum);
  start_energy_ = *energy_ + kinetic_energy(row(kMomentum).flat());
  log_weight_ = 0;
  transition_ = {.energy = start_energy_};
  saturated_ = nan_ = false;
  begin_doubling();
}

void Tree::begin_doubling() {
  side_ = uniform(kDirection) < 0.5;
  copy(kMomentum + side_, kNear);
  new_log_weight_ = kNothing;
  point_ = 0;
}

void Tree::leap(const NutsOptions& options, std::span<Real> x) {
  const Real h = Real(side_ == 1 ? options.step_size : -options.step_size);
  Real* q = vector(kMomentum + side_);
  const Real* slope = vector(kSlope + side_);
  for (std::size_t j = 0; j < d_; ++j) q[j] -= h / 2 * slope[j];
  options.metric.drift(row(kPosition + side_), h, row(kMomentum + side_));
  std::copy_n(vector(kPosition + side_), d_, x.begin());
}

bool Tree::absorb(const NutsOptions& options, Real energy, std::span<const Real> gradient,
                  Counts& counts) {
  const Real h = Real(side_ == 1 ? options.step_size : -options.step_size);
  Real *q = vector(kMomentum + side_), *slope = vector(kSlope + side_);
  std::fill_n(slope, d_, Real(0));
  options.metric.kick(row(kSlope + side_), 1, {gradient.data(), {1, d_}});
  for (std::size_t j = 0; j < d_; ++j) q[j] -= h / 2 * slope[j];

  const double kinetic = kinetic_energy({q, d_}), u = proper_energy(energy);
  const double lost = start_energy_ - (u + kinetic);  // NaN if the gradient is
  count_not_finite(std::isinf(energy) ? double(energy) : energy + kinetic, counts);
  ++counts.gradients;
  ++transition_.leapfrogs;
  transition_.accept += std::isnan(lost) ? 0 : std::min(1.0, std::exp(lost));
  if (!(-lost <= options.max_energy_error)) {
    nan_ = transition_.leapfrogs == 1 && std::isnan(energy + kinetic);
    return stop(true);
  }
  // One point of the doubling, with probabilities proportional to exp(-H).
  new_log_weight_ = log_add(new_log_weight_, lost);
  if (uniform(kPoint) < std::exp(lost - new_log_weight_)) {
    copy(kPosition + side_, kCandidate);
    std::ranges::copy(gradient, vector(kNewGradient));
    candidate_u_ = u;
    candidate_energy_ = u + kinetic;
  }
  if (!join_pieces()) return stop(false);
  if (++point_ < 1u << transition_.depth) return true;
  return join_doubling(options) || stop(false);
}

/// Joins the piece that is the latest point with those that wait for it; whether none turns.
bool Tree::join_pieces() {
  const Real* q = vector(kMomentum + side_);
  copy(kMomentum + side_, kFirst);
  copy(kMomentum + side_, kNewSum);
  std::size_t j = 0;
  for (; point_ >> j & 1; ++j) {
    const Arc before = pending(j);
    if (turns(before, {vector(kFirst), q, vector(kNewSum)}, d_)) return false;
    std::copy_n(before.first, d_, vector(kFirst));
    for (std::size_t k = 0; k < d_; ++k) vector(kNewSum)[k] += before.sum[k];
  }
  if (j == transition_.depth) return true;  // the whole doubling
  const std::size_t slot = kPending + 3 * j;
  copy(kFirst, slot);
  copy(kMomentum + side_, slot + 1);
  copy(kNewSum, slot + 2);
  return true;
}

/// Joins the finished doubling with the trajectory before it; whether another one is to follow.
bool Tree::join_doubling(const NutsOptions& options) {
  // Biased progressive sampling: the new half is preferred (Betancourt 2017, appendix A.3.2).
  if (uniform(kDoubling) < std::exp(new_log_weight_ - log_weight_)) {
    std::copy_n(vector(kCandidate), d_, x_.begin());
    std::copy_n(vector(kNewGradient), d_, gradient_.begin());
    *energy_ = candidate_u_;
    transition_.energy = candidate_energy_;
  }
  log_weight_ = log_add(log_weight_, new_log_weight_);
  ++transition_.depth;
  const Arc before{vector(kMomentum + 1 - side_), vector(kNear), vector(kSum)};
  const Arc after{vector(kFirst), vector(kMomentum + side_), vector(kNewSum)};
  if (turns(before, after, d_)) return false;
  saturated_ = transition_.depth == options.max_depth;
  if (saturated_) return false;
  for (std::size_t k = 0; k < d_; ++k) vector(kSum)[k] += vector(kNewSum)[k];
  begin_doubling();
  return true;
}

bool Tree::stop(bool diverging) {
  transition_.diverging = diverging;
  transition_.accept /= transition_.leapfrogs;
  return false;
}

Arc Tree::pending(std::size_t j) const {
  const std::size_t slot = kPending + 3 * j;
  return {vector(slot), vector(slot + 1), vector(slot + 2)};
}

double Tree::uniform(std::uint32_t use) const {
  return rng_.uniform(0, kUses * transition_.leapfrogs + use);
}

}  // namespace eqp::mcmc::nuts
