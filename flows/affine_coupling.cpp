#include "flows/affine_coupling.hpp"

#include <cmath>
#include <stdexcept>

namespace eqp::flows {
namespace {

nn::Columns columns(std::size_t dim, Half which) {
  return which == Half::first ? nn::Columns{0, dim / 2} : nn::Columns{dim / 2, dim};
}

nn::Mlp network(ad::Params& params, const std::string& name, std::size_t dim, Half moved,
                const CouplingOptions& options, ad::Key key) {
  const bool capped = options.form == CouplingForm::capped;
  std::vector<std::size_t> widths{capped ? dim : size_of(other(moved), dim) + options.context_dim};
  widths.insert(widths.end(), options.hidden.begin(), options.hidden.end());
  widths.push_back(capped ? dim : size_of(moved, dim));
  const nn::MlpOptions init = capped ? nn::MlpOptions{.init = nn::fan_in_normal(1e-6)}
                                     : nn::MlpOptions{.last = nn::zeros()};
  return {params, name, widths, options.activation, key, init};
}

double checked_cap(const std::string& name, const CouplingOptions& options) {
  if (!(options.cap > 0 && std::isfinite(options.cap))) {
    throw std::invalid_argument("coupling \"" + name + "\": cap " + std::to_string(options.cap) +
                                "; need a finite number above 0");
  }
  if (options.form == CouplingForm::capped && options.context_dim > 0) {
    throw std::invalid_argument("coupling \"" + name +
                                "\": the capped form takes no context; need the plain one");
  }
  return options.cap;
}

}  // namespace

AffineCoupling::AffineCoupling(ad::Params& params, const std::string& name, std::size_t dim,
                               Half moved, const CouplingOptions& options, ad::Key key)
    : Coupling(name, dim, moved, options.context_dim),
      form_(options.form),
      cap_(checked_cap(name, options)),
      s_(network(params, name + ".s", dim, moved, options, key.fork(0))),
      t_(network(params, name + ".t", dim, moved, options, key.fork(1))) {}

AffineCoupling::ScaleShift AffineCoupling::scale_shift(ad::Var condition, double sign) const {
  if (form_ == CouplingForm::plain) {
    return {(sign * cap_) * tanh(s_(condition) / cap_), t_(condition)};
  }
  const nn::Columns in = columns(dim(), other(moved())), out = columns(dim(), moved());
  return {(sign * cap_) * tanh(s_(condition, in, out)), cap_ * t_(condition, in, out)};
}

MappedHalves AffineCoupling::forward(const Halves& z, ad::Var context) const {
  const ad::Var x = z[moved()];
  const auto [s, t] = scale_shift(with_context(z[other(moved())], context), 1);
  const ad::Var y = form_ == CouplingForm::plain ? x * exp(s) + t : (x + t) * exp(s);
  return {with_moved(z, y), sum(s, 1)};
}

MappedHalves AffineCoupling::inverse(const Halves& x, ad::Var context) const {
  const ad::Var y = x[moved()];
  const auto [minus_s, t] = scale_shift(with_context(x[other(moved())], context), -1);
  const ad::Var z = form_ == CouplingForm::plain ? (y - t) * exp(minus_s) : y * exp(minus_s) - t;
  return {with_moved(x, z), sum(minus_s, 1)};
}

}  // namespace eqp::flows
