#include "mcmc/netcdf_draws.hpp"

#include <netcdf.h>

#include <cctype>
#include <set>
#include <type_traits>

#include "autodiff/ranks.hpp"

namespace eqp::mcmc {
namespace {

namespace fs = std::filesystem;

constexpr nc_type kReal = std::is_same_v<Real, float> ? NC_FLOAT : NC_DOUBLE;
constexpr std::size_t kSlabBytes = std::size_t(8) << 20;

fs::path with(const fs::path& path, const char* ending) { return path.string() + ending; }

/// Unique, and such that NetCDF and Python's attribute access take them.
void check_names(const std::vector<std::string>& names) {
  std::set<std::string> seen{"chain", "draw"};
  for (const std::string& name : names) {
    const bool letter = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0]));
    if (letter && name.find('/') == std::string::npos && seen.insert(name).second) continue;
    throw std::invalid_argument("NetcdfDraws: name '" + name +
                                "'; need names that differ, begin with a letter, have no '/', and "
                                "are not chain or draw");
  }
}

/// The options, with names for all coordinates.
NetcdfOptions checked(NetcdfOptions options, std::size_t chains, std::size_t d) {
  if (options.variables.empty()) options.variables = {{"x", d}};
  std::vector<std::string> names, stats;
  std::size_t sum = 0;
  for (const DrawVariable& v : options.variables) {
    names.push_back(v.name);
    if (v.size > 0) names.push_back(v.name + "_dim_0");
    sum += std::max<std::size_t>(1, v.size);
  }
  for (const Stat& stat : options.stats) stats.push_back(stat.name);
  check_names(names);
  check_names(stats);
  if (chains == 0 || d == 0 || sum != d) {
    throw std::invalid_argument("NetcdfDraws: " + std::to_string(chains) +
                                " chains, variables of " + std::to_string(sum) +
                                " coordinates for draws of " + std::to_string(d) +
                                "; need at least 1 chain and all coordinates");
  }
  return options;
}

