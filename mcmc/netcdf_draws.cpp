#include "mcmc/netcdf_draws.hpp"

#include <netcdf.h>

#include <cctype>
#include <set>
#include <type_traits>

namespace eqp::mcmc {
namespace {

constexpr nc_type kReal = std::is_same_v<Real, float> ? NC_FLOAT : NC_DOUBLE;
constexpr std::size_t kChunkBytes = std::size_t(1) << 20;

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

/// The i-th to be of n values in a row.
std::vector<long long> range(std::size_t first, std::size_t n) {
  std::vector<long long> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<long long>(first + i);
  return values;
}

}  // namespace

class NetcdfDraws::File {
 public:
  File(const std::filesystem::path& path, std::size_t chains, std::size_t d, NetcdfOptions options)
      : path_(path), temporary_(path.string() + ".tmp"), chains_(chains), d_(d) {
    if (options.variables.empty()) options.variables = {{"x", d}};
    check(options);
    create(options);
  }
  ~File() {
    if (open_) nc_close(id_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void append(ad::ConstView draws, std::span<const StatValues> stats) {
    check_slab("NetcdfDraws", chains_, d_, stats_.variables.size(), draws, stats);
    const std::size_t k = draws.shape[1];
    std::size_t first = 0;
    for (const Variable& v : posterior_.variables) {
      const std::size_t width = std::max<std::size_t>(1, v.size);
      std::vector<Real> values;
      values.reserve(chains_ * k * width);
      for (std::size_t i = 0; i < chains_ * k; ++i) {
        const Real* x = draws.data + i * d_ + first;
        values.insert(values.end(), x, x + width);
      }
      const std::size_t start[] = {0, draws_, 0}, count[] = {chains_, k, width};
      must(nc_put_vara(posterior_.id, v.id, start, count, values.data()));
      first += width;
    }
    for (std::size_t s = 0; s < stats.size(); ++s) {
      const std::size_t start[] = {0, draws_}, count[] = {chains_, k};
      must(nc_put_vara_double(stats_.id, stats_.variables[s].id, start, count, stats[s].data()));
    }
    const std::vector<long long> numbers = range(draws_, k);
    for (const Group* group : {&posterior_, &stats_}) {
      if (group->variables.empty()) continue;
      must(nc_put_vara_longlong(group->id, group->draw, &draws_, &k, numbers.data()));
    }
    draws_ += k;
  }

  void finish() {
    open_ = false;  // also if it fails: nothing more can be done with it
    must(nc_close(id_));
    std::error_code error;
    std::filesystem::rename(temporary_, path_, error);
    if (error) throw std::runtime_error(path_.string() + ": cannot be written");
  }

 private:
  struct Variable {
    int id;
    std::size_t size;  // 0: a scalar
  };
  struct Group {
    int id = 0, draw = 0;  // draw: its coordinate variable
    std::vector<Variable> variables;
  };

  void must(int status) const {
    if (status == NC_NOERR) return;
    throw std::runtime_error(path_.string() + ": cannot be written: " + nc_strerror(status));
  }

  void check(const NetcdfOptions& options) const {
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
    if (chains_ == 0 || d_ == 0 || sum != d_) {
      throw std::invalid_argument("NetcdfDraws: " + std::to_string(chains_) +
                                  " chains, variables of " + std::to_string(sum) +
                                  " coordinates for draws of " + std::to_string(d_) +
                                  "; need at least 1 chain and all coordinates");
    }
  }

  void create(const NetcdfOptions& options) {
    must(nc_create(temporary_.c_str(), NC_NETCDF4 | NC_CLOBBER, &id_));
    open_ = true;
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

  Group group(const char* name) {
    Group g;
    must(nc_def_grp(id_, name, &g.id));
    text_attribute(g.id, NC_GLOBAL, "inference_library", "equipoise");
    coordinate(g.id, "chain", chains_);
    g.draw = coordinate(g.id, "draw", 0);
    return g;
  }

  /// A dimension, unlimited for length 0, and the variable that numbers it.
  int coordinate(int group, const std::string& name, std::size_t length) {
    int dimension = 0, variable = 0;
    must(nc_def_dim(group, name.c_str(), length > 0 ? length : NC_UNLIMITED, &dimension));
    must(nc_def_var(group, name.c_str(), NC_INT64, 1, &dimension, &variable));
    if (length > 0) {
      must(nc_put_var_longlong(group, variable, range(0, length).data()));
    } else {
      const std::size_t chunk = 1024;  // by default 1 where a dimension is unlimited
      must(nc_def_var_chunking(group, variable, NC_CHUNKED, &chunk));
    }
    return variable;
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
    const std::size_t width = std::max<std::size_t>(1, size);
    const std::size_t draw_bytes = chains_ * width * sizeof(double);
    const std::size_t chunk[] = {chains_,
                                 std::clamp<std::size_t>(kChunkBytes / draw_bytes, 1, 1024), width};
    must(nc_def_var_chunking(group, id, NC_CHUNKED, chunk));
    return id;
  }

  void text_attribute(int group, int variable, const char* name, const std::string& text) {
    must(nc_put_att_text(group, variable, name, text.size(), text.c_str()));
  }

  std::filesystem::path path_, temporary_;
  std::size_t chains_, d_, draws_ = 0;
  int id_ = 0;
  bool open_ = false;
  Group posterior_, stats_;
};

NetcdfDraws::NetcdfDraws(const std::filesystem::path& path, std::size_t chains, std::size_t d,
                         NetcdfOptions options)
    : file_(std::make_unique<File>(path, chains, d, std::move(options))) {}
NetcdfDraws::~NetcdfDraws() = default;

void NetcdfDraws::append(ad::ConstView draws, std::span<const StatValues> stats) {
  file_->append(draws, stats);
}
void NetcdfDraws::finish() { file_->finish(); }

}  // namespace eqp::mcmc
