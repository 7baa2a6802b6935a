#include "mcmc/targets/posteriors/eight_schools.hpp"

#include "mcmc/targets/posteriors/data_file.hpp"
#include "mcmc/targets/posteriors/terms.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kMuScale = 5, kTauScale = 5;

struct Parts {
  ad::Var schools, mu, log_tau;  // (n, J), (n, 1), (n)
};
Parts parts_of(ad::Var x, std::size_t count) {
  return {slice(x, 1, 0, count), slice(x, 1, count, count + 1), column(x, count + 1)};
}

ad::Var prior(const Parts& p) {
  return normal_energy(p.mu, kMuScale) + log_half_cauchy_energy(p.log_tau, kTauScale);
}

/// y_j ~ N(theta_j, sigma_j).  theta (n, J) -> (n)
std::function<ad::Var(ad::Var theta)> likelihood(const EightSchools& data) {
  const std::size_t count = data.y.size();
  ad::Tensor y({count}), inverse({count});
  double constant = 0;
  for (std::size_t j = 0; j < count; ++j) {
    y[j] = Real(data.y[j]);
    inverse[j] = Real(1 / data.sigma[j]);
    constant += kLogSqrt2Pi + std::log(data.sigma[j]);
  }
  return [=](ad::Var theta) {
    const ad::Var z = (theta - theta.tape->constant(y)) * theta.tape->constant(inverse);
    return 0.5 * sum(square(z), std::size_t(1)) + constant;
  };
}

Posterior named(const std::string& form, const std::string& schools, std::size_t count) {
  Posterior p{.name = "eight_schools_" + form,
              .parameters = element_names(schools, count),
              .quantities = element_names("theta", count)};
  p.parameters.insert(p.parameters.end(), {"mu", "log tau"});
  p.quantities.insert(p.quantities.end(), {"mu", "tau"});
  return p;
}

}  // namespace

EightSchools read_eight_schools(const std::filesystem::path& path) {
  const DataFile file(path);
  const std::size_t count = file.count("J");
  return {file.numbers("y", count), file.positive("sigma", count)};
}

Posterior eight_schools_centered(const EightSchools& data) {
  const std::size_t count = data.y.size();
  Posterior p = named("centered", "theta", count);
  p.energy = [=, likelihood = likelihood(data)](ad::Var x) {
    const Parts parts = parts_of(x, count);
    // The scale goes to the differences before the square, where it overflows last.
    const ad::Var inverse_tau = reshape(exp(-parts.log_tau), {x.shape()[0], 1});
    const ad::Var z = (parts.schools - parts.mu) * inverse_tau;
    return likelihood(parts.schools) + normal_energy(z, 1) + double(count) * parts.log_tau +
           prior(parts);
  };
  p.report = [=](std::span<const Real> x, std::span<Real> q) {
    std::ranges::copy(x.first(count + 1), q.begin());
    q[count + 1] = std::exp(x[count + 1]);
  };
  return p;
}

Posterior eight_schools_noncentered(const EightSchools& data) {
  const std::size_t count = data.y.size();
  Posterior p = named("noncentered", "z", count);
  p.energy = [=, likelihood = likelihood(data)](ad::Var x) {
    const Parts parts = parts_of(x, count);
    const ad::Var tau = reshape(exp(parts.log_tau), {x.shape()[0], 1});
    return likelihood(parts.mu + tau * parts.schools) + normal_energy(parts.schools, 1) +
           prior(parts);
  };
  p.report = [=](std::span<const Real> x, std::span<Real> q) {
    const Real mu = x[count], tau = std::exp(x[count + 1]);
    for (std::size_t j = 0; j < count; ++j) q[j] = mu + tau * x[j];
    q[count] = mu;
    q[count + 1] = tau;
  };
  return p;
}

}  // namespace eqp::mcmc
