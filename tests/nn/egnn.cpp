#include "nn/egnn.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "autodiff/grad.hpp"
#include "tests/message.hpp"
#include "tests/nn/names.hpp"
#include "tests/nn/particles.hpp"

using namespace eqp;
using namespace eqp::nn::test;
using eqp::test::message;
using nn::PairGeometry;

namespace {

constexpr PairGeometry kGeometries[] = {PairGeometry::euclidean, PairGeometry::nearest_image,
                                        PairGeometry::smooth_periodic};

// How i sees j by the formulas of the geometry: a direction, and a squared distance.
struct Seen {
  Vector direction;
  double squared = 0;
};

Seen see(PairGeometry geometry, double box, const Vector& from, const Vector& to) {
  constexpr double pi = std::numbers::pi;
  Seen seen;
  for (std::size_t a = 0; a < from.size(); ++a) {
    double d = to[a] - from[a];
    if (geometry == PairGeometry::smooth_periodic) {
      seen.squared += box * box / (2 * pi * pi) * (1 - std::cos(2 * pi * d / box));
      d = box / (2 * pi) * std::sin(2 * pi * d / box);
    } else {
      if (geometry == PairGeometry::nearest_image) d -= box * std::nearbyint(d / box);
      seen.squared += d * d;
    }
    seen.direction.push_back(d);
  }
  return seen;
}

// The network by the book, pair by pair.
Vector naive(const Layers& layers, const nn::EgnnOptions& o, double t, const Vector& row) {
  const std::size_t n = o.species.size(), kinds = 1 + std::ranges::max(o.species);
  std::vector<Vector> start(n), x, h(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t a = 0; a < o.dim; ++a) start[i].push_back(row[i * o.dim + a]);
    Vector features{t};
    for (std::size_t s = 0; kinds > 1 && s < kinds; ++s) features.push_back(o.species[i] == s);
    h[i] = layers.linear("egnn.embedding", features);
  }
  x = start;
  for (std::size_t l = 0; l < o.layers; ++l) {
    const std::string name = "egnn.gcl_" + std::to_string(l);
    std::vector<Vector> next_x = x, next_h = h;
    for (std::size_t i = 0; i < n; ++i) {
      Vector total(o.width);
      for (std::size_t j = 0; j < n; ++j) {
        if (j == i) continue;
        const Seen seen = see(o.geometry, o.box, x[j], x[i]);
        const double initial = see(o.geometry, o.box, start[j], start[i]).squared;
        Vector m = joined(joined(h[i], h[j]), {seen.squared, initial});
        m = each(silu, layers.mlp(name + ".edge_mlp", silu, m));
        const double gate = sigmoid(layers.linear(name + ".att_mlp.0", m)[0]);
        for (double& v : m) v *= gate;
        total = total + m;
        const double pull = std::tanh(layers.mlp(name + ".coord_mlp", silu, m)[0]);
        for (std::size_t a = 0; a < o.dim; ++a) {
          next_x[i][a] += seen.direction[a] / (std::sqrt(seen.squared + 1e-8) + 1) * pull *
                          (15.0 / double(o.layers));
        }
      }
      next_h[i] = h[i] + layers.mlp(name + ".node_mlp", silu, joined(h[i], total));
    }
    x = next_x;
    h = next_h;
  }
  Vector velocity;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t a = 0; a < o.dim; ++a) {
      double v = x[i][a] - start[i][a];
      if (o.geometry == PairGeometry::nearest_image) {
        // Positions are kept in the box.
        const double inside = x[i][a] - o.box * std::floor(x[i][a] / o.box);
        v = inside - start[i][a];
        v -= o.box * std::nearbyint(v / o.box);
      }
      if (o.geometry == PairGeometry::euclidean) {
        for (std::size_t j = 0; j < n; ++j) v -= (x[j][a] - start[j][a]) / double(n);
      }
      velocity.push_back(v);
    }
  }
  return velocity;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(egnn)

BOOST_AUTO_TEST_CASE(there_are_as_many_parameters_as_published) {
  const auto count = [](std::size_t width, std::size_t layers) {
    ad::Params params;
    const nn::Egnn net(params, "egnn", {.species = {0, 1}, .width = width, .layers = layers}, {});
    return params.size();
  };
  BOOST_TEST(count(32, 3) == 22598u);
  BOOST_TEST(count(64, 4) == 117447u);
  BOOST_TEST(count(128, 5) == 580104u);
}

