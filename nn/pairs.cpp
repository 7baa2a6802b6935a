#include "nn/pairs.hpp"

#include <numbers>
#include <stdexcept>
#include <string>

namespace eqp::nn {
namespace {

// The shape with one axis cut into two.
ad::Shape cut(const ad::Shape& shape, std::size_t axis, std::size_t outer, std::size_t inner) {
  std::vector<std::size_t> dims(shape.dims().begin(), shape.dims().end());
  dims[axis] = inner;
  dims.insert(dims.begin() + std::ptrdiff_t(axis), outer);
  return ad::Shape(std::span<const std::size_t>(dims));
}

ad::Shape with(ad::Shape shape, std::size_t axis, std::size_t extent) {
  shape[axis] = extent;
  return shape;
}

}  // namespace

Pairs::Pairs(std::size_t particles) : particles_(particles) {
  if (particles < 2) {
    throw std::invalid_argument("pairs: " + std::to_string(particles) +
                                " particles; need at least 2");
  }
  for (std::size_t i = 0; i < particles; ++i) {
    for (std::size_t j = 0; j < particles; ++j) {
      if (j != i) second_.push_back(j);
    }
  }
}

ad::Var Pairs::first(ad::Var v, std::size_t axis) const {
  const ad::Var column = reshape(v, cut(v.shape(), axis, particles_, 1));
  const ad::Var stretched = broadcast_to(column, with(column.shape(), axis + 1, particles_ - 1));
  return reshape(stretched, with(v.shape(), axis, size()));
}

ad::Var Pairs::second(ad::Var v, std::size_t axis) const { return gather(v, axis, second_); }

ad::Var Pairs::sum(ad::Var v, std::size_t axis) const {
  return ad::sum(reshape(v, cut(v.shape(), axis, particles_, particles_ - 1)), axis + 1);
}

Separation separation(ad::Var d, PairGeometry geometry, double box) {
  const ad::Shape one = with(d.shape(), 1, 1);
  if (geometry == PairGeometry::smooth_periodic) {
    // By the half angle: 1 - cos cancels where d is small.
    const double radius = box / std::numbers::pi;
    const ad::Var half = d * (1 / radius), s = radius * sin(half);
    return {s * cos(half), sum_to(square(s), one)};
  }
  const ad::Var v = geometry == PairGeometry::nearest_image ? nearest_image(d, box) : d;
  return {v, sum_to(square(v), one)};
}

ad::Var nearest_image(ad::Var d, double box) { return d - box * round(d / box); }

}  // namespace eqp::nn
