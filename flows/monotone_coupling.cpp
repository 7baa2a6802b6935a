#include "flows/monotone_coupling.hpp"

namespace eqp::flows {
namespace {

nn::Mlp network(ad::Params& params, const std::string& name, std::size_t n_inputs,
                std::size_t n_outputs, const MonotoneCouplingOptions& options, ad::Key key) {
  std::vector<std::size_t> widths{n_inputs};
  widths.insert(widths.end(), options.hidden.begin(), options.hidden.end());
  widths.push_back(n_outputs);
  return {params, name, widths, options.activation, key, {.last = nn::zeros()}};
}

}  // namespace

MonotoneCoupling::MonotoneCoupling(ad::Params& params, const std::string& name, std::size_t dim,
                                   Half moved, std::shared_ptr<const Monotone> family,
                                   const MonotoneCouplingOptions& options, ad::Key key)
    : Coupling(name, dim, moved, options.context_dim),
      family_(std::move(family)),
      net_(network(params, name,
                   family_->n_features() * size_of(other(moved), dim) + options.context_dim,
                   family_->n_params() * size_of(moved, dim), options, key)) {}

MappedHalves MonotoneCoupling::move(const Halves& x, ad::Var context, Apply apply) const {
  const ad::Var in = x[moved()];
  const std::size_t n = in.shape()[0], k = in.shape()[1];
  const ad::Var condition = with_context(family_->features(x[other(moved())]), context);
  const ad::Var raw = reshape(net_.transposed(condition), {family_->n_params(), k * n});
  const auto [y, log_slope] = ((*family_).*apply)(reshape(transpose(in), {k * n}), raw);
  return {with_moved(x, transpose(reshape(y, {k, n}))), sum(reshape(log_slope, {k, n}), 0)};
}

MappedHalves MonotoneCoupling::forward(const Halves& z, ad::Var context) const {
  return move(z, context, &Monotone::forward);
}

MappedHalves MonotoneCoupling::inverse(const Halves& x, ad::Var context) const {
  return move(x, context, &Monotone::inverse);
}

}  // namespace eqp::flows
