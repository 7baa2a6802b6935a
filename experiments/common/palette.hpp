#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace eqp {

/// Red, green, blue.
using Rgb = std::array<unsigned char, 3>;

/// Colour of the index-th series as "#rrggbb": colours that the colour-blind tell apart (Okabe &
/// Ito 2008), from the start again after the last.
std::string series_color(std::size_t index);

/// Colour of a density, u from 0 to 1: viridis (van der Walt & Smith 2015), interpolated.
Rgb density_color(double u);

}  // namespace eqp
