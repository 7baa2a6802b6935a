#include "train/metrics/wasserstein.hpp"

#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "autodiff/parallel.hpp"

namespace eqp::train {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMaxPairs = 100'000'000;

void check_samples(const char* who, ad::ConstView x, ad::ConstView y) {
  if (x.shape.rank() != 2 || y.shape.rank() != 2 || x.size() == 0 || y.size() == 0 ||
      x.cols() != y.cols()) {
    throw std::invalid_argument(std::string(who) + ": samples " + str(x.shape) + " and " +
                                str(y.shape) + "; need (n, d) and (m, d), not empty");
  }
}

bool finite(ad::ConstView x) {
  return std::ranges::all_of(x.flat(), [](Real v) { return std::isfinite(v); });
}

/// |x_i - y_j|^power, (n, m).
std::vector<double> pair_costs(ad::ConstView x, ad::ConstView y, int power) {
  std::vector<double> costs(x.rows() * y.rows());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < y.rows(); ++j) {
      double square = 0;
      for (std::size_t k = 0; k < x.cols(); ++k) {
        const double d = static_cast<double>(x(i, k)) - static_cast<double>(y(j, k));
        square += d * d;
      }
      costs[i * y.rows() + j] = power == 1 ? std::sqrt(square) : square;
    }
  }
  return costs;
}

/// The smallest mean cost of a plan between n and m points of equal weight.
///
/// Of LEMON's choices these were the fastest at n = 1000 (8 Gaussians): block search, arcs in the
/// order of the sources. Integer costs of 40 bits leave room in 64 for the sums along a path
/// through all nodes.
double transport(const std::vector<double>& costs, std::size_t n, std::size_t m) {
  const double largest = std::ranges::max(costs);
  if (largest == 0) return 0;
  using Graph = lemon::StaticDigraph;
  Graph graph;
  {
    std::vector<std::pair<int, int>> arcs(n * m);
    for (std::size_t a = 0; a < arcs.size(); ++a)
      arcs[a] = {static_cast<int>(a / m), static_cast<int>(n + a % m)};
    graph.build(static_cast<int>(n + m), arcs.begin(), arcs.end());
  }
  Graph::ArcMap<std::int64_t> integer_costs(graph);
  for (std::size_t a = 0; a < costs.size(); ++a) {
    integer_costs[Graph::arc(static_cast<int>(a))] =
        std::llround(std::ldexp(costs[a] / largest, 40));
  }
  // Weights 1/n and 1/m as integers: each source supplies m/g units, each sink takes n/g.
  const std::size_t g = std::gcd(n, m);
  Graph::NodeMap<int> supply(graph);
  for (std::size_t v = 0; v < n + m; ++v) {
    supply[Graph::node(static_cast<int>(v))] =
        v < n ? static_cast<int>(m / g) : -static_cast<int>(n / g);
  }
  const bool mixed_arcs = false;
  lemon::NetworkSimplex<Graph, int, std::int64_t> simplex(graph, mixed_arcs);
  simplex.costMap(integer_costs).supplyMap(supply);
  if (simplex.run() != simplex.OPTIMAL)
    throw std::logic_error("transport: the network simplex found no optimum");
  double total = 0;
  for (std::size_t a = 0; a < costs.size(); ++a)
    total += costs[a] * simplex.flow(Graph::arc(static_cast<int>(a)));
  return total / static_cast<double>(n * (m / g));
}

double mean_cost(const char* who, ad::ConstView x, ad::ConstView y, int power) {
  check_samples(who, x, y);
  if (x.rows() > kMaxPairs / y.rows()) {
    throw std::invalid_argument(std::string(who) + ": samples " + str(x.shape) + " and " +
                                str(y.shape) + "; need at most 10^8 pairs, use sliced_w2");
  }
  if (!finite(x) || !finite(y)) return kNan;
  return transport(pair_costs(x, y, power), x.rows(), y.rows());
}

/// Direction number k of `count` in d dimensions.
std::vector<double> direction(std::size_t d, std::size_t k, std::size_t count, ad::Key key) {
  if (d == 2) {
    const double angle =
        std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(count);
    return {std::cos(angle), std::sin(angle)};
  }
  if (d == 1) return {1};
  ad::Draws draws(key, static_cast<std::uint32_t>(k));
  std::vector<double> u(d);
  double square = 0;
  for (double& v : u) {
    v = draws.normal();
    square += v * v;
  }
  for (double& v : u) v /= std::sqrt(square);
  return u;
}

std::vector<double> sorted_projection(ad::ConstView x, const std::vector<double>& u) {
  std::vector<double> p(x.rows());
  for (std::size_t i = 0; i < p.size(); ++i) {
    for (std::size_t k = 0; k < u.size(); ++k) p[i] += static_cast<double>(x(i, k)) * u[k];
  }
  std::ranges::sort(p);
  return p;
}

}  // namespace

double w1(ad::ConstView x, ad::ConstView y) { return mean_cost("w1", x, y, 1); }

double w2(ad::ConstView x, ad::ConstView y) { return std::sqrt(mean_cost("w2", x, y, 2)); }

double sliced_w2(ad::ConstView x, ad::ConstView y, const Slices& slices) {
  check_samples("sliced_w2", x, y);
  if (x.rows() != y.rows() || slices.directions == 0) {
    throw std::invalid_argument("sliced_w2: samples " + str(x.shape) + " and " + str(y.shape) +
                                ", " + std::to_string(slices.directions) +
                                " directions; need equal sizes and at least 1");
  }
  if (!finite(x) || !finite(y)) return kNan;
  std::vector<double> squares(slices.directions);
  ad::parallel_for(slices.directions, [&](std::size_t k) {
    const std::vector<double> u = direction(x.cols(), k, slices.directions, slices.key);
    const std::vector<double> a = sorted_projection(x, u), b = sorted_projection(y, u);
    for (std::size_t i = 0; i < a.size(); ++i) squares[k] += (a[i] - b[i]) * (a[i] - b[i]);
  });
  const double total = std::accumulate(squares.begin(), squares.end(), 0.0);
  return std::sqrt(total / static_cast<double>(x.rows() * slices.directions));
}

Floor sampling_floor(const std::function<double(ad::ConstView, ad::ConstView)>& distance,
                     const std::function<ad::Tensor(std::size_t k)>& sample,
                     std::size_t repetitions) {
  if (repetitions < 2) {
    throw std::invalid_argument("sampling_floor: " + std::to_string(repetitions) +
                                " repetitions; need at least 2");
  }
  std::vector<double> distances(repetitions);
  ad::parallel_for(repetitions, [&](std::size_t i) {
    distances[i] = distance(sample(2 * i), sample(2 * i + 1));
  });
  const double count = static_cast<double>(repetitions);
  const double mean = std::accumulate(distances.begin(), distances.end(), 0.0) / count;
  double spread = 0;
  for (const double d : distances) spread += (d - mean) * (d - mean);
  return {mean, std::sqrt(spread / (count - 1))};
}

}  // namespace eqp::train
