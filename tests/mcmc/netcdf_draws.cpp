#include "mcmc/netcdf_draws.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "autodiff/random.hpp"
#include "tests/netcdf_reader.hpp"

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
    std::filesystem::remove(path.string() + ".draws");
  }
  std::string bytes() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
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
  for (const char* ending : {".tmp", ".draws"}) {
    BOOST_TEST(!std::filesystem::exists(path.string() + ending));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(netcdf_file_is_read_by_its_library_as_arviz_lays_it_out) {
  using Names = std::vector<std::string>;
  const auto each = boost::test_tools::per_element();
  const File file("layout");
  const ad::Tensor draws = ad::normal({2, 10, 3}, {1, 0});
  write(file.path, draws);
  const test::NetcdfReader reader(file.path);
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
    BOOST_CHECK_THROW(writer.append(ad::Tensor({3, 2, 4}), {}), std::logic_error);
  }
  const test::NetcdfReader reader(file.path);
  BOOST_TEST(reader.values("posterior", "x").size() == 24);
  BOOST_TEST(reader.values("posterior", "x_dim_0").size() == 4);
  BOOST_TEST(!reader.has_group("sample_stats"));
}

BOOST_AUTO_TEST_CASE(netcdf_of_no_draws_has_none) {
  const File file("none");
  NetcdfDraws(file.path, 2, 3, kOptions).finish();
  const test::NetcdfReader reader(file.path);
  BOOST_TEST(reader.values("posterior", "theta").empty());
  BOOST_TEST(reader.values("posterior", "theta_dim_0").size() == 2);
}

// More than is copied at once, so that the file is written in several parts.
BOOST_AUTO_TEST_CASE(netcdf_of_many_draws_has_all_of_them_in_order) {
  const File file("many");
  const std::size_t n = 3000, d = 700;
  NetcdfDraws writer(file.path, 2, d);
  ad::Tensor slab({2, 100, d});
  for (std::size_t first = 0; first < n; first += 100) {
    for (std::size_t i = 0; i < 200; ++i) {
      std::ranges::fill(slab.flat().subspan(i * d, d), Real(n * (i / 100) + first + i % 100));
    }
    writer.append(slab, {});
  }
  writer.finish();
  const std::vector<double> x = test::NetcdfReader(file.path).values("posterior", "x");
  BOOST_REQUIRE(x.size() == 2 * n * d);
  for (std::size_t i = 0; i < 2 * n; ++i) BOOST_TEST(x[i * d + i % d] == double(i));
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
