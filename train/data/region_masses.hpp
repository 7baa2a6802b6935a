#pragma once

#include <vector>

#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/targets/rings.hpp"

// How much of a mixture's mass lies nearest to each of its centres. Where modes overlap this is not
// the component's weight: a component reaches into its neighbours' regions.
namespace eqp::train {

/// A planar mixture of round Gaussians, to about 1e-6: closed form along horizontal lines, midpoint
/// rule over the lines.
std::vector<double> nearest_centre_masses(const mcmc::IsotropicMixtureOptions& mixture);

/// Rings, by the nearest radius.
std::vector<double> nearest_radius_masses(const mcmc::RingsOptions& rings);

}  // namespace eqp::train
