#include "flows/flow.hpp"

#include <stdexcept>
#include <string>

namespace eqp::flows {

namespace {

// A layer that keeps volume adds no pass.
ad::Var add_log_det(ad::Var total, ad::Var step) {
  if (ad::as_full(total) == 0.0) return step;
  return ad::as_full(step) == 0.0 ? total : total + step;
}

}  // namespace

void check_batch(const char* who, ad::Var x, std::size_t dim) {
  if (x.shape().rank() == 2 && x.shape()[1] == dim) return;
  throw std::invalid_argument(std::string(who) + ": " + str(x.shape()) + "; need (n, " +
                              std::to_string(dim) + ")");
}

Mapped Flow::forward(ad::Var z) const {
  Mapped total{z, ad::full(*z.tape, {z.shape()[0]}, 0)};
  for (const auto& layer : layers_) {
    const Mapped step = layer->forward(total.y);
    total = {step.y, add_log_det(total.log_det, step.log_det)};
  }
  return total;
}

Mapped Flow::inverse(ad::Var x) const {
  Mapped total{x, ad::full(*x.tape, {x.shape()[0]}, 0)};
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    const Mapped step = (*layer)->inverse(total.y);
    total = {step.y, add_log_det(total.log_det, step.log_det)};
  }
  return total;
}

Flow::Sample Flow::sample(ad::Var noise) const {
  const ad::Var z = base_->draw(noise);
  const Mapped x = forward(z);
  return {x.y, base_->log_prob(z) - x.log_det};
}

ad::Var Flow::log_prob(ad::Var x) const {
  const Mapped z = inverse(x);
  return base_->log_prob(z.y) + z.log_det;
}

}  // namespace eqp::flows
