#pragma once

#include <memory>

#include "autodiff/params.hpp"
#include "benchmarks/case.hpp"
#include "benchmarks/limit.hpp"

namespace eqp::bench {

/// One workload at one size. Making it draws weights and inputs, the same ones every time.
class Workload {
 public:
  virtual ~Workload() = default;
  /// Records, plans and allocates: all that comes before a first step.
  virtual void start() = 0;
  /// One measurement: the case's number of steps. After start.
  virtual void run() = 0;
  /// Rows per task, once it ran.
  virtual std::size_t block() const = 0;
  /// The products and the traffic of a step alone.
  virtual Limit limit() = 0;
  /// Adds weights, inputs and noise to `file`, and as out.* what the code that `run` times makes of
  /// them. After start, before a run changed the weights.
  virtual void check(ad::Params& file) = 0;
};

/// Throws std::invalid_argument naming the choices for an unknown workload.
std::unique_ptr<Workload> make_workload(const Case& c);

std::unique_ptr<Workload> ula(const Case& c);
std::unique_ptr<Workload> mala(const Case& c);
std::unique_ptr<Workload> contrastive_divergence(const Case& c);
std::unique_ptr<Workload> contrastive_divergence_of_images(const Case& c);
std::unique_ptr<Workload> denoising_score_matching(const Case& c);
std::unique_ptr<Workload> sliced_score_matching(const Case& c);
std::unique_ptr<Workload> exact_score_matching(const Case& c);
/// W6 and F: the name says which flow and what is done with it.
std::unique_ptr<Workload> flow(const Case& c);
std::unique_ptr<Workload> adaptive_flow(const Case& c);
std::unique_ptr<Workload> hmc_gaussian(const Case& c);
std::unique_ptr<Workload> hmc_credit(const Case& c);
std::unique_ptr<Workload> hvp(const Case& c);
std::unique_ptr<Workload> laplacian(const Case& c);

}  // namespace eqp::bench
