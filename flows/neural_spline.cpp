#include "flows/neural_spline.hpp"

#include <stdexcept>

#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "flows/monotone_coupling.hpp"
#include "flows/permutation.hpp"
#include "flows/uniform.hpp"

namespace eqp::flows {

Flow neural_spline(ad::Params& params, const std::string& name, std::size_t dim,
                   const NeuralSplineOptions& options, ad::Key key) {
  if (options.blocks == 0) throw std::invalid_argument("neural_spline: 0 blocks; need at least 1");
  const bool torus = options.spline.tails == Tails::circular;
  if (torus && options.mixing == Mixing::lu) {
    throw std::invalid_argument("neural_spline: LU layers do not map the torus to itself");
  }
  const auto family = torus ? circular_spline(options.spline) : rational_quadratic(options.spline);
  const MonotoneCouplingOptions coupling{.hidden = options.hidden,
                                         .activation = options.activation,
                                         .context_dim = options.context_dim};
  Layers layers;
  std::vector<std::shared_ptr<const Coupling>> chain;
  const auto end_chain = [&] {
    layers.push_back(std::make_shared<CouplingChain>(name, std::move(chain)));
    chain.clear();
  };
  for (std::size_t i = 0; i < options.blocks; ++i) {
    const std::string number = std::to_string(i);
    if (i > 0 && options.mixing != Mixing::none) {
      end_chain();
      const ad::Key mixing_key = key.fork(1).fork(std::uint32_t(i));
      if (options.mixing == Mixing::lu) {
        layers.push_back(
            std::make_shared<LuLinear>(params, name + ".mixing." + number, dim, mixing_key));
      } else {
        layers.push_back(std::make_shared<Permutation>(shuffle(dim, mixing_key)));
      }
    }
    for (const Half half : {Half::first, Half::second}) {
      const std::size_t k = 2 * i + (half == Half::second);
      chain.push_back(std::make_shared<MonotoneCoupling>(params, name + "." + std::to_string(k),
                                                         dim, half, family, coupling,
                                                         key.fork(0).fork(std::uint32_t(k))));
    }
  }
  end_chain();
  if (torus) {
    const std::vector<double> high(dim, options.spline.bound), low(dim, -options.spline.bound);
    return Flow(std::make_shared<UniformBox>(low, high, Outside::periodic), std::move(layers));
  }
  return Flow(std::make_shared<DiagonalGaussian>(standard_normal(dim, options.base_variance)),
              std::move(layers));
}

}  // namespace eqp::flows
