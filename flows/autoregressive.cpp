#include "flows/autoregressive.hpp"

#include <stdexcept>

namespace eqp::flows {
namespace {

std::shared_ptr<const Monotone> checked(const std::string& name,
                                        std::shared_ptr<const Monotone> family) {
  if (family && family->n_features() == 1) return family;
  throw std::invalid_argument("autoregressive \"" + name + "\": " +
                              (family
                                   ? "a family on a circle; need couplings, whose networks know it"
                                   : "no family; need one"));
}

}  // namespace

Autoregressive::Autoregressive(ad::Params& params, const std::string& name, std::size_t dim,
                               std::shared_ptr<const Monotone> family,
                               const AutoregressiveOptions& options, ad::Key key)
    : Bijection(name, dim, options.context_dim),
      family_(checked(name, std::move(family))),
      one_pass_(options.one_pass),
      net_(params, name, dim, family_->n_params(),
           {.hidden = options.hidden,
            .activation = options.activation,
            .context_dim = options.context_dim},
           key) {}

Mapped Autoregressive::push(ad::Var z, ad::Var context) const {
  return one_pass_ == OnePass::forward ? in_one_pass(z, context, &Monotone::forward)
                                       : one_by_one(z, context, &Monotone::forward);
}

Mapped Autoregressive::pull(ad::Var x, ad::Var context) const {
  return one_pass_ == OnePass::inverse ? in_one_pass(x, context, &Monotone::inverse)
                                       : one_by_one(x, context, &Monotone::inverse);
}

Mapped Autoregressive::in_one_pass(ad::Var x, ad::Var context, Apply apply) const {
  const std::size_t n = x.shape()[0], d = dim();
  const ad::Var raw = reshape(net_(x, context), {family_->n_params(), d * n});
  const auto [y, log_slope] = ((*family_).*apply)(reshape(transpose(x), {d * n}), raw);
  return {transpose(reshape(y, {d, n})), sum(reshape(log_slope, {d, n}), 0)};
}

Mapped Autoregressive::one_by_one(ad::Var x, ad::Var context, Apply apply) const {
  const std::size_t n = x.shape()[0], d = dim();
  const ad::Var coordinates = transpose(x);
  nn::Made::Sweep sweep(net_, *x.tape, n, context);
  ad::Vars ys, log_slopes;
  for (std::size_t j = 0; j < d; ++j) {
    const auto [y, log_slope] = ((*family_).*apply)(row(coordinates, j), sweep.outputs());
    ys.push_back(reshape(y, {1, n}));
    log_slopes.push_back(reshape(log_slope, {1, n}));
    sweep.set(y);
  }
  return {transpose(concat(ys, 0)), sum(concat(log_slopes, 0), 0)};
}

}  // namespace eqp::flows
