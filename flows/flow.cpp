#include "flows/flow.hpp"

#include <algorithm>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"
#include "flows/agreement.hpp"

namespace eqp::flows {
namespace {

// A layer that keeps volume adds no pass.
ad::Var add_log_det(ad::Var total, ad::Var step) {
  if (ad::as_full(total) == 0.0) return step;
  return ad::as_full(step) == 0.0 ? total : total + step;
}

void append(Mapped& total, const Mapped& step) {
  total = {step.y, add_log_det(total.log_det, step.log_det)};
}

Mapped identity(ad::Var x) { return {x, ad::full(*x.tape, {x.shape()[0]}, 0)}; }

ad::Tensor inverse_rows(const Bijection& layer, const ad::Tensor& x, const ad::Tensor& context) {
  const std::size_t c = layer.context_dim();
  std::vector<ad::Shape> rows{{x.cols()}};
  if (c > 0) rows.push_back({c});
  const ad::Batched inverse(rows, [&](std::span<const ad::Var> in) {
    return ad::Vars{layer.inverse(in[0], c > 0 ? in[1] : ad::Var{}).y};
  });
  ad::Tensor y(x.shape());
  const ad::Blocks blocks{x.rows(), inverse.block(x.rows())};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const std::size_t first = blocks.first(b), n = blocks.size(b);
    ad::Workspace at = inverse.workspace(n);
    std::ranges::copy(x.view().slice(first, n).flat(), at.in(0).data);
    if (c > 0) std::ranges::copy(context.view().slice(first, n).flat(), at.in(1).data);
    at.run();
    std::ranges::copy(at.out(0).flat(), y.view().slice(first, n).data);
  });
  return y;
}

}  // namespace

Flow::Flow(std::shared_ptr<const Base> base, Layers layers)
    : base_(std::move(base)),
      layers_(std::move(layers)),
      context_dim_(common_context_dim("flow", layers_)) {
  for (const auto& layer : layers_) {
    if (layer->dim() == dim()) continue;
    throw std::invalid_argument("flow: layer \"" + layer->name() + "\" has dim " +
                                std::to_string(layer->dim()) + "; need the base's " +
                                std::to_string(dim()));
  }
}

Mapped Flow::forward(ad::Var z, ad::Var context) const {
  check_batch("flow", z, dim());
  Mapped total = identity(z);
  for (const auto& layer : layers_) append(total, layer->forward(total.y, context));
  return total;
}

Mapped Flow::inverse(ad::Var x, ad::Var context) const {
  check_batch("flow", x, dim());
  Mapped total = identity(x);
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    append(total, (*layer)->inverse(total.y, context));
  }
  return total;
}

Flow::Sample Flow::sample(ad::Var noise, ad::Var context) const {
  const ad::Var z = base_->draw(noise);
  const Mapped x = forward(z, context);
  return {x.y, base_->log_prob(z) - x.log_det};
}

ad::Var Flow::log_prob(ad::Var x, ad::Var context) const {
  const Mapped z = inverse(x, context);
  return base_->log_prob(z.y) + z.log_det;
}

void Flow::start_from(ad::Params& params, const ad::Tensor& x, const ad::Tensor& context) const {
  const std::size_t n = x.rows();
  if (x.shape() != ad::Shape{n, dim()} ||
      (context_dim_ > 0 && context.shape() != ad::Shape{n, context_dim_})) {
    throw std::invalid_argument("flow: data " + str(x.shape()) + " and context " +
                                str(context.shape()) + " to start from; need (n, " +
                                std::to_string(dim()) + ") and (n, " +
                                std::to_string(context_dim_) + ")");
  }
  const auto deepest =
      std::ranges::find_if(layers_, [](const auto& layer) { return layer->starts_from_data(); });
  ad::Tensor reached = x;
  for (auto layer = layers_.end(); layer != deepest;) {
    --layer;
    if ((*layer)->starts_from_data()) (*layer)->start_from(params, reached);
    if (layer != deepest) reached = inverse_rows(**layer, reached, context);
  }
}

}  // namespace eqp::flows
