// write PATH: draws and statistics as NetCDF, for read.py: coordinate j of draw t of chain c is
// 100 c + t + j / 8, exactly in single precision too.
#include "mcmc/netcdf_draws.hpp"

using namespace eqp;

int main(int, char** argv) {
  constexpr std::size_t kChains = 3, kDraws = 50, kSlab = 20;
  mcmc::NetcdfDraws file(argv[1], kChains, 4,
                         {.variables = {{"mu"}, {"theta", 3}},
                          .stats = {{"energy"},
                                    {"n_steps", mcmc::StatType::integer},
                                    {"diverging", mcmc::StatType::boolean}},
                          .configuration = R"({"seed": 7, "kernel": "nuts"})"});
  for (std::size_t first = 0; first < kDraws; first += kSlab) {
    const std::size_t k = std::min(kSlab, kDraws - first);
    ad::Tensor draws({kChains, k, 4});
    std::vector<mcmc::StatValues> stats(3);
    for (std::size_t c = 0; c < kChains; ++c) {
      for (std::size_t t = first; t < first + k; ++t) {
        const double value = 100.0 * double(c) + double(t);
        for (std::size_t j = 0; j < 4; ++j) {
          draws[(c * k + t - first) * 4 + j] = static_cast<Real>(value + double(j) / 8);
        }
        stats[0].push_back(value / 7);
        stats[1].push_back(double(t));
        stats[2].push_back(t % 10 == 3);
      }
    }
    file.append(draws, stats);
  }
  file.finish();
}
