#include "mcmc/defensive.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>
#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {

Proposal defensive_mixture(const Proposal& q, const Proposal& broad, DefensiveOptions options) {
  const double alpha = options.alpha;
  if (q.dim != broad.dim || !(alpha > 0 && alpha < 1)) {
    std::ostringstream text;
    text << "defensive_mixture: alpha " << alpha << " of proposals of dim " << q.dim << " and "
         << broad.dim << "; need a number between 0 and 1 and equal dims";
    throw std::invalid_argument(text.str());
  }
  const auto log_prob = [=](ad::Var x) {
    const std::size_t n = x.shape()[0];
    const ad::Var most = reshape(q.log_prob(x) + std::log1p(-alpha), {n, 1}),
                  rest = reshape(broad.log_prob(x) + std::log(alpha), {n, 1});
    return logsumexp(ad::concat({most, rest}, 1), 1);
  };
  // Only one of the two is drawn from, so they may share their normals; one more says which.
  const std::size_t shared = std::max(q.noise_dim, broad.noise_dim);
  const double cut = -std::numbers::sqrt2 * boost::math::erfc_inv(2 * alpha);  // P(N < cut) = alpha
  return {.dim = q.dim,
          .noise_dim = shared + 1,
          .sample =
              [=](ad::Var noise) {
                const auto drawn = [&](const Proposal& p) {
                  return p.sample(slice(noise, 1, 0, p.noise_dim)).first;
                };
                const ad::Var choice = cut - slice(noise, 1, shared, shared + 1);
                const ad::Var to_broad =
                    broadcast_to(greater(choice, 0 * choice), {noise.shape()[0], q.dim});
                const ad::Var x = where(to_broad, drawn(broad), drawn(q));
                return std::pair(x, log_prob(x));
              },
          .log_prob = log_prob};
}

Proposal student_proposal(const std::vector<double>& mean, const std::vector<double>& sd,
                          std::size_t degrees) {
  const bool good = !mean.empty() && mean.size() == sd.size() && degrees > 0 &&
                    std::ranges::all_of(mean, [](double m) { return std::isfinite(m); }) &&
                    std::ranges::all_of(sd, [](double s) { return s > 0 && std::isfinite(s); });
  if (!good) {
    throw std::invalid_argument(
        "student_proposal: " + std::to_string(mean.size()) + " means and " +
        std::to_string(sd.size()) + " scales, " + std::to_string(degrees) +
        " degrees of freedom; need as many finite means as positive scales, "
        "and at least 1 degree");
  }
  const std::size_t d = mean.size();
  const double k = double(degrees), power = (k + double(d)) / 2;
  double log_norm =
      std::lgamma(k / 2) - std::lgamma(power) + double(d) / 2 * std::log(k * std::numbers::pi);
  ad::Tensor centre({d}), scale({d});
  for (std::size_t j = 0; j < d; ++j) {
    log_norm += std::log(sd[j]);
    centre[j] = Real(mean[j]);
    scale[j] = Real(sd[j]);
  }
  // log p of the squared distance in units of the scales (n).
  const auto log_density = [=](ad::Var r2) { return -power * log1p(r2 / k) - log_norm; };
  return {.dim = d,
          .noise_dim = d + degrees,
          .sample =
              [=](ad::Var noise) {
                ad::Tape& tape = *noise.tape;
                const std::size_t n = noise.shape()[0];
                const ad::Var chi = sum(square(slice(noise, 1, d, d + degrees)), 1);
                const ad::Var z = slice(noise, 1, 0, d) * reshape(sqrt(k / chi), {n, 1});
                return std::pair(z * tape.constant(scale) + tape.constant(centre),
                                 log_density(sum(square(z), 1)));
              },
          .log_prob =
              [=](ad::Var x) {
                ad::Tape& tape = *x.tape;
                const ad::Var z = (x - tape.constant(centre)) / tape.constant(scale);
                return log_density(sum(square(z), 1));
              }};
}

}  // namespace eqp::mcmc
