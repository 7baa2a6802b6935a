#include "autodiff/compiled.hpp"
#include "autodiff/non_finite.hpp"
#include "autodiff/profile.hpp"
#include "autodiff/program.hpp"

namespace eqp::ad {

Workspace::Workspace() = default;
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

Workspace::Workspace(std::shared_ptr<const Compiled> program)
    : program_(std::move(program)), memory_(aligned_array(program_->plan.memory)) {
  const Plan& plan = program_->plan;
  const auto view = [&](std::uint32_t id) {
    return View{memory_.get() + plan.slots[id].offset, plan.slots[id].shape};
  };
  for (std::uint32_t id : plan.inputs) inputs_.push_back(view(id));
  for (std::uint32_t id : plan.outputs) outputs_.push_back(view(id));
  program_->hoisted->update();
  calls_ = std::make_unique<Calls>(plan, plan.steps, memory_.get(), program_->hoisted->data());
  times_ = Profile::times(program_);
}

void Workspace::run() {
  if (times_) {
    run_timed();
    return;
  }
  program_->hoisted->update();
  calls_->follow(program_->plan);
  for (std::size_t i = 0; i < calls_->size(); ++i) calls_->run(i);
}

void Workspace::run_timed() const {
  const std::uint64_t start = ticks();
  times_->updates += program_->hoisted->update();
  calls_->follow(program_->plan);
  std::uint64_t last = ticks();
  times_->hoisted += last - start;
  for (std::size_t i = 0; i < calls_->size(); ++i) {
    calls_->run(i);
    const std::uint64_t now = ticks();
    times_->ticks[i] += now - last;
    last = now;
  }
  ++times_->runs;
}

void Workspace::run_checked(std::optional<std::size_t> row) {
  run();
  explain_non_finite({program_->plan, program_->hoisted->calls(), *calls_, inputs_, outputs_}, row);
}

}  // namespace eqp::ad
