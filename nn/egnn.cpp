#include "nn/egnn.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "nn/embedding.hpp"

namespace eqp::nn {
namespace {

// As published: the bound on all layers' pulls of a pair together, and what keeps the derivative of
// a distance finite at 0.
constexpr double kCoordsRange = 15, kTiny = 1e-8;

const EgnnOptions& checked(const std::string& name, const EgnnOptions& options) {
  const auto fail = [&](const std::string& why) {
    throw std::invalid_argument("egnn \"" + name + "\": " + why);
  };
  if (options.species.size() < 2) {
    fail("species of " + std::to_string(options.species.size()) + " particles; need at least 2");
  }
  if (options.dim == 0 || options.width == 0 || options.layers == 0) {
    fail("dim " + std::to_string(options.dim) + ", width " + std::to_string(options.width) + ", " +
         std::to_string(options.layers) + " layers; need at least 1 of each");
  }
  const bool torus = options.geometry != PairGeometry::euclidean;
  if (torus && !(options.box > 0 && std::isfinite(options.box))) {
    fail("box " + std::to_string(options.box) + "; need a finite number above 0");
  }
  return options;
}

ad::Tensor one_hot(const std::vector<std::size_t>& species) {
  ad::Tensor rows({species.size(), 1 + std::ranges::max(species)});
  for (std::size_t i = 0; i < species.size(); ++i) rows(i, species[i]) = 1;
  return rows;
}

// Time, and which of several species it is.
std::size_t n_features(const ad::Tensor& one_hot) {
  return one_hot.cols() == 1 ? 1 : 1 + one_hot.cols();
}

}  // namespace

Egnn::Egnn(ad::Params& params, const std::string& name, const EgnnOptions& options, ad::Key key)
    : name_(name),
      pairs_(checked(name, options).species.size()),
      space_(options.dim),
      geometry_(options.geometry),
      box_(options.box),
      one_hot_(one_hot(options.species)),
      embedding_(params, name + ".embedding", {n_features(one_hot_), options.width}, key.fork(0)) {
  const Linear unused(params, name + ".embedding_out", {options.width, n_features(one_hot_)},
                      key.fork(1));
  for (std::size_t l = 0; l < options.layers; ++l) {
    layers_.emplace_back(params, name + ".gcl_" + std::to_string(l), options.width,
                         key.fork(2).fork(std::uint32_t(l)));
  }
}

ad::Var Egnn::features(ad::Var t) const {
  const std::size_t n = t.shape()[0], w = embedding_.n_outputs(), species = one_hot_.cols();
  ad::Var h;
  if (species == 1) {
    h = reshape(embedding_(t), {n, 1, w});
  } else {
    // What a species adds is the same for all rows, and until the next update.
    const ad::Var fixed = embedding_(t.tape->constant(one_hot_), {1, 1 + species}, {0, w});
    h = reshape(embedding_.product(t, {0, 1}), {n, 1, w}) + fixed;
  }
  return reshape(broadcast_to(h, {n, particles(), w}), {n * particles(), w});
}

ad::Var Egnn::velocity(ad::Var moved) const {
  if (geometry_ == PairGeometry::nearest_image) return nearest_image(moved, box_);
  if (geometry_ == PairGeometry::smooth_periodic) return moved;
  const ad::Var total = sum_to(moved, {moved.shape()[0], space_, 1});
  return moved - total / double(particles());
}

ad::Var Egnn::operator()(ad::Var t, ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var time = column(t);
  if (x.shape() != ad::Shape{time.shape()[0], dim()}) {
    throw std::invalid_argument("egnn \"" + name_ + "\": t " + str(t.shape()) + ", x " +
                                str(x.shape()) + "; need (n) and (n, " + std::to_string(dim()) +
                                ")");
  }
  const std::size_t n = x.shape()[0], w = embedding_.n_outputs(), n_pairs = n * pairs_.size();
  // Particles last, so that elementwise work on pairs has long lines.
  const ad::Var start = transpose(reshape(x, {n, particles(), space_}));
  const auto seen_from = [&](ad::Var at) {
    return separation(pairs_.first(at, 2) - pairs_.second(at, 2), geometry_, box_);
  };
  const ad::Var initial = reshape(seen_from(start).squared, {n_pairs, 1});
  const double bound = kCoordsRange / double(layers_.size());

  ad::Var h = features(time), moved;
  for (const EgnnLayer& layer : layers_) {
    const auto [direction, squared] = seen_from(moved ? start + moved : start);
    const ad::Var distances = concat(ad::Vars{reshape(squared, {n_pairs, 1}), initial}, 1);
    const ad::Var m = layer.messages(h, distances, pairs_);
    const ad::Var pull = bound * reshape(layer.pull(m), {n, 1, pairs_.size()});
    const ad::Var step = pairs_.sum(direction * (pull / (sqrt(squared + kTiny) + 1.0)), 2);
    moved = moved ? moved + step : step;
    const ad::Var total = pairs_.sum(reshape(m, {n, pairs_.size(), w}), 1);
    h = layer.update(h, reshape(total, {n * particles(), w}));
  }
  return reshape(transpose(velocity(moved)), {n, dim()});
}

}  // namespace eqp::nn