/// A file that is being written.
class File {
 public:
  File(fs::path path, std::size_t chains, std::size_t draws, const NetcdfOptions& options)
      : path_(std::move(path)), chains_(chains), draws_(draws) {
    must(nc_create(path_.c_str(), NC_NETCDF4 | NC_CLOBBER, &id_));
    open_ = true;
    must(nc_set_fill(id_, NC_NOFILL, nullptr));
    text_attribute(id_, NC_GLOBAL, "configuration", options.configuration);
    posterior_ = group("posterior");
    for (const DrawVariable& v : options.variables) {
      posterior_.variables.push_back({variable(posterior_.id, v.name, kReal, v.size), v.size});
    }
    if (options.stats.empty()) return;
    stats_ = group("sample_stats");
    for (const Stat& stat : options.stats) {
      using enum StatType;
      const nc_type type = stat.type == real      ? NC_DOUBLE
                           : stat.type == integer ? NC_INT64
                                                  : NC_BYTE;
      const int id = variable(stats_.id, stat.name, type, 0);
      if (stat.type == boolean) text_attribute(stats_.id, id, "dtype", "bool");
      stats_.variables.push_back({id, 0});
    }
  }
  ~File() {
    if (open_) nc_close(id_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Draws `at` and those after it.
  void put(std::size_t at, const DrawSpool::Slab& slab) {
    const std::size_t k = slab.draws.shape()[1], d = slab.draws.shape()[2];
    std::size_t first = 0;
    for (const Variable& v : posterior_.variables) {
      const std::size_t width = std::max<std::size_t>(1, v.size);
      std::vector<Real> values;
      values.reserve(chains_ * k * width);
      for (std::size_t i = 0; i < chains_ * k; ++i) {
        const Real* x = slab.draws.flat().data() + i * d + first;
        values.insert(values.end(), x, x + width);
      }
      const std::size_t start[] = {0, at, 0}, count[] = {chains_, k, width};
      must(nc_put_vara(posterior_.id, v.id, start, count, values.data()));
      first += width;
    }
    for (std::size_t s = 0; s < slab.stats.size(); ++s) {
      const std::size_t start[] = {0, at}, count[] = {chains_, k};
      must(nc_put_vara_double(stats_.id, stats_.variables[s].id, start, count,
                              slab.stats[s].data()));
    }
  }

  void close() {
    open_ = false;  // also if it fails: nothing more can be done with it
    must(nc_close(id_));
  }

 private:
  struct Variable {
    int id;
    std::size_t size;  // 0: a scalar
  };
  struct Group {
    int id = 0;
    std::vector<Variable> variables;
  };

  void must(int status) const {
    if (status == NC_NOERR) return;
    throw std::runtime_error(path_.string() + ": cannot be written: " + nc_strerror(status));
  }

  Group group(const char* name) {
    Group g;
    must(nc_def_grp(id_, name, &g.id));
    text_attribute(g.id, NC_GLOBAL, "inference_library", "equipoise");
    coordinate(g.id, "chain", chains_);
    coordinate(g.id, "draw", draws_);
    return g;
  }

  /// A dimension and the variable that numbers it.
  void coordinate(int group, const std::string& name, std::size_t length) {
    int dimension = 0, variable = 0;
    must(nc_def_dim(group, name.c_str(), length, &dimension));
    must(nc_def_var(group, name.c_str(), NC_INT64, 1, &dimension, &variable));
    std::vector<long long> numbers(length);
    for (std::size_t i = 0; i < length; ++i) numbers[i] = static_cast<long long>(i);
    if (length > 0) must(nc_put_var_longlong(group, variable, numbers.data()));
  }

  /// (chain, draw), or (chain, draw, NAME_dim_0) of this size.
  int variable(int group, const std::string& name, nc_type type, std::size_t size) {
    int dimensions[3], id = 0;
    must(nc_inq_dimid(group, "chain", &dimensions[0]));
    must(nc_inq_dimid(group, "draw", &dimensions[1]));
    if (size > 0) {
      coordinate(group, name + "_dim_0", size);
      must(nc_inq_dimid(group, (name + "_dim_0").c_str(), &dimensions[2]));
    }
    must(nc_def_var(group, name.c_str(), type, size > 0 ? 3 : 2, dimensions, &id));
    return id;
  }

  void text_attribute(int group, int variable, const char* name, const std::string& text) {
    must(nc_put_att_text(group, variable, name, text.size(), text.c_str()));
  }

  fs::path path_;
  std::size_t chains_, draws_;
  int id_ = 0;
  bool open_ = false;
  Group posterior_, stats_;
};

}  // namespace

NetcdfDraws::NetcdfDraws(fs::path path, std::size_t chains, std::size_t d, NetcdfOptions options)
    : path_(std::move(path)),
      chains_(chains),
      d_(d),
      options_(checked(std::move(options), chains, d)),
      waiting_(with(path_, ".draws"), chains, d, options_.stats.size(), options_.resumed) {}

void NetcdfDraws::append(ad::ConstView draws, std::span<const StatValues> stats) {
  if (finished_) throw std::logic_error(path_.string() + ": draws after the last");
  check_slab("NetcdfDraws", chains_, d_, options_.stats.size(), draws, stats);
  waiting_.append(draws, stats);
}

void NetcdfDraws::finish() {
  if (ad::rank() == 0 && !finished_) {
    const fs::path temporary = with(path_, ".tmp");
    File file(temporary, chains_, waiting_.size(), options_);
    const std::size_t most = std::max<std::size_t>(1, kSlabBytes / waiting_.record());
    for (std::size_t at = 0; at < waiting_.size(); at += most) {
      file.put(at, waiting_.read(at, std::min(most, waiting_.size() - at)));
    }
    file.close();
    std::error_code error;
    fs::rename(temporary, path_, error);
    if (error) throw std::runtime_error(path_.string() + ": cannot be written");
  }
  finished_ = true;
  if (ad::rank() == 0) waiting_.remove();
}

void NetcdfDraws::archive(ad::Archive& a) {
  a("waiting", waiting_);
  if (!a.reading() || waiting_.complete()) return;
  // A process that was killed after finish() has left the file.
  finished_ = options_.resumed && fs::exists(path_);
  if (!finished_) {
    throw std::invalid_argument(with(path_, ".draws").string() +
                                ": is cut short; need the draws that the state relies on");
  }
}

}  // namespace eqp::mcmc
