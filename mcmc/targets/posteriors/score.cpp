#include "mcmc/targets/posteriors/score.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "autodiff/sum_of.hpp"

namespace eqp::mcmc {
namespace {

double mean_of(const std::vector<double>& values) {
  return ad::sum_of(values.size(), [&](std::size_t i) { return values[i]; }) /
         double(values.size());
}

Score score_of(const std::string& quantity, const ChainValues& q,
               const std::optional<ReferenceMoments>& reference) {
  Score s{.quantity = quantity,
          .mean = mean_of(q.values),
          .mean_error = mcse_mean(q),
          .ess_bulk = ess_bulk(q),
          .rhat = rhat(q),
          .reference = reference,
          .z_mean = std::numeric_limits<double>::quiet_NaN(),
          .z_sd = std::numeric_limits<double>::quiet_NaN()};
  ChainValues squares = q, fourth = q;
  for (std::size_t i = 0; i < q.values.size(); ++i) {
    const double deviation = q.values[i] - s.mean;
    squares.values[i] = deviation * deviation;
  }
  const double variance = mean_of(squares.values);
  s.sd = std::sqrt(variance);
  s.sd_error = mcse_mean(squares) / (2 * s.sd);
  if (!reference) return s;
  for (double& v : fourth.values) v = std::pow((v - s.mean) / s.sd, 4);
  const double kurtosis = mean_of(fourth.values);
  const double sd_error = reference->sd * std::sqrt((kurtosis - 1) / (4 * reference->draws));
  s.z_mean = (s.mean - reference->mean) / std::hypot(s.mean_error, reference->mean_error);
  s.z_sd = (s.sd - reference->sd) / std::hypot(s.sd_error, sd_error);
  return s;
}

}  // namespace

std::vector<Score> scores(const Posterior& posterior, ad::ConstView draws) {
  if (draws.shape.rank() != 3) {
    throw std::invalid_argument(posterior.name + ": draws " + str(draws.shape) +
                                "; need (chains, draws, d)");
  }
  const ad::Tensor q = quantities(posterior, draws);
  std::vector<Score> result(posterior.quantities.size());
  ad::parallel_for(result.size(), [&](std::size_t j) {
    result[j] = score_of(
        posterior.quantities[j], coordinate(q, j),
        posterior.reference.empty() ? std::nullopt : std::optional(posterior.reference[j]));
  });
  return result;
}

double worst_z(const std::vector<Score>& scores) {
  double worst = 0;
  for (const Score& s : scores) {
    if (!s.reference) continue;
    for (const double z : {s.z_mean, s.z_sd}) {
      worst =
          std::isnan(z) ? std::numeric_limits<double>::infinity() : std::max(worst, std::abs(z));
    }
  }
  return worst;
}

double least_ess(const std::vector<Score>& scores) {
  double least = std::numeric_limits<double>::infinity();
  for (const Score& s : scores) {
    if (std::isnan(s.ess_bulk)) return s.ess_bulk;
    least = std::min(least, s.ess_bulk);
  }
  return least;
}

}  // namespace eqp::mcmc
