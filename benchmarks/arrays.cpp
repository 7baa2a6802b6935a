#include "benchmarks/arrays.hpp"

#include <cmath>
#include <stdexcept>

#include "autodiff/safetensors.hpp"

namespace eqp::bench {

void put(ad::Params& file, const std::string& name, ad::ConstView values) {
  file.add(name, values.shape,
           [&](std::span<Real> out) { std::ranges::copy(values.flat(), out.begin()); });
}

void put(ad::Params& file, const std::string& name, double value) {
  file.add(name, {1}, [&](std::span<Real> out) { out[0] = Real(value); });
}

void put_all(ad::Params& file, const std::string& prefix, const ad::Params& params,
             std::span<const Real> values) {
  for (const ad::Params::Entry& e : params.entries()) {
    put(file, prefix + e.name, {values.data() + e.offset, e.shape});
  }
}

void copy_results(const ad::Params& file, ad::Params& results) {
  for (const ad::Params::Entry& e : file.entries()) {
    if (e.name.starts_with("out.")) put(results, e.name, file.view(e));
  }
}

double largest_difference(const ad::Params& results, const std::filesystem::path& path) {
  ad::Params other;
  put_all(other, results);
  ad::load_safetensors(path, other);
  double largest = 0;
  for (const ad::Params::Entry& e : results.entries()) {
    const std::span<const Real> a = results.view(e).flat(), b = other.view(e).flat();
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!std::isfinite(a[i]) || !std::isfinite(b[i])) {
        throw std::invalid_argument(path.string() + ": " + e.name + " has " + std::to_string(b[i]) +
                                    " where ours has " + std::to_string(a[i]) +
                                    "; need finite numbers");
      }
      difference = std::max(difference, std::abs(double(a[i]) - double(b[i])));
      size = std::max(size, std::abs(double(a[i])));
    }
    if (difference > 0) largest = std::max(largest, difference / size);
  }
  return largest;
}

}  // namespace eqp::bench
