#pragma once

#include <optional>

#include "benchmarks/arrays.hpp"
#include "benchmarks/model.hpp"
#include "benchmarks/workload.hpp"
#include "mcmc/chains.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::bench {

/// What chains of a workload move on.
struct Landscape {
  mcmc::Energy energy;
  ad::Tensor start;                             // (n, d)
  std::function<void(ad::Params& file)> write;  // what the energy is made of
};

/// Steps of the chains of a kernel.
template <mcmc::Kernel K>
class Sampler : public Workload {
 public:
  /// `gradients`: evaluations per step.
  Sampler(const Case& c, Landscape landscape, typename K::Options options,
          std::size_t gradients = 1)
      : case_(c),
        landscape_(std::move(landscape)),
        options_(std::move(options)),
        gradients_(gradients) {}

  void start() override {
    kernel_.emplace(landscape_.energy, case_.d, options_);
    chains_.emplace(*kernel_, landscape_.start, case_.block);
  }

  void run() override {
    chains_->advance(*kernel_, done_, case_.steps, kNoise);
    done_ += case_.steps;
  }

  std::size_t block() const override { return chains_->block(); }

  Limit limit() override {
    Limit limit(case_.steps);
    limit.add({case_.rows, case_.block}, {{case_.d}}, value_and_grad(landscape_.energy),
              case_.steps * gradients_);
    return limit;
  }

  void check(ad::Params& file) override {
    landscape_.write(file);
    put(file, "in.x", landscape_.start);
    ad::Tensor noise(landscape_.start.shape());
    const ad::BlockRng rng{kNoise};
    rng.normal(noise);
    put(file, "noise.0", noise);
    chains_->advance(*kernel_, 0, 1, kNoise);
    const ad::Tensor x = chains_->positions();
    put(file, "out.x", x);
    if constexpr (mcmc::Adaptable<K>) {
      ad::Tensor u({case_.rows});
      for (std::size_t i = 0; i < case_.rows; ++i) u[i] = Real(rng.uniform(i));
      put(file, "noise.u", u);
      ad::Workspace at = mcmc::value(landscape_.energy, case_.d).workspace(case_.rows);
      mcmc::evaluate(at, x);
      put(file, "out.energy", at.out(0));
    }
  }

 private:
  Case case_;
  Landscape landscape_;
  typename K::Options options_;
  std::size_t gradients_;
  std::optional<K> kernel_;
  std::optional<mcmc::Chains<K>> chains_;
  std::uint32_t done_ = 0;
};

}  // namespace eqp::bench
