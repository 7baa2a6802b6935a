#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcmc/energy.hpp"
#include "mcmc/targets/target.hpp"

// Posteriors of real data: what samplers are judged by where nothing is known in closed form.
namespace eqp::mcmc {

/// Moments of one quantity under a posterior, as far as somebody else knows them.
struct ReferenceMoments {
  double mean, sd;
  double mean_error;  ///< standard error of the mean; 0: the moments are exact
  double draws;       ///< nearly independent draws that they are of; infinity: exact
};

/// A posterior over unconstrained parameters x (d); scale parameters are logarithms, and the energy
/// has their Jacobian. What is reported are `quantities` of x, in the units of the model.
struct Posterior {
  std::string name;
  std::vector<std::string> parameters;  ///< (d)
  std::vector<std::string> quantities;  ///< (k)
  /// -log p(data, x), with all constants of likelihood and proper priors
  Energy energy;
  /// The quantities of a point.  x (d) -> q (k)
  std::function<void(std::span<const Real> x, std::span<Real> q)> report;
  std::vector<ReferenceMoments> reference;  ///< (k), or empty

  std::size_t dim() const { return parameters.size(); }
};

/// The quantities of draws (..., d) -> (..., k). Throws std::invalid_argument for another last
/// extent.
ad::Tensor quantities(const Posterior& posterior, ad::ConstView draws);

/// The folder with the data files and reference moments of the posteriors here.
std::filesystem::path posterior_data();

/// eight_schools_centered, eight_schools_noncentered, kidscore_momiq, arK, blr, german_credit;
/// as posteriordb has them, where it does.
const std::vector<std::string>& posterior_names();

/// A posterior by name, with its reference. Throws std::invalid_argument for an unknown name, and
/// for files in the folder that are missing or broken, one line with file and field.
Posterior make_posterior(const std::string& name,
                         const std::filesystem::path& folder = posterior_data());

/// A distribution with known mean and covariance in the place of a posterior: its quantities are
/// its coordinates x[1], ..., its reference is exact.
Posterior as_posterior(const Target& target);

/// Names of the elements of a vector, numbered from 1 as in Stan: "beta[1]", ...
std::vector<std::string> element_names(const std::string& vector, std::size_t count);

}  // namespace eqp::mcmc
