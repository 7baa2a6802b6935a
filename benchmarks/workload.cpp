#include "benchmarks/workload.hpp"

#include <map>
#include <stdexcept>

namespace eqp::bench {

std::unique_ptr<Workload> make_workload(const Case& c) {
  using Make = std::unique_ptr<Workload> (*)(const Case&);
  static const std::map<std::string, Make> makers{
      {"W1-ULA", ula},
      {"W1-MALA", mala},
      {"W2", contrastive_divergence},
      {"W3", denoising_score_matching},
      {"W4", sliced_score_matching},
      {"W5", exact_score_matching},
      {"W6-logprob", flow},
      {"W6-sample", flow},
      {"W6-fit", flow},
      {"W7", adaptive_flow},
      {"W8-gauss", hmc_gaussian},
      {"W8-credit", hmc_credit},
      {"W9-hvp", hvp},
      {"W9-laplacian", laplacian},
      {"W10-rows", ula},
      {"W10-width", ula},
      {"W11", contrastive_divergence_of_images},
      {"F-realnvp-logprob", flow},
      {"F-realnvp-sample", flow},
      {"F-realnvp-fit", flow},
      {"F-nsf-logprob", flow},
      {"F-nsf-sample", flow},
      {"F-nsf-fit", flow},
      {"F-maf-logprob", flow},
      {"F-maf-sample", flow},
      {"F-maf-fit", flow},
  };
  if (const auto it = makers.find(c.workload); it != makers.end()) return it->second(c);
  std::string names;
  for (const auto& [name, make] : makers) names += (names.empty() ? "" : ", ") + name;
  throw std::invalid_argument("workload " + c.workload + ": need one of " + names);
}

}  // namespace eqp::bench
