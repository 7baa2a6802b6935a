#include <boost/test/unit_test.hpp>

#include "tests/nn/particles.hpp"

// The symmetries that the network has by construction: b(t, g x) = g b(t, x).
using namespace eqp;
using namespace eqp::nn::test;
using nn::PairGeometry;

namespace {

constexpr std::size_t kRows = 4;
constexpr PairGeometry kTorus[] = {PairGeometry::nearest_image, PairGeometry::smooth_periodic};
constexpr PairGeometry kAll[] = {PairGeometry::euclidean, PairGeometry::nearest_image,
                                 PairGeometry::smooth_periodic};

using Map = std::function<Vector(const Vector& row)>;

ad::Tensor mapped(const ad::Tensor& x, const Map& map) {
  ad::Tensor y(x.shape());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const Vector row = map(doubles(x.row(i)));
    for (std::size_t k = 0; k < row.size(); ++k) y(i, k) = Real(row[k]);
  }
  return y;
}

// The velocity at moved positions is the velocity at the first ones, itself moved.
void check(const Model& model, const Map& positions_map, const Map& velocities_map) {
  const ad::Tensor t = ad::uniform({kRows}, {4, 0}), x = positions(kRows, model.options);
  const ad::Tensor expected = mapped(model(t, x), velocities_map);
  const ad::Tensor v = model(t, mapped(x, positions_map));
  for (std::size_t i = 0; i < v.size(); ++i) {
    BOOST_TEST(std::abs(v[i] - expected[i]) < kVelocityTolerance);
  }
}

const Map kSame = [](const Vector& row) { return row; };

// Particle i of the result is particle order[i].
Map permuted(const std::vector<std::size_t>& order, std::size_t dim) {
  return [=](const Vector& row) {
    Vector result;
    for (std::size_t i : order) {
      for (std::size_t a = 0; a < dim; ++a) result.push_back(row[i * dim + a]);
    }
    return result;
  };
}

// x_i <- m x_i
Map turned(const std::vector<Vector>& m) {
  return [=](const Vector& row) {
    Vector result(row.size());
    const std::size_t dim = m.size();
    for (std::size_t k = 0; k < row.size(); ++k) {
      for (std::size_t a = 0; a < dim; ++a) result[k] += m[k % dim][a] * row[k - k % dim + a];
    }
    return result;
  };
}

// Rows of normals made orthonormal one after another (Gram & Schmidt): uniform over rotations and
// reflections.
std::vector<Vector> random_orthogonal(std::size_t dim, ad::Key key) {
  ad::Draws draws(key);
  std::vector<Vector> m;
  for (std::size_t k = 0; k < dim; ++k) {
    Vector row(dim);
    for (double& v : row) v = draws.normal();
    for (const Vector& done : m) {
      double inner = 0;
      for (std::size_t a = 0; a < dim; ++a) inner += row[a] * done[a];
      for (std::size_t a = 0; a < dim; ++a) row[a] -= inner * done[a];
    }
    double norm = 0;
    for (double v : row) norm += v * v;
    for (double& v : row) v /= std::sqrt(norm);
    m.push_back(row);
  }
  return m;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(egnn_symmetry)

BOOST_AUTO_TEST_CASE(translations_change_nothing) {
  for (const PairGeometry geometry : kAll) {
    const Model model(particles(geometry));
    const auto shift = [](const Vector& row) {
      Vector moved = row;
      for (std::size_t k = 0; k < row.size(); ++k) moved[k] += k % 2 == 0 ? 0.83 : -1.4;
      return moved;
    };
    check(model, shift, kSame);
  }
}

BOOST_AUTO_TEST_CASE(boxes_further_on_are_the_same_place) {
  for (const PairGeometry geometry : kTorus) {
    const Model model(particles(geometry));
    const auto shift = [](const Vector& row) {
      Vector moved = row;
      for (std::size_t k = 0; k < row.size(); ++k) moved[k] += kBox * (double(k * 7 % 5) - 2);
      return moved;
    };
    check(model, shift, kSame);
  }
}

BOOST_AUTO_TEST_CASE(particles_of_a_species_may_change_places) {
  for (const PairGeometry geometry : kAll) {
    const Model model(particles(geometry));
    const Map map = permuted({1, 0, 4, 2, 3}, 2);
    check(model, map, map);
  }
}

BOOST_AUTO_TEST_CASE(particles_of_different_species_may_not) {
  const Model model(particles(PairGeometry::smooth_periodic));
  const ad::Tensor t = ad::uniform({1}, {4, 0}), x = positions(1, model.options);
  const Map map = permuted({2, 1, 0, 3, 4}, 2);
  const ad::Tensor a = mapped(model(t, x), map), b = model(t, mapped(x, map));
  for (std::size_t i = 0; i < a.size(); ++i) BOOST_TEST(std::abs(a[i] - b[i]) > 1e-3);
}

BOOST_AUTO_TEST_CASE(axes_may_be_swapped_and_turned_around) {
  const std::vector<Vector> quarter_turn{{0, -1}, {1, 0}}, swap{{0, 1}, {1, 0}},
      mirror{{-1, 0}, {0, 1}}, in_space{{0, 0, -1}, {1, 0, 0}, {0, 1, 0}};
  for (const PairGeometry geometry : kAll) {
    for (const auto& m : {quarter_turn, swap, mirror, in_space}) {
      check(Model(particles(geometry, m.size())), turned(m), turned(m));
    }
  }
}

BOOST_AUTO_TEST_CASE(space_may_be_turned_by_any_angle) {
  for (const std::size_t dim : {2, 3}) {
    const Model model(particles(PairGeometry::euclidean, dim));
    for (std::uint32_t k = 0; k < 4; ++k) {
      const Map turn = turned(random_orthogonal(dim, {8, k}));
      check(model, turn, turn);
    }
  }
}

BOOST_AUTO_TEST_CASE(in_space_the_mean_velocity_is_zero) {
  const Model model(particles(PairGeometry::euclidean));
  const ad::Tensor v = model(ad::uniform({kRows}, {4, 0}), positions(kRows, model.options));
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t a = 0; a < 2; ++a) {
      double mean = 0;
      for (std::size_t j = 0; j < 5; ++j) mean += v(i, 2 * j + a) / 5;
      BOOST_TEST(std::abs(mean) < kVelocityTolerance);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
