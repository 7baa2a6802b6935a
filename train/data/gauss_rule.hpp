#pragma once

#include <array>

namespace eqp::train {

/// The Gauss-Legendre rule of 5 points on [-1, 1], exact for polynomials of degree 9.
inline constexpr std::array kGaussNodes{0.0, 0.5384693101056831, -0.5384693101056831,
                                        0.9061798459386640, -0.9061798459386640};
inline constexpr std::array kGaussWeights{0.5688888888888889, 0.4786286704993665,
                                          0.4786286704993665, 0.2369268850561891,
                                          0.2369268850561891};

}  // namespace eqp::train
