#include "mcmc/targets/phi4.hpp"

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "mcmc/targets/mixture.hpp"

namespace eqp::mcmc {
namespace {

// What is left out is smaller by exp(-40) or more than what is kept.
constexpr double kNegligible = 40;

Phi4Options checked(const Phi4Options& o) {
  if (o.sites > 0 && o.a > 0 && std::isfinite(o.a) && o.beta > 0 && std::isfinite(o.beta) &&
      std::isfinite(o.h)) {
    return o;
  }
  throw std::invalid_argument("phi4: " + std::to_string(o.sites) + " sites, a " +
                              std::to_string(o.a) + ", beta " + std::to_string(o.beta) + ", h " +
                              std::to_string(o.h) +
                              "; need a site, a and beta above 0 and a finite h");
}

}  // namespace

Energy phi4_energy(const Phi4Options& options) {
  const auto [sites, a, beta, h] = checked(options);
  const double c = a * double(sites), well = beta / c;
  return [=, d = sites, field = h](ad::Var x) {
    // Differences before squares: of two large sums of squares, single precision would keep little.
    const ad::Var padded = pad(x, 1, 1, 1);
    const ad::Var bonds = slice(padded, 1, 1, d + 2) - slice(padded, 1, 0, d + 1);
    const ad::Var wells = polynomial(x, {well / 4, well * field, -well / 2, 0, well / 4});
    return (0.5 * beta * c) * sum(square(bonds), std::size_t(1)) + sum(wells, std::size_t(1));
  };
}

Phi4::Phi4(const Phi4Options& options) : sites_(checked(options).sites) {
  const double c = options.a * double(sites_);
  coupling_ = options.beta * c;
  well_ = options.beta / c;
  field_ = well_ * options.h;
  spacing_ = 0.25 / std::sqrt(coupling_ + well_);
  band_ = std::ptrdiff_t(std::sqrt(2 * kNegligible / coupling_) / spacing_) + 1;
  double reach = 1.5;
  while (-std::log(local(reach)) < kNegligible + 5 || -std::log(local(-reach)) < kNegligible + 5) {
    reach += 0.1;
  }
  half_ = std::ptrdiff_t(reach / spacing_) + 1;

  double log_scale = 0, total = 0;
  for (std::size_t i = 0; i < sites_; ++i) {
    std::vector<double> now(std::size_t(2 * half_ + 1));
    messages(i, 0, 0, now);
    for (std::size_t k = 0; k < now.size(); ++k) now[k] *= local(at(std::ptrdiff_t(k)));
    const double top = *std::ranges::max_element(now);
    for (double& v : now) v /= top;
    log_scale += std::log(top);
    left_.push_back(std::move(now));
    log_scale_.push_back(log_scale);
  }
  for (std::size_t k = 0; k < left_.back().size(); ++k) {
    total += bond(at(std::ptrdiff_t(k))) * left_.back()[k] * spacing_;
  }
  log_z_ = log_scale + std::log(total);
}

double Phi4::local(double x) const {
  const double rise = 1 - x * x;
  return std::exp(-(well_ / 4 * rise * rise + field_ * x));
}

double Phi4::bond(double difference) const {
  return std::exp(-coupling_ / 2 * difference * difference);
}

/// exp(-energy) of all that is left of a site, integrated, as a function of that site at
/// at(first + k) + shift, over exp(log_scale_[site - 1]).
void Phi4::messages(std::size_t site, std::ptrdiff_t first, double shift,
                    std::span<double> out) const {
  const auto count = std::ptrdiff_t(out.size());
  if (site == 0) {
    for (std::ptrdiff_t k = 0; k < count; ++k) out[std::size_t(k)] = bond(at(first + k) + shift);
    return;
  }
  const std::vector<double>& left = left_[site - 1];
  std::vector<double> bonds(std::size_t(2 * band_ + 1));
  for (std::ptrdiff_t r = -band_; r <= band_; ++r) {
    bonds[std::size_t(r + band_)] = bond(spacing_ * double(r) + shift);
  }
  for (std::ptrdiff_t k = 0; k < count; ++k) {
    const std::ptrdiff_t here = first + k, begin = std::max<std::ptrdiff_t>(0, here - band_),
                         end = std::min(2 * half_ + 1, here + band_ + 1);
    double sum = 0;
    for (std::ptrdiff_t j = begin; j < end; ++j) {
      sum += bonds[std::size_t(here - j + band_)] * left[std::size_t(j)];
    }
    out[std::size_t(k)] = sum * spacing_;
  }
}

void Phi4::check_site(std::size_t site) const {
  if (site < sites_) return;
  throw std::invalid_argument("phi4: site " + std::to_string(site) + " of " +
                              std::to_string(sites_) + "; they are counted from 0");
}

double Phi4::density(std::size_t site, double x) const {
  check_site(site);
  const std::size_t mirror = sites_ - 1 - site;  // the chain is its own mirror image
  const double steps = std::floor(x / spacing_), shift = x - steps * spacing_;
  double density = local(x), log_scale = 0;
  for (const std::size_t side : {site, mirror}) {
    double message = 0;
    messages(side, std::ptrdiff_t(steps) + half_, shift, {&message, 1});
    density *= message;
    log_scale += side > 0 ? log_scale_[side - 1] : 0;
  }
  return density * std::exp(log_scale - log_z_);
}

double Phi4::expectation(std::size_t site, const std::function<double(double)>& f) const {
  check_site(site);
  double sum = 0;
  for (std::ptrdiff_t k = 0; k <= 2 * half_; ++k) sum += f(at(k)) * density(site, at(k)) * spacing_;
  return sum;
}

double Phi4::positive_weight(std::size_t site) const {
  check_site(site);
  // The density does not vanish at 0, so that an even grid would converge slowly.
  const double panel = 4 * spacing_;
  double sum = 0;
  for (std::size_t k = 0; double(k) * panel < at(2 * half_); ++k) {
    sum += boost::math::quadrature::gauss<double, 15>::integrate(
        [&](double x) { return density(site, x); }, double(k) * panel, double(k + 1) * panel);
  }
  return sum;
}

void Phi4::draw(ad::Draws& draws, std::span<double> x) const {
  std::vector<double> weights(std::size_t(2 * band_ + 1));
  double next = 0;  // what is right of the last site
  for (std::size_t i = sites_; i-- > 0;) {
    const double shift = draws.uniform() * spacing_;
    // Points around the next site; the bond to those further away is negligible.
    const auto first = std::ptrdiff_t(std::floor((next - shift) / spacing_)) + half_ - band_;
    messages(i, first, shift, weights);
    const auto point = [&](std::size_t k) { return at(first + std::ptrdiff_t(k)) + shift; };
    double total = 0;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      total += weights[k] *= local(point(k)) * bond(point(k) - next);
    }
    for (double& w : weights) w /= total;
    next = x[i] = point(pick(weights, draws.uniform()));
  }
}

void Phi4::sample(ad::View out, ad::Key key, std::uint32_t first) const {
  const Sampler rows = sample_rows(
      "phi4", sites_, [this](ad::Draws& draws, std::span<double> x) { draw(draws, x); });
  if (out.rows() == 0 || out.shape.rank() != 2) return rows(out, key, first);
  const ad::Blocks blocks{out.rows(), 64};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    rows(out.slice(blocks.first(b), blocks.size(b)), key, first + std::uint32_t(blocks.first(b)));
  });
}

}  // namespace eqp::mcmc
