#include <stdexcept>
#include <utility>

#include "autodiff/non_finite.hpp"
#include "train/ema.hpp"
#include "train/objective.hpp"

namespace eqp::train {

std::uint32_t fit(ad::Params& params, const Objective& objective,
                  std::unique_ptr<Optimiser> optimiser, const FitOptions& options,
                  const OnStep& on_step) {
  if (objective.batch == 0)
    throw std::invalid_argument(objective.name + ": batch 0: need at least 1");
  Update update(
      objective.name, params, objective.row_shapes, objective.loss, std::move(optimiser),
      {.block = options.block, .clip_norm = options.clip_norm, .clip_value = options.clip_value});
  std::vector<ad::Tensor> batch;
  for (const ad::Shape& row : objective.row_shapes) {
    batch.emplace_back(ad::batch_shape(objective.batch, row));
  }
  std::vector<ad::View> in(batch.begin(), batch.end());
  const std::vector<ad::ConstView> read(in.begin(), in.end());

  const auto feed = [&](std::uint32_t t, std::span<const ad::View> rows, StepLog& log) {
    try {
      objective.feed(t, rows, log);
    } catch (const ad::NonFinite& e) {  // of the method's chains
      throw std::runtime_error(objective.name + ": " + e.what());
    }
  };

  std::optional<Ema> ema;
  if (options.ema != 0) {
    ema.emplace(params, EmaOptions{.decay = options.ema, .warmup = options.ema_warmup});
  }
  std::uint32_t t = 0;
  bool ended = options.steps == 0;
  RollBack roll_back(options.roll_back);
  const ad::State training = [&](ad::Archive& a) {
    a("step", t);
    a("ended", ended);
    a("update", update);
    if (ema) a("ema", *ema);
    if (objective.archive) a.within(objective.name, [&] { objective.archive(a); });
  };
  const ad::State state = [&](ad::Archive& a) {
    training(a);
    if (roll_back.is_on()) a("roll_back", roll_back);
  };
  if (options.keeper) options.keeper->restore(state);
  std::vector<std::string> events;
  while (!ended) {
    roll_back.offer(t, training);
    StepLog log;
    log.events = std::exchange(events, {});
    log.pace = roll_back.pace();
    try {
      feed(t, in, log);
      const double rate = options.learning_rate(t) * log.pace * log.energy_pace;
      const Update::Result result = update.step(read, rate);
      log.loss = result.loss;
      log.gradient_norm = result.gradient_norm;
      log.block = result.block;
      roll_back.check(log.loss);
      if (ema) ema->update(params);
      if (objective.after) objective.after(t, in, log);
    } catch (const std::runtime_error& e) {
      events = std::move(log.events);
      events.push_back(roll_back.go_back("step " + std::to_string(t) + ": " + e.what(), training));
      continue;
    }
    ++t;
    const bool go_on = !on_step || on_step(t, log);
    ended = !go_on || t >= options.steps;
    if (!options.keeper) continue;
    if (ended) options.keeper->keep(state);
    if (!ended && !options.keeper->offer(state)) break;
  }
  if (ema) ema->swap(params);
  return t;
}

}  // namespace eqp::train
