#include "train/data/dequantise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/parallel.hpp"
#include "train/data/entries.hpp"

namespace eqp::train {

void dequantise(ad::View x, std::size_t levels, const ad::BlockRng& rng) {
  constexpr double epsilon = std::numeric_limits<Real>::epsilon(), most = 0x1p-11 / epsilon;
  if (levels < 2 || double(levels) > most) {
    throw std::invalid_argument("dequantise: " + std::to_string(levels) + " levels; need 2 to " +
                                std::to_string(std::size_t(most)));
  }
  // Noise nearer than this to the edge of a cell could be rounded out of it: x + u, the quotient
  // and a product with the levels err by less together.
  const double margin = 2 * epsilon * double(levels);
  const Real top = Real(levels - 1), low = Real(margin), high = 1 - low, scale = Real(levels);
  require_entries("dequantise", x, "a whole number from 0 to " + std::to_string(levels - 1),
                  [=](Real v) { return (v >= 0) & (v <= top) & (v == std::trunc(v)); });
  constexpr std::size_t kPiece = std::size_t(1) << 15;  // entries that are worth a task
  const ad::Blocks blocks{x.rows(),
                          std::max<std::size_t>(kPiece / std::max<std::size_t>(x.cols(), 1), 1)};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const auto first = std::uint32_t(blocks.first(b));
    const ad::View rows = x.slice(first, blocks.size(b));
    ad::Tensor noise(rows.shape);
    ad::BlockRng{rng.key, rng.step, rng.first_chain + first}.uniform(noise);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      rows[k] = (rows[k] + std::clamp(noise[k], low, high)) / scale;
    }
  });
}

double bits_per_dim(double log_prob, std::size_t dim, std::size_t levels) {
  return std::log2(double(levels)) - log_prob / (double(dim) * std::numbers::ln2);
}

}  // namespace eqp::train
