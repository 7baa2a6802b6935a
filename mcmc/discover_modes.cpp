#include "mcmc/discover_modes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "mcmc/medoids.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {
namespace {

constexpr std::size_t kSegment = 32;  // energies on a line at a time

void check(ad::ConstView draws, const DiscoverOptions& options) {
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("discover_modes: " + what);
  };
  if (draws.shape.rank() != 3 || draws.size() == 0) {
    fail("draws " + str(draws.shape) + "; need (chains, draws, d), none of them 0");
  }
  if (options.points == 0 || options.medoids == 0 || !(options.barrier > 0)) {
    fail(std::to_string(options.points) + " points, " + std::to_string(options.medoids) +
         " medoids, a barrier of " + std::to_string(options.barrier) + "; need all above 0");
  }
}

/// Of every chain, draws at equal distances that end with the last; at least one, so that chains
/// make more points than asked for where they are more.
ad::Tensor some_draws(ad::ConstView draws, std::size_t points) {
  const std::size_t chains = draws.shape[0], n = draws.shape[1], d = draws.shape[2];
  const std::size_t each = std::clamp<std::size_t>(points / chains, 1, n);
  ad::Tensor x({chains * each, d});
  for (std::size_t c = 0; c < chains; ++c) {
    for (std::size_t k = 0; k < each; ++k) {
      const std::size_t t = (k + 1) * n / each - 1;
      std::ranges::copy(draws.row(c).subspan(t * d, d), x.row(c * each + k).begin());
    }
  }
  const auto bad = std::ranges::find_if(x.flat(), [](Real v) { return !std::isfinite(v); });
  if (bad == x.flat().end()) return x;
  const std::size_t chain = std::size_t(bad - x.flat().begin()) / (each * d);
  throw std::invalid_argument("discover_modes: chain " + std::to_string(chain) +
                              " has draws that are not finite; need finite ones");
}

/// Moves the rows of x down the energy, each as far as its own step size lets it go; returns their
/// energies.
std::vector<double> descend(const Energy& energy, ad::Tensor& x, std::uint32_t steps) {
  const std::size_t n = x.rows(), d = x.cols();
  ad::Workspace at = value_and_grad(energy, d).workspace(n);
  std::vector<double> u(n), h(n, 1.0);
  ad::Tensor gradient({n, d}), proposed = x;
  for (std::uint32_t t = 0; t <= steps; ++t) {
    evaluate(at, proposed);
    for (std::size_t i = 0; i < n; ++i) {
      const double v = proper_energy(double(at.out(0)[i]));
      const bool better = t == 0 || v < u[i];
      // Doubled on success and quartered on failure, it stays near the largest that goes down.
      if (t > 0) h[i] *= better ? 2 : 0.25;
      if (better) {
        u[i] = v;
        std::ranges::copy(proposed.row(i), x.row(i).begin());
        std::ranges::copy(at.out(1).row(i), gradient.row(i).begin());
      }
      for (std::size_t j = 0; j < d; ++j) {
        proposed(i, j) = static_cast<Real>(double(x(i, j)) - h[i] * double(gradient(i, j)));
      }
    }
  }
  return u;
}

/// The largest energy on the line from a to b; +infinity if it is not finite somewhere.
double ridge(ad::Workspace& at, std::span<const Real> a, std::span<const Real> b) {
  double low = 0, high = 1, largest = -std::numeric_limits<double>::infinity();
  for (int round = 0; round < 2; ++round) {
    const double step = (high - low) / double(kSegment - 1);
    const ad::View x = at.in(0);
    for (std::size_t k = 0; k < kSegment; ++k) {
      const double s = low + step * double(k);
      for (std::size_t j = 0; j < a.size(); ++j) {
        x(k, j) = static_cast<Real>((1 - s) * double(a[j]) + s * double(b[j]));
      }
    }
    at.run();
    std::size_t top = 0;
    for (std::size_t k = 0; k < kSegment; ++k) {
      const double u = proper_energy(double(at.out(0)[k]));
      if (u <= largest) continue;
      largest = u;
      top = k;
    }
    const double peak = low + step * double(top);
    low = std::max(0.0, peak - step);
    high = std::min(1.0, peak + step);
  }
  return largest;
}

/// connected[i * n + j], j < i: no barrier on the line between rows i and j of x.
std::vector<std::uint8_t> connections(const Energy& energy, ad::ConstView x,
                                      const std::vector<double>& u, double barrier) {
  const std::size_t n = x.rows();
  const ad::Batched energies = value(energy, x.cols());
  std::vector<std::uint8_t> connected(n * n);
  ad::parallel_for(n, [&](std::size_t i) {
    ad::Workspace at = energies.workspace(kSegment);
    for (std::size_t j = 0; j < i; ++j) {
      connected[i * n + j] = ridge(at, x.row(i), x.row(j)) <= std::max(u[i], u[j]) + barrier;
    }
  });
  return connected;
}

}  // namespace

Labelling DiscoveredModes::labelling() const {
  return [nearest = nearest_centre(centres), mode = modes](std::span<const Real> x) {
    return mode[nearest(x)];
  };
}

DiscoveredModes discover_modes(const Energy& energy, ad::ConstView draws,
                               const DiscoverOptions& options) {
  check(draws, options);
  const ad::Tensor points = some_draws(draws, options.points);
  const std::vector<std::size_t> chosen = medoids(points, options.medoids);
  const std::size_t n = chosen.size();
  ad::Tensor x({n, points.cols()});
  for (std::size_t i = 0; i < n; ++i) {
    std::ranges::copy(points.row(chosen[i]), x.row(i).begin());
  }
  const std::vector<double> u = descend(energy, x, options.descent);
  const std::vector<std::uint8_t> connected = connections(energy, x, u, options.barrier);
  std::vector<std::size_t> group(n);
  std::iota(group.begin(), group.end(), std::size_t(0));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (connected[i * n + j])
        std::ranges::replace(group, std::size_t(group[i]), std::size_t(group[j]));
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return u[i]; });
  DiscoveredModes found{std::move(x), std::vector<std::uint32_t>(n), 0};
  std::vector<std::size_t> groups;  // in the order of their lowest energies
  for (const std::size_t i : order) {
    const auto at = std::ranges::find(groups, group[i]);
    found.modes[i] = static_cast<std::uint32_t>(at - groups.begin());
    if (at == groups.end()) groups.push_back(group[i]);
  }
  found.count = groups.size();
  return found;
}

}  // namespace eqp::mcmc
