#include "flows/maf.hpp"

#include <stdexcept>

#include "flows/base.hpp"
#include "flows/permutation.hpp"

namespace eqp::flows {

Flow maf(ad::Params& params, const std::string& name, std::size_t dim, const MafOptions& options,
         ad::Key key) {
  if (options.transforms == 0) throw std::invalid_argument("maf: 0 transforms; need at least 1");
  Layers layers;
  for (std::size_t i = 0; i < options.transforms; ++i) {
    if (i > 0) layers.push_back(std::make_shared<Permutation>(reversal(dim)));
    layers.push_back(std::make_shared<Autoregressive>(
        params, name + "." + std::to_string(i), dim, options.family,
        AutoregressiveOptions{.hidden = options.hidden,
                              .activation = options.activation,
                              .one_pass = options.one_pass,
                              .context_dim = options.context_dim},
        key.fork(std::uint32_t(i))));
  }
  return Flow(std::make_shared<DiagonalGaussian>(standard_normal(dim, options.base_variance)),
              std::move(layers));
}

}  // namespace eqp::flows
