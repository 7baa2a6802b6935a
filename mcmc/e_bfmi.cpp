#include "mcmc/e_bfmi.hpp"

#include <stdexcept>
#include <string>

namespace eqp::mcmc {

std::vector<double> e_bfmi(const ChainValues& energies) {
  if (energies.chains == 0 || energies.draws < 4) {
    throw std::invalid_argument("e_bfmi: " + std::to_string(energies.chains) + " chains of " +
                                std::to_string(energies.draws) +
                                " energies; need at least 1 chain of 4");
  }
  std::vector<double> result(energies.chains);
  for (std::size_t c = 0; c < energies.chains; ++c) {
    const auto h = energies.chain(c);
    double squares = 0;
    for (std::size_t t = 1; t < h.size(); ++t) squares += (h[t] - h[t - 1]) * (h[t] - h[t - 1]);
    result[c] = squares / (mean_variance(h).variance * static_cast<double>(h.size() - 1));
  }
  return result;
}

}  // namespace eqp::mcmc
