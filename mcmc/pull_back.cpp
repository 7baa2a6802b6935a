#include "mcmc/pull_back.hpp"

#include <stdexcept>
#include <string>

namespace eqp::mcmc {

Transport transport(std::shared_ptr<const flows::Bijection> map) {
  if (map->context_dim() > 0) {
    throw std::invalid_argument("transport: \"" + map->name() + "\" needs a context of " +
                                std::to_string(map->context_dim()) + "; need a map of none");
  }
  return {.dim = map->dim(),
          .forward = [=](ad::Var z) { return map->forward(z); },
          .inverse = [=](ad::Var x) { return map->inverse(x); }};
}

Transport transport(const flows::Flow& flow) {
  if (flow.context_dim() > 0) {
    throw std::invalid_argument("transport: a flow with a context of " +
                                std::to_string(flow.context_dim()) + "; need one of none");
  }
  return {.dim = flow.dim(),
          .forward = [=](ad::Var z) { return flow.forward(z); },
          .inverse = [=](ad::Var x) { return flow.inverse(x); }};
}

Energy pull_back(const Energy& energy, const Transport& map) {
  return [energy, f = map.forward](ad::Var z) {
    const auto [x, log_det] = f(z);
    return energy(x) - log_det;
  };
}

}  // namespace eqp::mcmc
