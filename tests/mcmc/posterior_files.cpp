#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>

#include "mcmc/targets/posteriors/data_file.hpp"
#include "mcmc/targets/posteriors/eight_schools.hpp"
#include "mcmc/targets/posteriors/linear_regression.hpp"
#include "mcmc/targets/posteriors/logistic_regression.hpp"

namespace eqp::mcmc {
namespace {

namespace fs = std::filesystem;

// A file of these bytes, for the time of a test.
class File {
 public:
  explicit File(const std::string& bytes)
      : path_(fs::temp_directory_path() / ("posterior_file_" + std::to_string(getpid()))) {
    std::ofstream(path_) << bytes;
  }
  ~File() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void refuses(const std::string& reason, const std::function<void()>& read) {
  BOOST_CHECK_EXCEPTION(read(), std::invalid_argument, [&](const std::invalid_argument& e) {
    const std::string what = e.what();
    BOOST_TEST_MESSAGE(what);
    return what.find(reason) != std::string::npos && what.find('\n') == std::string::npos;
  });
}

template <class Read>
void refuses(const std::string& reason, Read read, const std::string& bytes) {
  const File file(bytes);
  refuses(file.path().string() + ": " + reason, [&] { read(file.path()); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posterior_files)

BOOST_AUTO_TEST_CASE(broken_data_are_refused_with_file_and_field) {
  refuses("not JSON", read_eight_schools, "J: 8");
  refuses("not JSON", read_eight_schools, "[1, 2]");
  refuses("not JSON", read_eight_schools, "");
  refuses("J: missing", read_eight_schools, "{}");
  refuses("J: 0; need a whole number", read_eight_schools, R"({"J": 0})");
  refuses("J: -2; need a whole number", read_eight_schools, R"({"J": -2})");
  refuses("y: missing", read_eight_schools, R"({"J": 2})");
  refuses("y: 3 values; need 2 numbers", read_eight_schools, R"({"J": 2, "y": [1, 2, 3]})");
  refuses("y: \"ab\"; need 2 numbers", read_eight_schools, R"({"J": 2, "y": "ab"})");
  refuses("y: null among", read_eight_schools, R"({"J": 2, "y": [1, null]})");
  refuses("sigma: 0.0; need numbers above 0", read_eight_schools,
          R"({"J": 2, "y": [1, 2], "sigma": [1, 0]})");
  refuses("mom_iq: missing", read_kidscore_momiq, R"({"N": 1, "kid_score": [1]})");
  refuses("K 3 of T 3 values", read_autoregression, R"({"K": 3, "T": 3, "y": [1, 2, 3]})");
  refuses("X: 1 rows; need 2 rows", read_blr, R"({"N": 2, "D": 2, "X": [[1, 2]], "y": [1, 2]})");
  refuses("X: 1 values; need 2 numbers", read_blr,
          R"({"N": 2, "D": 2, "X": [[1, 2], [3]], "y": [1, 2]})");
}

BOOST_AUTO_TEST_CASE(broken_tables_are_refused_with_their_line) {
  refuses("no rows", read_german_credit, "");
  refuses("no rows", read_german_credit, "a,class\n");
  refuses("line 3: 1 entries; the header has 2", read_german_credit, "a,class\n1,1\n2\n");
  refuses("line 2: \"x\"; need a finite number", read_german_credit, "a,class\nx,1\n");
  refuses("line 2: \"\"; need a finite number", read_german_credit, "a,class\n1,\n");
  refuses("line 2: \"nan\"; need a finite number", read_german_credit, "a,class\nnan,1\n");
  refuses("class of row 1", read_german_credit, "a,class\n1,1\n2,3\n");
  refuses("column 0 has one value", read_german_credit, "a,class\n0.1,1\n0.1,2\n");
}

BOOST_AUTO_TEST_CASE(a_table_may_come_from_windows) {
  const File file("a,class\r\n1,1\r\n3,2\r\n");
  const LogisticRegression model = read_german_credit(file.path());
  const std::vector<Real> expected{1, -1, 1, 1};
  BOOST_TEST(model.features.flat() == expected, boost::test_tools::per_element());
  BOOST_TEST(model.labels[0] == 1);
  BOOST_TEST(model.labels[1] == -1);
}

BOOST_AUTO_TEST_CASE(broken_references_are_refused) {
  const auto read = [](const fs::path& path) { return DataFile(path).moments({"mu", "tau"}); };
  const std::string mu = R"({"mu": {"mean": -1, "sd": 2, "mcse_mean": 0.1, "draws": 400})";
  refuses("tau: missing", read, mu + "}");
  refuses("tau: 3; need an object", read, mu + R"(, "tau": 3})");
  refuses("tau: sd is missing or not a number above 0", read,
          mu + R"(, "tau": {"mean": 1, "sd": 0, "mcse_mean": 1, "draws": 2}})");
  refuses("tau: draws is missing", read, mu + R"(, "tau": {"mean": 1, "sd": 1, "mcse_mean": 1}})");
  const File file(mu + R"(, "tau": {"mean": 3, "sd": 4, "mcse_mean": 0.5, "draws": 64}})");
  const auto moments = read(file.path());
  BOOST_TEST(moments[0].mean == -1);
  BOOST_TEST(moments[1].mean_error == 0.5);
  BOOST_TEST(moments[1].draws == 64);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_model_is_refused) {
  refuses("not known; there are eight_schools_centered, ", [] { make_posterior("nine_schools"); });
  refuses("cannot be read", [] { make_posterior("blr", "/nowhere"); });
  refuses("cannot be read", [] { make_posterior("blr", fs::temp_directory_path() / ""); });
  refuses("need n times k", [] {
    linear_regression("line", {.coefficients = {"a"}, .x = {1, 2}, .y = {1}});
  });
  refuses("line: x'x", [] {
    linear_regression("line", {.coefficients = {"a", "b"}, .x = {1, 1, 2, 2}, .y = {1, 2}});
  });
  refuses("labels; need (n, k)", [] {
    logistic_regression("logit", {ad::Tensor({3, 2}), ad::Tensor({2})});
  });
  refuses("need 1 or -1", [] {
    logistic_regression("logit", {ad::Tensor({3, 2}), ad::Tensor({3})});
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::mcmc
