#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <optional>

#include "mcmc/nuts.hpp"

// Trees against a recursion that keeps all points.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// x^2 / 2 + 2 (y - x^2 / 2)^2 + y / 4: curved and without symmetry in y.
ad::Var banana(ad::Var x) {
  const ad::Var a = ad::slice(x, 1, 0, 1), b = ad::slice(x, 1, 1, 2);
  return ad::reshape(0.5 * square(a) + 2.0 * square(b - 0.5 * square(a)) + 0.25 * b,
                     {x.shape()[0]});
}

/// A point of a trajectory, in double.
struct Point {
  double x, y, p, q;

  double energy() const {
    const double r = y - 0.5 * x * x;
    return 0.5 * x * x + 2 * r * r + 0.25 * y + 0.5 * (p * p + q * q);
  }
  Point kicked(double h) const {
    const double r = y - 0.5 * x * x;
    return {x, y, p - h * (x - 4 * r * x), q - h * (4 * r + 0.25)};
  }
  Point next(double h) const {
    const Point half = kicked(h / 2);
    return Point{half.x + h * half.p, half.y + h * half.q, half.p, half.q}.kicked(h / 2);
  }
};

using Points = std::vector<Point>;

bool along(const Point& a, const std::vector<Points>& pieces) {
  double dot = 0;
  for (const Points& piece : pieces) {
    for (const Point& b : piece) dot += a.p * b.p + a.q * b.q;
  }
  return dot > 0;
}

/// Stan's three criteria for two pieces that follow each other.
bool turn(const Points& a, const Points& b) {
  const auto goes_on = [](const Point& first, const Point& last, std::vector<Points> pieces) {
    return along(first, pieces) && along(last, pieces);
  };
  return !(goes_on(a.front(), b.back(), {a, b}) &&
           goes_on(a.front(), b.front(), {a, {b.front()}}) &&
           goes_on(a.back(), b.back(), {{a.back()}, b}));
}

/// The recursion of Hoffman & Gelman (2014), with all points kept.
struct Naive {
  double h, largest_energy;
  std::size_t max_depth;

  /// Appends the 2^depth points after `from` to `made`; they, unless the trajectory is to stop.
  std::optional<Points> build(const Point& from, double step, std::size_t depth,
                              Points& made) const {
    if (depth == 0) {
      made.push_back(from.next(step));
      if (!(made.back().energy() <= largest_energy)) return std::nullopt;
      return Points{made.back()};
    }
    auto a = build(from, step, depth - 1, made);
    if (!a) return a;
    const auto b = build(a->back(), step, depth - 1, made);
    if (!b || turn(*a, *b)) return std::nullopt;
    a->insert(a->end(), b->begin(), b->end());
    return a;
  }

  struct Result {
    Point sample;
    std::size_t leapfrogs, depth;
  };
  Result operator()(const Point& start, const ad::BlockRng& rng, std::size_t row) const {
    Result result{start, 0, 0};
    Points whole{start};  // backward end first
    double weight = 1;
    const auto uniform = [&](std::uint32_t use) {
      return rng.uniform(row, 3 * std::uint32_t(result.leapfrogs) + use);
    };
    while (result.depth < max_depth) {
      const bool forward = uniform(1) < 0.5;
      Points made;
      const auto added =
          build(forward ? whole.back() : whole.front(), forward ? h : -h, result.depth, made);
      double new_weight = 0;
      Point candidate = start;
      for (const Point& p : made) {
        ++result.leapfrogs;
        const double w = std::exp(start.energy() - p.energy());
        new_weight += w;
        if (uniform(0) < w / new_weight) candidate = p;
      }
      if (!added) break;
      if (uniform(2) < new_weight / weight) result.sample = candidate;
      weight += new_weight;
      ++result.depth;
      Points before = whole;
      if (!forward) std::ranges::reverse(before);
      const bool turned = turn(before, *added);
      whole.insert(forward ? whole.end() : whole.begin(), added->begin(), added->end());
      if (!forward) std::reverse(whole.begin(), whole.begin() + std::ptrdiff_t(added->size()));
      if (turned) break;
    }
    return result;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(no_u_turn_recursion)

BOOST_AUTO_TEST_CASE(trees_are_those_of_the_naive_recursion) {
  const std::size_t n = 37;
  for (const double h : {0.05, 0.2, 0.9}) {
    const Nuts kernel(banana, 2, {.step_size = h, .max_depth = 7});
    Nuts::State s = kernel.init(ad::normal({n, 2}, {.seed = 40}));
    std::size_t differ = 0, deepest = 0, diverged = 0;
    for (std::uint32_t t = 0; t < 30; ++t) {
      const ad::BlockRng rng{{.seed = 41}, t};
      ad::Tensor momentum({n, 2});
      rng.normal(momentum);
      const ad::Tensor before(s.x());
      kernel.step(s, rng);
      for (std::size_t i = 0; i < n; ++i) {
        const Point from{before(i, 0), before(i, 1), momentum(i, 0), momentum(i, 1)};
        const auto naive = Naive{Real(h), from.energy() + 1000, 7}(from, rng, i);
        const Transition& tree = s.transitions()[i];
        const double off = std::hypot(naive.sample.x - s.x()(i, 0), naive.sample.y - s.x()(i, 1));
        const double near = sizeof(Real) == 8 ? 1e-9 : 1e-3;
        differ += tree.leapfrogs != naive.leapfrogs || tree.depth != naive.depth || !(off < near);
        deepest = std::max<std::size_t>(deepest, tree.depth);
        diverged += tree.diverging;
        if (off < near) {
          BOOST_TEST(std::abs(tree.energy - naive.sample.energy()) < 100 * near);
        }
      }
    }
    // In single precision, rounding turns a choice now and then.
    BOOST_TEST(differ <= (sizeof(Real) == 8 ? 0u : 30 * n / 50), "step " << h << ": " << differ);
    BOOST_TEST(deepest >= (h == 0.05 ? 6u : h == 0.2 ? 4u : 2u));
    BOOST_TEST((diverged > 0) == (h == 0.9));
  }
}

BOOST_AUTO_TEST_SUITE_END()
