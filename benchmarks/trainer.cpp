#include "benchmarks/trainer.hpp"

#include "autodiff/grad.hpp"
#include "benchmarks/arrays.hpp"

namespace eqp::bench {
namespace {

// Keeps the gradient instead of following it.
class Catch : public train::Optimiser {
 public:
  explicit Catch(std::vector<Real>& gradient) : gradient_(gradient) {}
  void step(std::span<Real>, std::span<const Real> gradient, double) override {
    gradient_.assign(gradient.begin(), gradient.end());
  }

  void archive(ad::Archive&) override {}

 private:
  std::vector<Real>& gradient_;
};

}  // namespace

Trainer::Trainer(ad::Params& params, train::Objective objective, std::size_t block)
    : objective_(std::move(objective)),
      update_(objective_.name, params, objective_.row_shapes, objective_.loss, train::adam(),
              {.block = block}) {
  for (const ad::Shape& row : objective_.row_shapes) {
    batch_.emplace_back(ad::batch_shape(objective_.batch, row));
  }
  in_.assign(batch_.begin(), batch_.end());
  read_.assign(in_.begin(), in_.end());
}

void Trainer::step() {
  train::StepLog log;
  objective_.feed(done_, in_, log);
  used_block_ = update_.step(read_, kLearningRate).block;
  if (objective_.after) objective_.after(done_, in_, log);
  ++done_;
}

std::span<const ad::View> Trainer::first_batch() {
  train::StepLog log;
  objective_.feed(0, in_, log);
  return in_;
}

void put_update(ad::Params& file, const std::string& prefix, const Trained& trained,
                std::span<const ad::ConstView> batch, std::size_t block) {
  std::vector<Real> gradient;
  train::Update update("check", trained.params, trained.row_shapes, trained.loss,
                       std::make_unique<Catch>(gradient), {.block = block});
  put(file, "out." + prefix + "loss", update.step(batch, kLearningRate).loss);
  put_all(file, "out." + prefix + "gradient.", trained.params, gradient);
}

void add_update(Limit& limit, const Trained& trained, const ad::Blocks& blocks) {
  limit.add(blocks, trained.row_shapes, [&](std::span<const ad::Var> in) -> ad::Vars {
    const ad::Var rows = trained.loss(in);
    return {rows, ad::grad(rows, trained.params)};
  });
  limit.add_traffic(3 * trained.params.size());  // the parameters and Adam's two moments
}

}  // namespace eqp::bench
