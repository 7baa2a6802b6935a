#include "flows/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "flows/uniform.hpp"

namespace eqp::flows {

TrainableMixture::TrainableMixture(ad::Params& params, const std::string& name, std::size_t dim,
                                   const MixtureOptions& o, ad::Key key) {
  const auto positive = [](double v) { return v > 0 && std::isfinite(v); };
  if (dim == 0 || o.components == 0 || !positive(o.spread) || !positive(o.scale)) {
    throw std::invalid_argument("mixture \"" + name + "\": dim " + std::to_string(dim) + ", " +
                                std::to_string(o.components) + " components, spread " +
                                std::to_string(o.spread) + ", scale " + std::to_string(o.scale) +
                                "; need at least 1 of both, and finite numbers above 0");
  }
  ad::Draws draws(key);
  const ad::Shape shape{o.components, dim};
  mean_ = params.add(name + ".mean", shape, [&](std::span<Real> v) {
    for (Real& m : v) m = Real(o.spread * draws.normal());
  });
  log_scale_ = params.add(name + ".log_scale", shape, [&](std::span<Real> v) {
    std::ranges::fill(v, Real(std::log(o.scale)));
  });
  logit_ = params.add(name + ".logit", {o.components},
                      [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
}

ad::Var TrainableMixture::log_weights(ad::Tape& tape) const {
  const ad::Var logit = logit_.on(tape);
  return logit - logsumexp(logit, 0);
}

ad::Var TrainableMixture::draw(ad::Var noise) const {
  check_batch("mixture draw", noise, noise_dim());
  ad::Tape& tape = *noise.tape;
  const std::size_t n = noise.shape()[0], d = dim(), k = n_components();
  const ad::Var u = normal_cdf(slice(noise, 1, d, d + 1));
  // The component whose part of [0, 1] holds u: the number of parts that end before u, as a mask.
  const ad::Var ends = cumsum(exp(log_weights(tape)), 0);
  const ad::Var past = greater(u, slice(ends, 0, 0, k - 1));
  const ad::Var first = full(tape, {n, 1}, 1), none = full(tape, {n, 1}, 0);
  const ad::Var chosen = concat(ad::Vars{first, past}, 1) - concat(ad::Vars{past, none}, 1);
  const ad::Var scale = matmul(chosen, exp(log_scale_.on(tape)));
  return matmul(chosen, mean_.on(tape)) + scale * slice(noise, 1, 0, d);
}

ad::Var TrainableMixture::log_prob(ad::Var z) const {
  check_batch("mixture log_prob", z, dim());
  ad::Tape& tape = *z.tape;
  const std::size_t n = z.shape()[0], d = dim();
  const double log_norm = 0.5 * double(d) * std::log(2 * std::numbers::pi);
  const ad::Var log_scale = log_scale_.on(tape);
  const ad::Var standard = (reshape(z, {n, 1, d}) - mean_.on(tape)) * exp(-log_scale);
  const ad::Var each =
      -0.5 * sum(square(standard), 2) + (log_weights(tape) - sum(log_scale, 1) - log_norm);
  return logsumexp(each, 1);
}

}  // namespace eqp::flows
