#include "flows/realnvp.hpp"

#include <stdexcept>

#include "flows/base.hpp"
#include "flows/monotone_coupling.hpp"

namespace eqp::flows {

Flow realnvp(ad::Params& params, const std::string& name, std::size_t dim,
             const RealNvpOptions& options, ad::Key key) {
  if (options.blocks == 0) throw std::invalid_argument("realnvp: 0 blocks; need at least 1");
  const bool plain = options.form == CouplingForm::plain;
  if (options.networks == Networks::one && !plain) {
    throw std::invalid_argument("realnvp: one network in the capped form; need the plain form");
  }
  const auto base = std::make_shared<DiagonalGaussian>(standard_normal(dim, options.base_variance));
  const std::size_t n_couplings = 2 * options.blocks;
  CouplingOptions coupling{.hidden = options.hidden,
                           .form = options.form,
                           .activation = options.activation,
                           .context_dim = options.context_dim};
  if (!plain) coupling.cap = 2 / double(n_couplings);

  std::vector<std::shared_ptr<const Coupling>> couplings;
  for (std::size_t i = 0; i < n_couplings; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    const Half moved = i % 2 == 0 ? Half::first : Half::second;
    const ad::Key layer_key = key.fork(std::uint32_t(i));
    if (options.networks == Networks::one) {
      const MonotoneCouplingOptions one{.hidden = options.hidden,
                                        .activation = options.activation,
                                        .context_dim = options.context_dim};
      couplings.push_back(std::make_shared<MonotoneCoupling>(
          params, layer, dim, moved, affine_map(coupling.cap), one, layer_key));
    } else {
      couplings.push_back(
          std::make_shared<AffineCoupling>(params, layer, dim, moved, coupling, layer_key));
    }
  }
  return Flow(base, {std::make_shared<CouplingChain>(name, std::move(couplings))});
}

}  // namespace eqp::flows
