#include "mcmc/autocovariance.hpp"

#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace eqp::mcmc {
namespace {

/// Real and imaginary parts in arrays of their own, which the compiler's vectors want.
struct Signal {
  std::vector<double> re, im;

  explicit Signal(std::size_t size) : re(size), im(size) {}
};

/// exp(-2 pi i k / (2 half)), k < half, at half + k, for half = 1, 2, 4, ...: one after the other
/// in the order a transform asks for them.
Signal roots_of_unity(std::size_t size) {
  Signal roots(size);
  for (std::size_t half = 1; half < size; half *= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      const double angle = -std::numbers::pi * double(k) / double(half);
      roots.re[half + k] = std::cos(angle);
      roots.im[half + k] = std::sin(angle);
    }
  }
  return roots;
}

/// sum_t z_t exp(-2 pi i k t / size) in place, size a power of 2 (Cooley & Tukey 1965).
void transform(Signal& z, const Signal& roots) {
  const std::size_t size = z.re.size();
  for (std::size_t i = 1, reversed = 0; i < size; ++i) {
    std::size_t bit = size / 2;
    for (; reversed & bit; bit /= 2) reversed ^= bit;
    reversed ^= bit;
    if (i < reversed) {
      std::swap(z.re[i], z.re[reversed]);
      std::swap(z.im[i], z.im[reversed]);
    }
  }
  for (std::size_t half = 1; half < size; half *= 2) {
    const double *wr = &roots.re[half], *wi = &roots.im[half];
    for (std::size_t first = 0; first < size; first += 2 * half) {
      double *ar = &z.re[first], *ai = &z.im[first], *br = ar + half, *bi = ai + half;
      for (std::size_t k = 0; k < half; ++k) {
        const double re = wr[k] * br[k] - wi[k] * bi[k], im = wr[k] * bi[k] + wi[k] * br[k];
        br[k] = ar[k] - re;
        bi[k] = ai[k] - im;
        ar[k] += re;
        ai[k] += im;
      }
    }
  }
}

}  // namespace

std::vector<double> autocovariance(const ChainValues& x) {
  // Twice as long as the chains, so that no product of a chain's end and its beginning comes in.
  const std::size_t size = std::bit_ceil(2 * x.draws);
  const Signal roots = roots_of_unity(size);
  Signal power(size);
  for (std::size_t c = 0; c < x.chains; c += 2) {
    // The autocovariance of a + ib has that of a plus that of b as its real part.
    Signal z(size);
    const auto put = [&](std::size_t chain, std::vector<double>& to) {
      const auto values = x.chain(chain);
      const double mean = mean_variance(values).mean;
      for (std::size_t t = 0; t < x.draws; ++t) to[t] = values[t] - mean;
    };
    put(c, z.re);
    if (c + 1 < x.chains) put(c + 1, z.im);
    transform(z, roots);
    for (std::size_t k = 0; k < size; ++k) power.re[k] += z.re[k] * z.re[k] + z.im[k] * z.im[k];
  }
  transform(power, roots);
  std::vector<double> result(x.draws);
  const double scale = 1 / (double(size) * double(x.values.size()));
  for (std::size_t lag = 0; lag < x.draws; ++lag) result[lag] = power.re[lag] * scale;
  return result;
}

}  // namespace eqp::mcmc
