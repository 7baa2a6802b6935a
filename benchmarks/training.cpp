#include "benchmarks/training.hpp"

#include "benchmarks/arrays.hpp"

namespace eqp::bench {

void Training::start() { trainer_.emplace(*method_.params, method_.objective(), case_.block); }

void Training::run() {
  for (std::uint32_t k = 0; k < case_.steps; ++k) trainer_->step();
}

Limit Training::limit() {
  Limit limit;
  if (method_.before) method_.before(limit);
  const train::Objective objective = method_.objective();
  add_update(limit, {*method_.params, objective.row_shapes, objective.loss},
             {case_.rows, case_.block});
  return limit;
}

void Training::check(ad::Params& file) {
  put_all(file, *method_.params);
  const std::span<const ad::View> in = trainer_->first_batch();
  put(file, "in.x", in[0]);
  if (method_.write_noise) method_.write_noise(file, in);
  const train::Objective objective = method_.objective();
  put_update(file, "", {*method_.params, objective.row_shapes, objective.loss},
             std::vector<ad::ConstView>(in.begin(), in.end()), case_.block);
}

train::DataSource same_batch(ad::Tensor x) {
  return [x = std::move(x)](std::uint32_t, ad::View out) { std::ranges::copy(x.flat(), out.data); };
}

}  // namespace eqp::bench
