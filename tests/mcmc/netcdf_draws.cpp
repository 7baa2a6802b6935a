#include "mcmc/netcdf_draws.hpp"

#include <netcdf.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "autodiff/random.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

struct File {
  std::filesystem::path path;
  explicit File(const std::string& name)
      : path(std::filesystem::temp_directory_path() /
             ("equipoise_" + std::to_string(sizeof(Real)) + "_" + name + ".nc")) {}
  ~File() {
    std::filesystem::remove(path);
    std::filesystem::remove(path.string() + ".tmp");
  }
  std::string bytes() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

/// What the library itself says of a file.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) {
    BOOST_REQUIRE(nc_open(path.c_str(), NC_NOWRITE, &id_) == NC_NOERR);
  }
  ~Reader() { nc_close(id_); }
  Reader(const Reader&) = delete;

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

const NetcdfOptions kOptions{
    .variables = {{"mu"}, {"theta", 2}},
    .stats = {{"lp"}, {"tree_depth", StatType::integer}, {"diverging", StatType::boolean}},
    .configuration = R"({"seed": 7})"};

/// 2 chains of 10 draws in slabs of 3; statistic s of draw t is t + s, diverging t % 2.
void write(const std::filesystem::path& path, const ad::Tensor& draws) {
  NetcdfDraws file(path, 2, 3, kOptions);
  for (std::size_t first = 0; first < 10; first += 3) {
    const std::size_t k = std::min<std::size_t>(3, 10 - first);
    ad::Tensor slab({2, k, 3});
    std::vector<StatValues> stats(3);
    for (std::size_t c = 0; c < 2; ++c) {
      std::ranges::copy(draws.row(c).subspan(first * 3, k * 3), slab.row(c).begin());
      for (std::size_t t = first; t < first + k; ++t) {
        stats[0].push_back(double(t) + 0.5);
        stats[1].push_back(double(t + 1));
        stats[2].push_back(double(t % 2));
      }
    }
    file.append(slab, stats);
  }
  BOOST_TEST(!std::filesystem::exists(path));
  file.finish();
}

}  // namespace

BOOST_AUTO_TEST_CASE(netcdf_file_is_read_by_its_library_as_arviz_lays_it_out) {
  using Names = std::vector<std::string>;
  const auto each = boost::test_tools::per_element();
  const File file("layout");
  const ad::Tensor draws = ad::normal({2, 10, 3}, {1, 0});
  write(file.path, draws);
  const Reader reader(file.path);
  BOOST_TEST(reader.text("configuration") == R"({"seed": 7})");
  BOOST_TEST(reader.dimensions("posterior", "mu") == (Names{"chain", "draw"}), each);
  BOOST_TEST(reader.dimensions("posterior", "theta") == (Names{"chain", "draw", "theta_dim_0"}),
             each);
  BOOST_TEST(reader.type("posterior", "theta") == (sizeof(Real) == 4 ? NC_FLOAT : NC_DOUBLE));
  const std::vector<double> mu = reader.values("posterior", "mu"),
                            theta = reader.values("posterior", "theta");
  for (std::size_t i = 0; i < 20; ++i) {
    BOOST_TEST(mu[i] == double(draws[3 * i]));
    BOOST_TEST(theta[2 * i + 1] == double(draws[3 * i + 2]));
  }
  for (const char* group : {"posterior", "sample_stats"}) {
    const std::vector<double> numbers = reader.values(group, "draw");
    BOOST_TEST(numbers.size() == 10);
    BOOST_TEST(numbers[9] == 9);
    BOOST_TEST(reader.values(group, "chain") == (std::vector<double>{0, 1}), each);
  }
  BOOST_TEST(reader.values("sample_stats", "lp")[13] == 3.5);
  BOOST_TEST(reader.type("sample_stats", "tree_depth") == NC_INT64);
  BOOST_TEST(reader.values("sample_stats", "tree_depth")[9] == 10);
  BOOST_TEST(reader.type("sample_stats", "diverging") == NC_BYTE);
  BOOST_TEST(reader.values("sample_stats", "diverging")[9] == 1);
}

BOOST_AUTO_TEST_CASE(netcdf_files_of_equal_draws_are_equal_bytes) {
  const File one("equal_1"), two("equal_2");
  const ad::Tensor draws = ad::normal({2, 10, 3}, {2, 0});
  write(one.path, draws);
  write(two.path, draws);
  BOOST_TEST(one.bytes().size() > 1000);
  BOOST_TEST((one.bytes() == two.bytes()));
}

BOOST_AUTO_TEST_CASE(netcdf_without_options_has_one_vector_and_no_statistics) {
  const File file("plain");
  {
    NetcdfDraws writer(file.path, 3, 4);
    writer.append(ad::Tensor({3, 2, 4}), {});
    BOOST_CHECK_THROW(writer.append(ad::Tensor({3, 2, 5}), {}), std::invalid_argument);
    writer.finish();
  }
  const Reader reader(file.path);
  BOOST_TEST(reader.values("posterior", "x").size() == 24);
  BOOST_TEST(reader.values("posterior", "x_dim_0").size() == 4);
  BOOST_TEST(!reader.has_group("sample_stats"));
}

BOOST_AUTO_TEST_CASE(netcdf_refuses_names_sizes_and_places_that_cannot_be) {
  const File file("refused");
  const auto refused = [&](std::vector<DrawVariable> variables, std::vector<Stat> stats) {
    BOOST_CHECK_THROW(NetcdfDraws(file.path, 1, 2, {std::move(variables), std::move(stats)}),
                      std::invalid_argument);
  };
  refused({{"a"}}, {});
  refused({{"a", 3}}, {});
  refused({{"a"}, {"a"}}, {});
  refused({{"a", 1}, {"a_dim_0"}}, {});
  refused({{"chain"}, {"b"}}, {});
  refused({{"a/b"}, {"b"}}, {});
  refused({{""}, {"b"}}, {});
  refused({}, {{"draw"}});
  refused({}, {{"lp"}, {"lp"}});
  BOOST_CHECK_THROW(NetcdfDraws(file.path, 0, 2), std::invalid_argument);
  BOOST_CHECK_THROW(NetcdfDraws(file.path / "nowhere.nc", 1, 2), std::runtime_error);
  BOOST_TEST(!std::filesystem::exists(file.path));
}
