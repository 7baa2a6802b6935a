#include "train/data/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "train/data/region_masses.hpp"

namespace eqp::train {
namespace {

// The largest diagonal element of a covariance (d, d).
double largest_variance(const mcmc::Target& target) {
  double top = 0;
  for (std::size_t j = 0; j < target.dim; ++j) {
    top = std::max(top, target.covariance[j * target.dim + j]);
  }
  return top;
}

Modes nearest(std::vector<std::vector<double>> centres) {
  const std::size_t count = centres.size();
  return {
      .of =
          [centres = std::move(centres)](std::span<const Real> x) {
            const auto distance = [&](const std::vector<double>& c) {
              double sum = 0;
              for (std::size_t j = 0; j < c.size(); ++j) sum += (x[j] - c[j]) * (x[j] - c[j]);
              return sum;
            };
            return std::size_t(std::ranges::min_element(centres, {}, distance) - centres.begin());
          },
      .count = count};
}

// A mixture whose modes are its components: every point belongs to the nearest centre.
Distribution from_mixture(const std::string& name, const mcmc::IsotropicMixtureOptions& mixture,
                          std::vector<double> weights) {
  const mcmc::Target target = mcmc::isotropic_mixture(mixture);
  return {.name = name,
          .dim = target.dim,
          .sample = target.sample,
          .log_prob = target.log_prob,
          .modes = nearest(mixture.means),
          .weights = std::move(weights),
          .base_variance = largest_variance(target)};
}
Distribution from_mixture(const std::string& name, const mcmc::IsotropicMixtureOptions& mixture) {
  return from_mixture(name, mixture, nearest_centre_masses(mixture));
}

}  // namespace

ad::Tensor draw(const Distribution& distribution, std::size_t n, ad::Key key) {
  ad::Tensor x({n, distribution.dim});
  distribution.sample(x, key, 0);
  return x;
}

std::vector<double> log_prob(const Distribution& distribution, ad::ConstView x) {
  std::vector<double> values(x.rows());
  const ad::Blocks blocks{x.rows(), 256};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    for (std::size_t i = blocks.first(b); i < blocks.first(b) + blocks.size(b); ++i) {
      values[i] = distribution.log_prob(std::vector<double>(x.row(i).begin(), x.row(i).end()));
    }
  });
  return values;
}

Distribution two_modes(const TwoModesOptions& options) {
  return from_mixture("two_modes", {.weights = {1, 2},
                                    .means = {{-1.5, -1.5}, {1.5, 1.5}},
                                    .variances = {0.05, options.equal_covariance ? 0.05 : 0.1}});
}

Distribution eight_gaussians(const mcmc::EightGaussiansOptions& options) {
  return from_mixture("eight_gaussians", mcmc::eight_gaussians_mixture(options));
}

Distribution four_modes() {
  return from_mixture("four_modes", {.weights = {0.1, 0.2, 0.3, 0.4},
                                     .means = {{-3, 0}, {-1, 0}, {1, 0}, {3, 0}},
                                     .variances = {0.05, 0.05, 0.05, 0.05}});
}

Distribution four_corners(std::size_t dim) {
  if (dim == 0 || dim % 2 != 0) {
    throw std::invalid_argument("four_corners: dim " + std::to_string(dim) +
                                "; need an even number of at least 2");
  }
  const double a = 0.5910 * std::sqrt(2 * std::log(double(dim)));
  std::vector<std::vector<double>> means;
  for (const double first : {a, -a}) {
    for (const double second : {a, -a}) {
      means.emplace_back(dim / 2, first);
      means.back().resize(dim, second);
    }
  }
  // By symmetry every region has the mass of its component.
  return from_mixture("four_corners", {.means = means, .variances = {1, 1, 1, 1}},
                      {0.25, 0.25, 0.25, 0.25});
}

Distribution rings(const mcmc::RingsOptions& options) {
  const mcmc::Target target = mcmc::rings(options);
  const std::vector<double> radii = options.radii;
  const auto of = [radii](std::span<const Real> x) {
    const double r = std::hypot(double(x[0]), double(x[1]));
    const auto distance = [&](double radius) { return std::abs(radius - r); };
    return std::size_t(std::ranges::min_element(radii, {}, distance) - radii.begin());
  };
  return {.name = "rings",
          .dim = 2,
          .sample = target.sample,
          .log_prob = target.log_prob,
          .modes = {.of = of, .count = radii.size()},
          .weights = nearest_radius_masses(options),
          .base_variance = largest_variance(target)};
}

}  // namespace eqp::train
