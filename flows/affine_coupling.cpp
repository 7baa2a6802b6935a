#include "flows/affine_coupling.hpp"

#include <cmath>
#include <stdexcept>

namespace eqp::flows {
namespace {

nn::Columns columns(std::size_t dim, Half which) {
  return which == Half::first ? nn::Columns{0, dim / 2} : nn::Columns{dim / 2, dim};
}

Half other(Half which) { return which == Half::first ? Half::second : Half::first; }

nn::Mlp network(ad::Params& params, const std::string& name, std::size_t dim, Half moved,
                const CouplingOptions& options, ad::Key key) {
  const bool capped = options.form == CouplingForm::capped;
  std::vector<std::size_t> widths{capped ? dim : columns(dim, other(moved)).size()};
  widths.insert(widths.end(), options.hidden.begin(), options.hidden.end());
  widths.push_back(capped ? dim : columns(dim, moved).size());
  const nn::MlpOptions init = capped ? nn::MlpOptions{.init = nn::fan_in_normal(1e-6)}
                                     : nn::MlpOptions{.last = nn::zeros()};
  return {params, name, widths, options.activation, key, init};
}

std::size_t checked_dim(std::size_t dim) {
  if (dim >= 2) return dim;
  throw std::invalid_argument("coupling: dim " + std::to_string(dim) +
                              " cannot be split; need at least 2");
}

double checked_cap(double cap) {
  if (cap > 0 && std::isfinite(cap)) return cap;
  throw std::invalid_argument("coupling: cap " + std::to_string(cap) +
                              "; need a finite number above 0");
}

}  // namespace

AffineCoupling::AffineCoupling(ad::Params& params, const std::string& name, std::size_t dim,
                               Half moved, const CouplingOptions& options, ad::Key key)
    : name_(name),
      dim_(checked_dim(dim)),
      moved_(moved),
      form_(options.form),
      cap_(checked_cap(options.cap)),
      s_(network(params, name + ".s", dim, moved, options, key.fork(0))),
      t_(network(params, name + ".t", dim, moved, options, key.fork(1))) {}

AffineCoupling::ScaleShift AffineCoupling::scale_shift(ad::Var copied, double sign) const {
  if (form_ == CouplingForm::plain) {
    return {(sign * cap_) * tanh(s_(copied) / cap_), t_(copied)};
  }
  const nn::Columns in = columns(dim_, other(moved_)), out = columns(dim_, moved_);
  return {(sign * cap_) * tanh(s_(copied, in, out)), cap_ * t_(copied, in, out)};
}

Halves AffineCoupling::with_moved(Halves x, ad::Var moved) const {
  (moved_ == Half::first ? x.first : x.second) = moved;
  return x;
}

MappedHalves AffineCoupling::forward(const Halves& z) const {
  const ad::Var x = moved(z);
  const ad::Scope scope(*x.tape, name_);
  const auto [s, t] = scale_shift(copied(z), 1);
  const ad::Var y = form_ == CouplingForm::plain ? x * exp(s) + t : (x + t) * exp(s);
  return {with_moved(z, y), sum(s, 1)};
}

MappedHalves AffineCoupling::inverse(const Halves& x) const {
  const ad::Var y = moved(x);
  const ad::Scope scope(*y.tape, name_);
  const auto [minus_s, t] = scale_shift(copied(x), -1);
  const ad::Var z = form_ == CouplingForm::plain ? (y - t) * exp(minus_s) : y * exp(minus_s) - t;
  return {with_moved(x, z), sum(minus_s, 1)};
}

}  // namespace eqp::flows
