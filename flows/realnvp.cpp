#include "flows/realnvp.hpp"

#include <stdexcept>

#include "flows/base.hpp"

namespace eqp::flows {

Flow realnvp(ad::Params& params, const std::string& name, std::size_t dim,
             const RealNvpOptions& options, ad::Key key) {
  if (options.blocks == 0) throw std::invalid_argument("realnvp: 0 blocks; need at least 1");
  const auto base = std::make_shared<DiagonalGaussian>(standard_normal(dim, options.base_variance));
  const std::size_t n_couplings = 2 * options.blocks;
  CouplingOptions coupling{.hidden = options.hidden,
                           .form = options.form,
                           .activation = options.activation,
                           .context_dim = options.context_dim};
  if (options.form == CouplingForm::capped) coupling.cap = 2 / double(n_couplings);

  std::vector<std::shared_ptr<const Coupling>> couplings;
  for (std::size_t i = 0; i < n_couplings; ++i) {
    couplings.push_back(std::make_shared<AffineCoupling>(
        params, name + "." + std::to_string(i), dim, i % 2 == 0 ? Half::first : Half::second,
        coupling, key.fork(std::uint32_t(i))));
  }
  return Flow(base, {std::make_shared<CouplingChain>(name, std::move(couplings))});
}

}  // namespace eqp::flows
