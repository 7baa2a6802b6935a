#include "experiments/common/sample_posterior.hpp"

#include <chrono>
#include <stdexcept>

#include "autodiff/cholesky.hpp"
#include "experiments/common/interrupt.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/run.hpp"

namespace eqp {
namespace {

/// x = mean + L z.
class Whitening {
 public:
  /// With the moments of draws x (..., d).
  explicit Whitening(ad::ConstView x)
      : mean_(mean_of(x)), factor_("posteriors", covariance_of(x, mean_), mean_.size()) {}

  /// The energy of z.
  mcmc::Energy operator()(const mcmc::Energy& energy) const {
    const std::size_t d = mean_.size();
    ad::Tensor factor({d, d}), mean({d});
    for (std::size_t i = 0; i < d; ++i) {
      mean[i] = Real(mean_[i]);
      for (std::size_t j = 0; j <= i; ++j) factor(i, j) = Real(factor_(i, j));
    }
    return [=](ad::Var z) {
      return energy(affine(z, z.tape->constant(factor), z.tape->constant(mean), {.b = true}));
    };
  }
  /// In place.  z (..., d)
  void to_x(ad::View z) const {
    for_each_point(z, [&](std::vector<double>& v) {
      factor_.multiply(v);
      for (std::size_t j = 0; j < v.size(); ++j) v[j] += mean_[j];
    });
  }
  void to_z(ad::View x) const {
    for_each_point(x, [&](std::vector<double>& v) {
      for (std::size_t j = 0; j < v.size(); ++j) v[j] -= mean_[j];
      factor_.solve(v);
    });
  }

 private:
  template <class Map>
  void for_each_point(ad::View x, Map map) const {
    std::vector<double> v(mean_.size());
    for (std::size_t i = 0; i < x.size(); i += v.size()) {
      const auto point = x.flat().subspan(i, v.size());
      std::ranges::copy(point, v.begin());
      map(v);
      std::ranges::transform(v, point.begin(), [](double value) { return Real(value); });
    }
  }
  static std::vector<double> mean_of(ad::ConstView x) {
    const std::size_t d = x.shape[x.shape.rank() - 1];
    std::vector<double> mean(d);
    for (std::size_t i = 0; i < x.size(); ++i) mean[i % d] += x[i] * double(d) / double(x.size());
    return mean;
  }
  static std::vector<double> covariance_of(ad::ConstView x, const std::vector<double>& mean) {
    const std::size_t d = mean.size();
    std::vector<double> c(d * d);
    for (std::size_t i = 0; i < x.size(); i += d) {
      for (std::size_t j = 0; j < d; ++j) {
        for (std::size_t k = 0; k < d; ++k) {
          c[j * d + k] +=
              (x[i + j] - mean[j]) * (x[i + k] - mean[k]) * double(d) / double(x.size());
        }
      }
    }
    return c;
  }

  std::vector<double> mean_;
  ad::Cholesky factor_;
};

struct Tuning {
  double acceptance = 0.8;
  std::size_t search_leaps = 20, leaps = 2;  // of a trajectory, before and after the shape is known
};
Tuning tuned_for(const std::string& posterior) {
  // A funnel has no coordinates that suit all of it: small steps for its neck, many for its mouth.
  if (posterior == "eight_schools_centered") return {0.97, 20, 100};
  // Standard deviations differ by a factor of 100 and more, and chains start far from all of it.
  if (posterior == "kidscore_momiq" || posterior == "blr") return {.search_leaps = 500};
  return {};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Sample sample(const mcmc::Posterior& posterior, const SampleOptions& o) {
  // Most windows of the warm-up find the typical set and its shape, the last one the step size.
  constexpr std::uint32_t kShapes = 5, kLeast = 2 * kShapes + 2;
  if (o.warmup < kLeast) {
    throw std::invalid_argument("sample: warm-up of " + std::to_string(o.warmup) +
                                " steps; need at least " + std::to_string(kLeast));
  }
  const std::uint32_t half = o.warmup / kLeast;
  const auto [acceptance, search_leaps, leaps] = tuned_for(posterior.name);

  Sample s;
  const auto start = std::chrono::steady_clock::now();
  std::uint32_t runs = 0;
  const auto run = [&](const mcmc::Energy& energy, ad::ConstView x, mcmc::Hmc::Options hmc,
                       mcmc::RunOptions options) {
    options.key = o.key.fork(++runs);
    auto result = mcmc::run(mcmc::Hmc(energy, posterior.dim(), hmc), x, options);
    s.warmup_gradients += options.warmup * o.chains * hmc.leapfrog_steps;
    return result;
  };
  // Half of the steps adapt the step size, beginning with one that most chains bear.
  const auto window = [&](const mcmc::Energy& energy, ad::ConstView x, std::size_t n_leaps,
                          std::uint32_t warmup, std::uint32_t steps) {
    double h = 1;
    for (double rate = 0; rate < acceptance / 2 && h > 1e-12; h /= 2) {
      const auto trial = run(energy, x, {.step_size = h, .leapfrog_steps = n_leaps}, {.steps = 1});
      s.warmup_gradients += trial.counts.gradients;
      rate = trial.counts.rate();
    }
    return run(energy, x, {.step_size = h, .leapfrog_steps = n_leaps},
               {.steps = steps, .warmup = warmup, .target_accept = acceptance});
  };

  auto shape =
      window(posterior.energy, mcmc::starts(posterior, o.chains, o.key), search_leaps, half, half);
  for (std::uint32_t k = 1; k < kShapes; ++k) {
    s.warmup_gradients += shape.counts.gradients;
    const Whitening whitening(shape.draws);
    whitening.to_z(shape.last);
    shape = window(whitening(posterior.energy), shape.last, search_leaps, half, half);
    whitening.to_x(shape.draws);
    whitening.to_x(shape.last);
  }
  s.warmup_gradients += shape.counts.gradients;
  const Whitening whitening(shape.draws);
  whitening.to_z(shape.last);
  const mcmc::Energy energy = whitening(posterior.energy);
  const auto tuned = window(energy, shape.last, leaps, 2 * half, 1);
  s.warmup_gradients += tuned.counts.gradients;
  s.warmup_seconds = seconds_since(start);

  auto result = run(energy, tuned.last, {.step_size = tuned.step_size, .leapfrog_steps = leaps},
                    {.steps = o.steps, .stop = interrupted});
  whitening.to_x(result.draws);
  s.draws = std::move(result.draws);
  s.counts = result.counts;
  s.step_size = tuned.step_size;
  s.warning = result.warning;
  s.seconds = seconds_since(start) - s.warmup_seconds;
  return s;
}

}  // namespace eqp
