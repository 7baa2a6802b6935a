#include "mcmc/targets/target.hpp"

#include <algorithm>
#include <stdexcept>

namespace eqp::mcmc {

Sampler sample_rows(const std::string& who, std::size_t dim,
                    std::function<void(ad::Draws& draws, std::span<double> x)> draw) {
  return [=](ad::View out, ad::Key key, std::uint32_t first) {
    if (out.shape.rank() != 2 || out.shape[1] != dim) {
      throw std::invalid_argument(who + ": draws into an array of shape " + str(out.shape) +
                                  ", need (n, " + std::to_string(dim) + ")");
    }
    std::vector<double> x(dim);
    for (std::size_t i = 0; i < out.rows(); ++i) {
      ad::Draws draws(key, first + std::uint32_t(i));
      draw(draws, x);
      std::ranges::transform(x, out.row(i).begin(), [](double v) { return Real(v); });
    }
  };
}

}  // namespace eqp::mcmc
