#include <boost/test/unit_test.hpp>
#include <functional>

#include "autodiff/grad.hpp"
#include "tests/flows/numerics.hpp"
#include "tests/nn/particles.hpp"

// Where two particles are half a box apart along an axis, the shortest way from one to the other
// changes sides. There the published field jumps, and the change of density along its flow is no
// longer the integral of its divergence; the smooth one has no such place.
using namespace eqp;
using namespace eqp::nn::test;
using nn::PairGeometry;

namespace {

// Three particles on a circle: enough for one to be carried across the cut locus of another.
constexpr std::size_t kDim = 3;
nn::EgnnOptions circle(PairGeometry geometry) {
  return {
      .species = {0, 1, 2}, .dim = 1, .geometry = geometry, .box = kBox, .width = 8, .layers = 1};
}

// Where a row's particles stand to each other: it changes when a pair crosses the cut locus.
std::vector<long> sides(std::span<const Real> x) {
  std::vector<long> result;
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t j = 0; j < i; ++j) result.push_back(std::lround((x[i] - x[j]) / kBox));
  }
  return result;
}

struct Flow {
  ad::Tensor x;    // after unit time
  Vector log_det;  // of the flow map, by the divergence
  std::vector<bool> crossed;
};

// All rows of x for unit time, with the integral of the divergence, by Runge & Kutta's method of
// order 4.
Flow flow(const Model& model, const ad::Tensor& start, std::size_t steps) {
  const std::size_t n = start.rows();
  ad::Workspace ws = ad::compile({{n}, start.shape()}, [&](auto in) {
                       const ad::Var v = model.net(in[0], in[1]);
                       return ad::Vars{v, ad::divergence(v, in[1])};
                     }).workspace();
  Flow f{start, Vector(n), std::vector<bool>(n)};
  const double h = 1 / double(steps);
  for (std::size_t k = 0; k < steps; ++k) {
    Vector dx(start.size()), total(start.size());
    constexpr double at[] = {0, 0.5, 0.5, 1}, weight[] = {1, 2, 2, 1};
    for (std::size_t s = 0; s < 4; ++s) {
      std::ranges::fill(ws.in(0).flat(), Real(h * (double(k) + at[s])));
      for (std::size_t i = 0; i < dx.size(); ++i) ws.in(1)[i] = Real(f.x[i] + h * at[s] * dx[i]);
      ws.run();
      for (std::size_t i = 0; i < dx.size(); ++i) {
        dx[i] = ws.out(0)[i];
        total[i] += weight[s] * dx[i] / 6;
      }
      for (std::size_t i = 0; i < n; ++i) f.log_det[i] += h * weight[s] * ws.out(1)[i] / 6;
    }
    for (std::size_t i = 0; i < dx.size(); ++i) f.x[i] += Real(h * total[i]);
    for (std::size_t i = 0; i < n; ++i) {
      if (sides(f.x.row(i)) != sides(start.row(i))) f.crossed[i] = true;
    }
  }
  return f;
}

// By how much the integral of the divergence misses the logarithm of the flow map's determinant,
// by central differences of width `step`, for starts whose flow crosses a cut locus, and for those
// that stay away from it with all their neighbours.
struct Errors {
  Vector crossing, away;
};

Errors errors(const Model& model, double step, std::size_t steps) {
  constexpr std::size_t kStarts = 24, kRows = 2 * kDim + 1;
  const ad::Tensor middle = positions(kStarts, model.options);
  ad::Tensor x({kStarts * kRows, kDim});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    std::ranges::copy(middle.row(i / kRows), x.row(i).begin());
    const std::size_t k = i % kRows;
    if (k > 0) x(i, (k - 1) / 2) += Real(k % 2 == 1 ? step : -step);
  }
  const Flow f = flow(model, x, steps);
  Errors result;
  for (std::size_t s = 0; s < kStarts; ++s) {
    const std::size_t row = s * kRows;
    std::vector<Vector> jacobian(kDim, Vector(kDim));
    for (std::size_t a = 0; a < kDim; ++a) {
      for (std::size_t b = 0; b < kDim; ++b) {
        jacobian[b][a] = (f.x(row + 1 + 2 * a, b) - f.x(row + 2 + 2 * a, b)) / (2 * step);
      }
    }
    const double error = std::abs(flows::test::log_abs_det(jacobian) - f.log_det[row]);
    const auto rows = f.crossed.begin() + std::ptrdiff_t(row);
    if (f.crossed[row]) result.crossing.push_back(error);
    if (std::none_of(rows, rows + kRows, std::identity())) result.away.push_back(error);
  }
  return result;
}

double largest(const Vector& v) { return *std::ranges::max_element(v); }

}  // namespace

BOOST_AUTO_TEST_SUITE(egnn_cut_locus)

BOOST_AUTO_TEST_CASE(the_published_field_jumps_there_and_the_smooth_one_does_not) {
  constexpr double kStep = 1e-3;
  const auto jump = [&](PairGeometry geometry) {
    const Model model(particles(geometry));
    ad::Tensor x = positions(2, model.options);
    std::ranges::copy(x.row(0), x.row(1).begin());
    for (const std::size_t row : {0, 1}) {
      x(row, 2) = Real(x(row, 0) + kBox / 2 + (row == 0 ? kStep : -kStep));
    }
    ad::Tensor t({2});
    std::ranges::fill(t.flat(), Real(0.5));
    const ad::Tensor v = model(t, x);
    double largest = 0;
    for (std::size_t k = 0; k < v.cols(); ++k) {
      largest = std::max(largest, std::abs(double(v(0, k)) - v(1, k)));
    }
    return largest;
  };
  // The slope of the smooth field is of order 1.
  BOOST_TEST(jump(PairGeometry::smooth_periodic) < 20 * kStep);
  BOOST_TEST(jump(PairGeometry::nearest_image) > 0.1);
}

BOOST_AUTO_TEST_CASE(the_divergence_gives_the_density_of_the_smooth_flow_everywhere) {
  if (sizeof(Real) != 8) return;  // differences of a flow need the digits
  const Errors e = errors(Model(circle(PairGeometry::smooth_periodic)), 1e-4, 200);
  BOOST_TEST(e.crossing.size() >= 3u);
  BOOST_TEST(e.away.size() >= 3u);
  BOOST_TEST(largest(e.crossing) < 1e-5);
  BOOST_TEST(largest(e.away) < 1e-5);
}

BOOST_AUTO_TEST_SUITE_END()
