#include "mcmc/elliptical_slice.hpp"

#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {
namespace {

/// Throws std::invalid_argument unless draws are affine in as many normals as coordinates, and the
/// density is that of the normals.
void check_gaussian(const flows::Base& base) {
  const std::size_t n = 8, d = base.dim();
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("EllipticalSlice: the base is not Gaussian: " + what);
  };
  if (base.noise_dim() != d) {
    fail("it draws " + std::to_string(d) + " coordinates from " + std::to_string(base.noise_dim()) +
         " normals");
  }
  const ad::Tensor noise = ad::normal({n, d}, {}), other = ad::normal({n, d}, {.seed = 1});
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        const ad::Var m = base.draw(0 * in[0]), a = base.draw(in[0]), b = base.draw(in[1]);
        return {a - m, base.draw(in[0] + in[1]) - b,
                base.log_prob(a) + 0.5 * sum(square(in[0]), 1)};
      },
      {noise, other});
  double size = 0, bend = 0, spread = 0;
  for (std::size_t k = 0; k < n * d; ++k) {
    size = std::max(size, std::abs(double(out[0][k])));
    bend = std::max(bend, std::abs(double(out[0][k]) - double(out[1][k])));
  }
  for (std::size_t i = 0; i < n; ++i) {
    spread = std::max(spread, std::abs(double(out[2][i]) - double(out[2][0])));
  }
  // Written so that a NaN fails; single precision and a poor condition leave some digits.
  constexpr double kTolerance = 1e-2;
  if (!(bend <= kTolerance * size)) fail("its draws are not affine in the normals");
  if (!(spread <= kTolerance * double(1 + d))) fail("its density is not that of its draws");
}

}  // namespace

EllipticalSlice::EllipticalSlice(const Energy& energy, std::shared_ptr<const flows::Base> base,
                                 Options options)
    : dim_(base->dim()),
      max_shrinks_(options.max_shrinks),
      without_base_({ad::Shape{dim_}},
                    [=](std::span<const ad::Var> in) -> ad::Vars {
                      return {energy(in[0]) + base->log_prob(in[0])};
                    }),
      direction_({ad::Shape{dim_}}, [=](std::span<const ad::Var> in) -> ad::Vars {
        const ad::Var mean = base->draw(ad::full(*in[0].tape, {1, base->dim()}, 0));
        return {base->draw(in[0]) - mean, mean};
      }) {
  check_gaussian(*base);
  if (max_shrinks_ > 0) return;
  throw std::invalid_argument("EllipticalSlice: max_shrinks 0; need at least 1");
}

void EllipticalSlice::check_slice_at(State& s, std::size_t i) {
  evaluate(s.at, s.position);
  const double energy = s.at.out(0)[i], level = s.level[i];
  const double rounding = 100 * double(std::numeric_limits<Real>::epsilon());
  if (energy <= level + rounding * (1 + std::abs(level))) return;
  std::ostringstream text;
  text << "EllipticalSlice: no point of the slice, not even where the chain is: the energy without "
          "the base is "
       << energy << " there and has to be " << level
       << " at most; refresh after parameters or positions changed";
  throw ad::NonFinite(text.str(), ad::NonFinite::Origin::operation, i);
}

}  // namespace eqp::mcmc