BOOST_AUTO_TEST_CASE(parameters_have_the_published_names) {
  ad::Params params;
  const nn::Egnn net(params, "egnn", {.species = {0, 1, 2}, .width = 4, .layers = 1}, {});
  const std::vector<std::string> expected = {
      "egnn.embedding.weight (4, 4)",         "egnn.embedding.bias (4)",
      "egnn.embedding_out.weight (4, 4)",     "egnn.embedding_out.bias (4)",
      "egnn.gcl_0.edge_mlp.0.weight (4, 10)", "egnn.gcl_0.edge_mlp.0.bias (4)",
      "egnn.gcl_0.edge_mlp.2.weight (4, 4)",  "egnn.gcl_0.edge_mlp.2.bias (4)",
      "egnn.gcl_0.node_mlp.0.weight (4, 8)",  "egnn.gcl_0.node_mlp.0.bias (4)",
      "egnn.gcl_0.node_mlp.2.weight (4, 4)",  "egnn.gcl_0.node_mlp.2.bias (4)",
      "egnn.gcl_0.coord_mlp.0.weight (4, 4)", "egnn.gcl_0.coord_mlp.0.bias (4)",
      "egnn.gcl_0.coord_mlp.2.weight (1, 4)", "egnn.gcl_0.att_mlp.0.weight (1, 4)",
      "egnn.gcl_0.att_mlp.0.bias (1)"};
  BOOST_TEST(names(params) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(values_equal_a_naive_loop_over_pairs) {
  for (const PairGeometry geometry : kGeometries) {
    for (const std::vector<std::size_t>& species :
         std::vector<std::vector<std::size_t>>{{0, 1, 1, 0}, {0, 0, 0}, {2, 0}}) {
      for (const std::size_t dim : {1, 2, 3}) {
        const nn::EgnnOptions options{.species = species,
                                      .dim = dim,
                                      .geometry = geometry,
                                      .box = kBox,
                                      .width = 8,
                                      .layers = 3};
        const Model model(options);
        const ad::Tensor t = ad::uniform({6}, {4, 0}), x = positions(6, options);
        const ad::Tensor v = model(t, x);
        double largest = 0;
        for (std::size_t i = 0; i < 6; ++i) {
          const Vector expected = naive(Layers(model.params), options, t[i], doubles(x.row(i)));
          for (std::size_t k = 0; k < expected.size(); ++k) {
            BOOST_TEST(std::abs(v(i, k) - expected[k]) < kVelocityTolerance);
            largest = std::max(largest, std::abs(expected[k]));
          }
        }
        BOOST_TEST(largest > 0.05);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(it_begins_near_zero) {
  for (const PairGeometry geometry : kGeometries) {
    ad::Params params;
    nn::EgnnOptions options = particles(geometry);
    options.width = 32;
    const nn::Egnn net(params, "egnn", options, {1, 0});
    const ad::Tensor v = ad::evaluate([&](auto in) { return ad::Vars{net(in[0], in[1])}; },
                                      {ad::uniform({20}, {4, 0}), positions(20, options)})[0];
    // Per layer and pair at most 7.5 tanh(1e-3 sum of 32 units of order 0.1).
    for (Real u : v.flat()) BOOST_TEST(std::abs(u) < 0.05);
    BOOST_TEST(std::ranges::any_of(v.flat(), [](Real u) { return u != 0; }));
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_finite_and_reach_every_parameter_that_counts) {
  for (const PairGeometry geometry : kGeometries) {
    const Model model(particles(geometry));
    const auto g = ad::evaluate(
        [&](auto in) {
          const ad::Var loss = sum(square(model.net(in[0], in[1])));
          return ad::Vars{ad::grad(loss, model.params), ad::grad(loss, in[1])};
        },
        {ad::uniform({6}, {4, 0}), positions(6, model.options)});
    for (Real v : g[1].flat()) BOOST_TEST((std::isfinite(v) && v != 0));
    for (const auto& e : model.params.entries()) {
      const bool unused =
          e.name.starts_with("egnn.embedding_out") || e.name.starts_with("egnn.gcl_1.node_mlp");
      for (Real v : g[0].flat().subspan(e.offset, e.shape.size())) {
        BOOST_TEST(std::isfinite(v));
        BOOST_TEST((v == 0) == unused, e.name);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(two_particles_at_one_place_have_finite_gradients) {
  for (const PairGeometry geometry : kGeometries) {
    const Model model(particles(geometry));
    ad::Tensor x = positions(1, model.options);
    x[2] = x[0], x[3] = x[1];
    const auto g = ad::evaluate(
        [&](auto in) {
          const ad::Var v = model.net(in[0], in[1]);
          return ad::Vars{v, ad::grad(v, in[1]), ad::grad(v, model.params)};
        },
        {ad::uniform({1}, {4, 0}), x});
    for (const ad::Tensor& values : g) {
      for (Real v : values.flat()) BOOST_TEST(std::isfinite(v));
    }
  }
}

BOOST_AUTO_TEST_CASE(impossible_options_are_refused_in_one_line) {
  ad::Params params;
  const auto build = [&](const nn::EgnnOptions& options) {
    return message([&] { nn::Egnn(params, "e", options, {1, 0}); });
  };
  BOOST_TEST(build({}) == "egnn \"e\": species of 0 particles; need at least 2");
  BOOST_TEST(build({.species = {0}}) == "egnn \"e\": species of 1 particles; need at least 2");
  BOOST_TEST(build({.species = {0, 1}, .layers = 0}) ==
             "egnn \"e\": dim 2, width 32, 0 layers; need at least 1 of each");
  const std::string box = "; need a finite number above 0";
  BOOST_TEST(build({.species = {0, 1}, .box = 0}) == "egnn \"e\": box 0.000000" + box);
  BOOST_TEST(build({.species = {0, 1}, .box = std::numeric_limits<double>::quiet_NaN()}) ==
             "egnn \"e\": box nan" + box);
  BOOST_TEST(params.size() == 0u);

  const nn::Egnn net(params, "e", {.species = {0, 1}}, {1, 0});
  ad::Tape tape;
  BOOST_TEST(message([&] {
               net(tape.input({3}), tape.input({3, 5}));
             }) == "egnn \"e\": t (3), x (3, 5); need (n) and (n, 4)");
  BOOST_TEST(message([&] {
               net(tape.input({2}), tape.input({3, 4}));
             }) == "egnn \"e\": t (2), x (3, 4); need (n) and (n, 4)");
}

BOOST_AUTO_TEST_SUITE_END()
