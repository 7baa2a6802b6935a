#include "benchmarks/sampler.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/ula.hpp"

// W1 and W10: Langevin steps on the network's energy.
namespace eqp::bench {
namespace {

Landscape network(const Case& c) {
  const auto model = std::make_shared<Model>(c.d, c.width, kWeights);
  return {.energy = [model](ad::Var x) { return model->energy(x); },
          .start = ad::normal({c.rows, c.d}, kData),
          .write = [model](ad::Params& file) { put_all(file, model->params); }};
}

}  // namespace

std::unique_ptr<Workload> ula(const Case& c) {
  return std::make_unique<Sampler<mcmc::Ula>>(c, network(c),
                                              mcmc::Ula::Options{.step_size = c.step_size});
}

std::unique_ptr<Workload> mala(const Case& c) {
  return std::make_unique<Sampler<mcmc::Mala>>(c, network(c),
                                               mcmc::Mala::Options{.step_size = c.step_size});
}

}  // namespace eqp::bench
