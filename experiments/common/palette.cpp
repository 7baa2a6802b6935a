#include "experiments/common/palette.hpp"

#include <algorithm>
#include <cmath>

namespace eqp {

std::string series_color(std::size_t index) {
  static constexpr std::array kColors = {"#d55e00", "#e69f00", "#56b4e9", "#cc79a7",
                                         "#009e73", "#0072b2", "#4d4d4d"};
  return kColors[index % kColors.size()];
}

Rgb density_color(double u) {
  static constexpr std::array<Rgb, 9> kViridis = {{{68, 1, 84},
                                                   {71, 44, 122},
                                                   {59, 81, 139},
                                                   {44, 113, 142},
                                                   {33, 144, 141},
                                                   {39, 173, 129},
                                                   {92, 200, 99},
                                                   {170, 220, 50},
                                                   {253, 231, 37}}};
  const double position = std::clamp(u, 0.0, 1.0) * (kViridis.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(position), kViridis.size() - 2);
  const double part = position - static_cast<double>(i);
  Rgb color;
  for (std::size_t c = 0; c < 3; ++c)
    color[c] = static_cast<unsigned char>(
        std::lround((1.0 - part) * kViridis[i][c] + part * kViridis[i + 1][c]));
  return color;
}

}  // namespace eqp
