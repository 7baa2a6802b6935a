#include "train/metrics/annealing.hpp"

#include <cmath>
#include <stdexcept>

#include "mcmc/confined.hpp"
#include "mcmc/hmc.hpp"

namespace eqp::train {
namespace {

void check(const std::string& who, const AnnealingOptions& o) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument(who + ": " + what);
  };
  if (o.temperatures == 0) fail("0 temperatures; need at least 1");
  if (o.particles < 2) fail(std::to_string(o.particles) + " particles; need at least 2");
  if (o.leapfrog_steps == 0) fail("0 leapfrog steps; need at least 1");
  if (!(o.step_size > 0 && std::isfinite(o.step_size))) {
    fail("step_size " + std::to_string(o.step_size) + "; need a finite number above 0");
  }
  if (!(o.target_accept > 0 && o.target_accept < 1)) {
    fail("target_accept " + std::to_string(o.target_accept) + "; need a number between 0 and 1");
  }
}

mcmc::AisOptions with_key(mcmc::AisOptions run, ad::Key key) {
  run.key = key;
  return run;
}

}  // namespace

auto Annealing::make() const {
  return [this](const mcmc::Energy& u) {
    mcmc::Hmc hmc(u, path_.base.dim,
                  {.step_size = options_.step_size, .leapfrog_steps = options_.leapfrog_steps});
    return mcmc::Confined(
        std::move(hmc), [of = modes_.of](std::span<const Real> x) { return std::uint32_t(of(x)); });
  };
}

Annealing::Annealing(const std::string& who, const mcmc::Energy& energy, const mcmc::Proposal& base,
                     const AnnealingOptions& options, const Modes& modes)
    : path_(mcmc::geometric_path(base, energy)), modes_(modes), options_(options) {
  check(who, options);
  run_ = {.temperatures = mcmc::even_temperatures(options.temperatures),
          .particles = options.particles,
          .target_accept = options.target_accept};
  run_.step_sizes = mcmc::ais(path_, make(), with_key(run_, options.key.fork(0))).step_sizes;
  run_.target_accept = 0;
}

mcmc::AisResult Annealing::forward() const {
  return mcmc::ais(path_, make(), with_key(run_, options_.key.fork(1)));
}

mcmc::AisResult Annealing::reverse(ad::ConstView draws) const {
  return mcmc::reverse_ais(path_, make(), draws, with_key(run_, options_.key.fork(2)));
}

}  // namespace eqp::train
