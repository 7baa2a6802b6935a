#include "mcmc/warm_start.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace eqp::mcmc {
namespace {

using Json = nlohmann::ordered_json;

struct Stan {
  Metric::Kind kind;
  const char* name;
};
constexpr Stan kStan[] = {{Metric::Kind::unit, "unit_e"},
                          {Metric::Kind::diagonal, "diag_e"},
                          {Metric::Kind::dense, "dense_e"}};

template <class Numbers>
Json matrix(const Numbers& numbers, std::size_t columns) {
  Json rows = Json::array();
  for (auto row = numbers.begin(); row != numbers.end(); row += std::ptrdiff_t(columns)) {
    rows.push_back(std::vector<double>(row, row + std::ptrdiff_t(columns)));
  }
  return rows;
}

class File {
 public:
  explicit File(const std::filesystem::path& path) : name_(path.string()) {
    std::ifstream in(path);
    if (!in || std::filesystem::is_directory(path)) fail("cannot be opened");
    json_ = Json::parse(in, nullptr, false);
    if (!json_.is_object()) fail("is no warm start: not a JSON object");
  }

  template <class T>
  T get(const char* key, const char* needed) const {
    try {
      return json_.at(key).get<T>();
    } catch (const Json::exception&) {
      fail(std::string("has no \"") + key + "\" that is " + needed);
    }
  }
  bool has(const char* key) const { return json_.contains(key); }

  /// The numbers of equally long rows, of `columns` each.
  std::vector<double> matrix(const char* key, std::size_t columns) const {
    const auto rows = get<std::vector<std::vector<double>>>(key, "a list of rows of numbers");
    std::vector<double> numbers;
    for (const auto& row : rows) {
      if (row.size() != columns) {
        fail(std::string("has a row of ") + std::to_string(row.size()) + " numbers in \"" + key +
             "\"; need " + std::to_string(columns));
      }
      numbers.insert(numbers.end(), row.begin(), row.end());
    }
    return numbers;
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw std::invalid_argument("warm start " + name_ + ": " + why);
  }

 private:
  std::string name_;
  Json json_;
};

Metric read_metric(const File& file, std::size_t dim) {
  const auto type = file.get<std::string>("metric_type", "unit_e, diag_e or dense_e");
  const auto known = std::ranges::find_if(kStan, [&](const Stan& s) { return type == s.name; });
  if (known == std::end(kStan)) {
    file.fail("has metric_type " + Json(type).dump() + "; need unit_e, diag_e or dense_e");
  }
  try {
    if (known->kind == Metric::Kind::diagonal) {
      const auto variances = file.get<std::vector<double>>("inv_metric", "a list of numbers");
      if (variances.size() != dim) {
        file.fail("is of dimension " + std::to_string(variances.size()) + "; need " +
                  std::to_string(dim));
      }
      return Metric::diagonal(variances);
    }
    if (known->kind == Metric::Kind::dense) {
      return Metric::dense(file.matrix("inv_metric", dim), dim);
    }
  } catch (const std::invalid_argument& e) {
    const std::string what = e.what();
    if (what.starts_with("Metric")) file.fail(what);
    throw;
  }
  return {};
}

}  // namespace

void save_warm_start(const std::filesystem::path& path, const WarmStart& start) {
  check_metric("save_warm_start", start.metric, start.dim);
  if (start.positions &&
      (start.positions->shape().rank() != 2 || start.positions->shape()[1] != start.dim)) {
    throw std::invalid_argument("save_warm_start: positions " + ad::str(start.positions->shape()) +
                                "; need (n, " + std::to_string(start.dim) + ")");
  }
  const Metric& m = start.metric;
  const auto stan = std::ranges::find(kStan, m.kind(), &Stan::kind);
  Json json = {{"kernel", start.kernel},
               {"dim", start.dim},
               {"stepsize", start.step_size},
               {"metric_type", stan->name}};
  if (m.kind() == Metric::Kind::diagonal) json["inv_metric"] = m.inverse_mass();
  if (m.kind() == Metric::Kind::dense) json["inv_metric"] = matrix(m.inverse_mass(), m.dim());
  if (start.positions) json["positions"] = matrix(start.positions->flat(), start.dim);

  std::filesystem::path temporary = path;
  temporary += ".tmp";
  std::ofstream out(temporary, std::ios::trunc);
  if (!out) throw std::invalid_argument(path.string() + ": cannot be written");
  out << json.dump() << '\n';
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(temporary, path, error);
  if (!out || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw std::runtime_error(path.string() + ": writing failed");
  }
}

WarmStart load_warm_start(const std::filesystem::path& path, const std::string& kernel,
                          std::size_t dim) {
  const File file(path);
  WarmStart start{.kernel = kernel, .dim = dim};
  if (file.has("kernel")) {
    const auto saved = file.get<std::string>("kernel", "a name");
    if (saved != kernel) file.fail("is of the kernel " + Json(saved).dump() + "; need " + kernel);
  }
  if (file.has("dim")) {
    const auto saved = file.get<std::size_t>("dim", "a number");
    if (saved != dim) {
      file.fail("is of dimension " + std::to_string(saved) + "; need " + std::to_string(dim));
    }
  }
  start.step_size = file.get<double>("stepsize", "a number");
  if (!(start.step_size > 0 && std::isfinite(start.step_size))) {
    file.fail("has stepsize " + Json(start.step_size).dump() + "; need a finite number above 0");
  }
  start.metric = read_metric(file, dim);
  if (!file.has("positions")) return start;
  const std::vector<double> positions = file.matrix("positions", dim);
  start.positions = ad::Tensor({positions.size() / dim, dim});
  std::ranges::transform(positions, start.positions->flat().begin(),
                         [](double v) { return Real(v); });
  return start;
}

}  // namespace eqp::mcmc
