#pragma once

#include "autodiff/tensor.hpp"
#include "flows/spline.hpp"

// The kernels of rational-quadratic splines: a SIMD batch of coordinates at a time, everything
// between the raw parameters and the result in registers and on the stack.
namespace eqp::flows {

inline constexpr std::size_t kMaxBins = 64;

/// Rows of the raw parameters.
std::size_t n_spline_params(const SplineOptions& options);

/// x (m), raw (P, m) -> values and log slopes of the map (2, m).
void spline_forward(const SplineOptions& o, ad::ConstView x, ad::ConstView raw, ad::View out);
/// The same of the inverse map, at y (m).
void spline_inverse(const SplineOptions& o, ad::ConstView y, ad::ConstView raw, ad::View out);
/// Cotangents (1 + P, m) of x and raw for those of the result (2, m).
void spline_forward_vjp(const SplineOptions& o, ad::ConstView x, ad::ConstView raw, ad::ConstView g,
                        ad::View out);
/// Cotangents (1 + P, m) of y and raw of the inverse map, whose value was x (m).
void spline_inverse_vjp(const SplineOptions& o, ad::ConstView x, ad::ConstView raw, ad::ConstView g,
                        ad::View out);

}  // namespace eqp::flows
