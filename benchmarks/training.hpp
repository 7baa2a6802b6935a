#pragma once

#include <optional>

#include "benchmarks/trainer.hpp"
#include "benchmarks/workload.hpp"

namespace eqp::bench {

/// A model in training.
struct Method {
  std::shared_ptr<ad::Params> params;
  std::function<train::Objective()> objective;
  /// Adds the noise of the first step, of which these are the inputs of the loss; may be empty.
  std::function<void(ad::Params& file, std::span<const ad::View> in)> write_noise = {};
  /// Adds to a limit what comes before the update; may be empty.
  std::function<void(Limit& limit)> before = {};
};

/// Training steps on one batch of data.
class Training : public Workload {
 public:
  Training(const Case& c, Method method) : case_(c), method_(std::move(method)) {}

  void start() override;
  void run() override;
  std::size_t block() const override { return trainer_->block(); }
  Limit limit() override;
  void check(ad::Params& file) override;

 private:
  Case case_;
  Method method_;
  std::optional<Trainer> trainer_;
};

/// The same rows at every step.
train::DataSource same_batch(ad::Tensor x);

}  // namespace eqp::bench
