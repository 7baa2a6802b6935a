#pragma once

#include <netcdf.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace eqp::test {

/// What the NetCDF library itself says of a file.
class NetcdfReader {
 public:
  explicit NetcdfReader(const std::filesystem::path& path) {
    BOOST_REQUIRE(nc_open(path.c_str(), NC_NOWRITE, &id_) == NC_NOERR);
  }
  ~NetcdfReader() { nc_close(id_); }
  NetcdfReader(const NetcdfReader&) = delete;

  std::string text(const char* attribute) const {
    std::size_t length = 0;
    BOOST_REQUIRE(nc_inq_attlen(id_, NC_GLOBAL, attribute, &length) == NC_NOERR);
    std::string value(length, ' ');
    BOOST_REQUIRE(nc_get_att_text(id_, NC_GLOBAL, attribute, value.data()) == NC_NOERR);
    return value;
  }
  bool has_group(const char* name) const {
    int group = 0;
    return nc_inq_ncid(id_, name, &group) == NC_NOERR;
  }
  nc_type type(const char* group, const char* name) const {
    nc_type type = 0;
    const auto [g, v] = find(group, name);
    BOOST_REQUIRE(nc_inq_vartype(g, v, &type) == NC_NOERR);
    return type;
  }
  std::vector<std::string> dimensions(const char* group, const char* name) const {
    const auto [g, v] = find(group, name);
    int rank = 0, ids[NC_MAX_VAR_DIMS];
    BOOST_REQUIRE(nc_inq_var(g, v, nullptr, nullptr, &rank, ids, nullptr) == NC_NOERR);
    std::vector<std::string> names;
    for (int i = 0; i < rank; ++i) {
      char dimension[NC_MAX_NAME + 1];
      nc_inq_dimname(g, ids[i], dimension);
      names.emplace_back(dimension);
    }
    return names;
  }
  std::vector<double> values(const char* group, const char* name) const {
    const auto [g, v] = find(group, name);
    std::size_t size = 1;
    for (const std::string& dimension : dimensions(group, name)) {
      int id = 0;
      std::size_t length = 0;
      nc_inq_dimid(g, dimension.c_str(), &id);
      nc_inq_dimlen(g, id, &length);
      size *= length;
    }
    std::vector<double> all(size);
    BOOST_REQUIRE(nc_get_var_double(g, v, all.data()) == NC_NOERR);
    return all;
  }

 private:
  std::pair<int, int> find(const char* group, const char* name) const {
    int g = 0, v = 0;
    BOOST_REQUIRE(nc_inq_ncid(id_, group, &g) == NC_NOERR);
    BOOST_REQUIRE(nc_inq_varid(g, name, &v) == NC_NOERR);
    return {g, v};
  }

  int id_ = 0;
};

}  // namespace eqp::test
