#include "mcmc/targets/posteriors/posterior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "mcmc/targets/posteriors/data_file.hpp"
#include "mcmc/targets/posteriors/eight_schools.hpp"
#include "mcmc/targets/posteriors/linear_regression.hpp"
#include "mcmc/targets/posteriors/logistic_regression.hpp"

namespace eqp::mcmc {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string name, data, reference;  // files
  Posterior (*make)(const std::string& name, const fs::path& data);
};

const std::vector<Entry>& entries() {
  static const std::string schools = "eight_schools-eight_schools_noncentered.reference.json";
  static const std::vector<Entry> all{
      {"eight_schools_centered", "eight_schools.json", schools,
       [](const std::string&, const fs::path& data) {
         return eight_schools_centered(read_eight_schools(data));
       }},
      {"eight_schools_noncentered", "eight_schools.json", schools,
       [](const std::string&, const fs::path& data) {
         return eight_schools_noncentered(read_eight_schools(data));
       }},
      {"kidscore_momiq", "kidiq.json", "kidiq-kidscore_momiq.reference.json",
       [](const std::string& name, const fs::path& data) {
         return linear_regression(name, read_kidscore_momiq(data));
       }},
      {"arK", "arK.json", "arK-arK.reference.json",
       [](const std::string& name, const fs::path& data) {
         return linear_regression(name, read_autoregression(data));
       }},
      {"blr", "sblrc.json", "sblrc-blr.reference.json",
       [](const std::string& name, const fs::path& data) {
         return linear_regression(name, read_blr(data));
       }},
      {"german_credit", "german_credit.csv", "german_credit.reference.json",
       [](const std::string& name, const fs::path& data) {
         return logistic_regression(name, read_german_credit(data));
       }}};
  return all;
}

}  // namespace

ad::Tensor quantities(const Posterior& posterior, ad::ConstView draws) {
  const std::size_t rank = draws.shape.rank(), d = posterior.dim(), k = posterior.quantities.size();
  if (rank == 0 || draws.shape[rank - 1] != d) {
    throw std::invalid_argument(posterior.name + ": draws " + str(draws.shape) + "; need (..., " +
                                std::to_string(d) + ")");
  }
  ad::Shape shape = draws.shape;
  shape[rank - 1] = k;
  ad::Tensor result(shape);
  for (std::size_t i = 0; i < draws.size() / d; ++i) {
    posterior.report(draws.flat().subspan(i * d, d), result.flat().subspan(i * k, k));
  }
  return result;
}

fs::path posterior_data() { return EQP_POSTERIOR_DATA; }

const std::vector<std::string>& posterior_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : entries()) all.push_back(entry.name);
    return all;
  }();
  return names;
}

Posterior make_posterior(const std::string& name, const fs::path& folder) {
  std::string known;
  for (const Entry& entry : entries()) {
    if (entry.name == name) {
      Posterior p = entry.make(name, folder / entry.data);
      p.reference = DataFile(folder / entry.reference).moments(p.quantities);
      return p;
    }
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  throw std::invalid_argument("posterior \"" + name + "\" is not known; there are " + known);
}

Posterior as_posterior(const Target& target) {
  const auto names = element_names("x", target.dim);
  Posterior p{.name = target.name,
              .parameters = names,
              .quantities = names,
              .energy = target.energy,
              .report = [](std::span<const Real> x, std::span<Real> q) {
                std::ranges::copy(x, q.begin());
              }};
  for (std::size_t j = 0; j < target.dim; ++j) {
    p.reference.push_back({.mean = target.mean[j],
                           .sd = std::sqrt(target.covariance[j * target.dim + j]),
                           .mean_error = 0,
                           .draws = std::numeric_limits<double>::infinity()});
  }
  return p;
}

std::vector<std::string> element_names(const std::string& vector, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t j = 1; j <= count; ++j) names.push_back(vector + "[" + std::to_string(j) + "]");
  return names;
}

}  // namespace eqp::mcmc
