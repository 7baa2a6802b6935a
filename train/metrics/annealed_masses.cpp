#include "train/metrics/annealed_masses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "mcmc/log_weights.hpp"
#include "train/data/standardise.hpp"

namespace eqp::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What a run from the base of region k says of it: weights of particles that ended elsewhere are 0.
RegionMass inside(const mcmc::AisResult& run, const Modes& modes, std::size_t k) {
  std::vector<double> log_weight = run.log_weight;
  std::size_t ended = 0;
  for (std::size_t i = 0; i < log_weight.size(); ++i) {
    if (modes.checked(run.x.row(i)) == k) {
      ++ended;
    } else {
      log_weight[i] = -kInfinity;
    }
  }
  if (mcmc::importance_ess(log_weight) == 0) return {.log_z = {-kInfinity, kNan}};
  return {.log_z = mcmc::log_mean_weight(log_weight),
          .ess = mcmc::importance_ess(log_weight),
          .share = double(ended) / double(log_weight.size())};
}

// d log m_k = d log Z_k - sum_j m_j d log Z_j
void normalise(std::vector<RegionMass>& regions) {
  double top = -kInfinity, sum = 0, variance = 0;
  for (const RegionMass& r : regions) top = std::max(top, r.log_z.value);
  if (top == -kInfinity) {
    throw std::runtime_error(
        "annealed_masses: no particle ended in the region of its base; need "
        "bases near the mass of theirs, or more temperatures");
  }
  for (const RegionMass& r : regions) sum += std::exp(r.log_z.value - top);
  for (RegionMass& r : regions) {
    r.mass = std::exp(r.log_z.value - top) / sum;
    if (r.mass > 0) variance += std::pow(r.mass * r.log_z.error, 2);
  }
  for (RegionMass& r : regions) {
    const double own = std::pow(r.log_z.error, 2);
    const double others = variance - (r.mass > 0 ? std::pow(r.mass, 2) * own : 0);
    r.standard_error = r.mass * std::sqrt(std::pow(1 - r.mass, 2) * own + std::max(0.0, others));
  }
}

// The rows of x in each region.
std::vector<ad::Tensor> by_region(ad::ConstView x, const Modes& modes) {
  std::vector<std::vector<Real>> values(modes.count);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const auto row = x.row(i);
    if (!std::ranges::all_of(row, [](Real v) { return std::isfinite(v); })) continue;
    std::vector<Real>& own = values[modes.checked(row)];
    own.insert(own.end(), row.begin(), row.end());
  }
  std::vector<ad::Tensor> regions;
  for (const std::vector<Real>& v : values) {
    regions.emplace_back(ad::Shape{v.size() / x.cols(), x.cols()});
    std::ranges::copy(v, regions.back().flat().begin());
  }
  return regions;
}

mcmc::Proposal fitted(const ad::Tensor& draws, std::size_t region, const RegionBaseOptions& o) {
  std::string flaw;
  if (draws.rows() < o.least_draws) {
    flaw = "has " + std::to_string(draws.rows()) + " draws";
  } else {
    Standardisation moments = standardisation(draws.view());
    if (moments.constant.empty()) {
      for (double& sd : moments.sd) sd *= o.widening;
      return mcmc::gaussian_proposal(moments.mean, moments.sd);
    }
    flaw = "has draws that agree in coordinate " + std::to_string(moments.constant[0]);
  }
  if (o.fallback) return *o.fallback;
  throw std::invalid_argument("region_bases: region " + std::to_string(region) + " " + flaw +
                              "; need at least " + std::to_string(o.least_draws) +
                              " that differ, or a fallback");
}

}  // namespace

std::vector<RegionMass> annealed_masses(const mcmc::Energy& energy, const Modes& modes,
                                        const std::vector<mcmc::Proposal>& bases,
                                        const AnnealingOptions& options) {
  if (modes.count == 0 || bases.size() != modes.count) {
    throw std::invalid_argument("annealed_masses: " + std::to_string(bases.size()) + " bases for " +
                                std::to_string(modes.count) +
                                " regions; need one for each of at least 1 region");
  }
  std::vector<RegionMass> regions;
  for (std::size_t k = 0; k < bases.size(); ++k) {
    AnnealingOptions own = options;
    own.key = options.key.fork(std::uint32_t(k));
    regions.push_back(
        inside(Annealing("annealed_masses", energy, bases[k], own, modes).forward(), modes, k));
  }
  normalise(regions);
  return regions;
}

std::vector<mcmc::Proposal> region_bases(ad::ConstView draws, const Modes& modes,
                                         const RegionBaseOptions& options) {
  if (draws.shape.rank() != 2 || draws.rows() == 0 || draws.cols() == 0) {
    throw std::invalid_argument("region_bases: draws " + ad::str(draws.shape) +
                                "; need (n, d) with n and d of at least 1");
  }
  if (!(options.widening > 0 && std::isfinite(options.widening)) || options.least_draws < 2) {
    throw std::invalid_argument("region_bases: widening " + std::to_string(options.widening) +
                                " of at least " + std::to_string(options.least_draws) +
                                " draws; need a positive number and at least 2");
  }
  if (options.fallback && options.fallback->dim != draws.cols()) {
    throw std::invalid_argument("region_bases: a fallback of dim " +
                                std::to_string(options.fallback->dim) + " for draws " +
                                ad::str(draws.shape) + "; need equal dims");
  }
  const std::vector<ad::Tensor> own = by_region(draws, modes);
  std::vector<mcmc::Proposal> bases;
  for (std::size_t k = 0; k < own.size(); ++k) bases.push_back(fitted(own[k], k, options));
  return bases;
}

}  // namespace eqp::train
