#include "experiments/common/posterior_draws.hpp"

#include "mcmc/draws_writer.hpp"
#include "mcmc/netcdf_draws.hpp"

namespace eqp {
namespace {

/// Gives another sink the quantities in the place of the parameters.
class Quantities final : public mcmc::DrawSink {
 public:
  Quantities(mcmc::Posterior posterior, std::unique_ptr<mcmc::DrawSink> sink)
      : posterior_(std::move(posterior)), sink_(std::move(sink)) {}
  void append(ad::ConstView draws, std::span<const mcmc::StatValues> stats) override {
    sink_->append(quantities(posterior_, draws), stats);
  }
  void finish() override { sink_->finish(); }
  void archive(ad::Archive& a) override { sink_->archive(a); }

 private:
  mcmc::Posterior posterior_;
  std::unique_ptr<mcmc::DrawSink> sink_;
};

/// One vector for beta[1], beta[2], ..., a scalar for any other name.
std::vector<mcmc::DrawVariable> variables(const std::vector<std::string>& names) {
  std::vector<mcmc::DrawVariable> all;
  for (const std::string& name : names) {
    const std::string vector = name.substr(0, name.find('['));
    if (vector == name) {
      all.push_back({name});
    } else if (!all.empty() && all.back().size > 0 && all.back().name == vector) {
      ++all.back().size;
    } else {
      all.push_back({vector, 1});
    }
  }
  return all;
}

}  // namespace

const std::vector<std::string>& draws_formats() {
  static const std::vector<std::string> formats{"none", "npy", "netcdf"};
  return formats;
}

std::unique_ptr<mcmc::DrawSink> posterior_draws(const RunFolder& folder, const std::string& format,
                                                const mcmc::Posterior& posterior,
                                                std::size_t chains) {
  if (format == "none") return nullptr;
  const std::filesystem::path place = folder.path() / "draws" / posterior.name;
  const std::size_t k = posterior.quantities.size();
  std::unique_ptr<mcmc::DrawSink> sink;
  if (format == "npy") {
    sink = std::make_unique<mcmc::DrawsWriter>(
        place, chains, k,
        mcmc::DrawsWriterOptions{.stats = mcmc::transition_stats(), .resumed = folder.resumed()});
  } else {
    std::filesystem::create_directories(place.parent_path());
    const Row configuration = {{"experiment", folder.configuration()["experiment"]},
                               {"posterior", posterior.name},
                               {"options", folder.options()},
                               {"build", folder.configuration()["build"]}};
    sink = std::make_unique<mcmc::NetcdfDraws>(
        place.string() + ".nc", chains, k,
        mcmc::NetcdfOptions{.variables = variables(posterior.quantities),
                            .stats = mcmc::transition_stats(),
                            .configuration = configuration.dump(),
                            .resumed = folder.resumed()});
  }
  return std::make_unique<Quantities>(posterior, std::move(sink));
}

}  // namespace eqp
