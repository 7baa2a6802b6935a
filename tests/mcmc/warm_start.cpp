#include "mcmc/warm_start.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "mcmc/hmc.hpp"
#include "mcmc/nuts.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("eqp_warm_start_" + std::to_string(sizeof(Real)) + "_" + std::to_string(std::rand()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path file(const std::string& text) const {
    std::ofstream(path / "file.json") << text;
    return path / "file.json";
  }
};

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(warm_starts)

BOOST_AUTO_TEST_CASE(what_is_saved_comes_back_to_the_bit) {
  const Folder folder;
  const std::filesystem::path path = folder.path / "start.json";
  for (const Metric& metric : {Metric(), Metric::diagonal(std::vector{1.0 / 3, 1e-12}),
                               Metric::dense(std::vector{4.0 / 3, 1e-4, 1e-4, 1e-7}, 2)}) {
    const ad::Tensor x = ad::normal({5, 2}, {.seed = 70});
    save_warm_start(
        path, {.kernel = "Nuts", .dim = 2, .step_size = 0.1 / 3, .metric = metric, .positions = x});
    Nuts kernel(half_square, 2, {});
    const WarmStart back = load_warm_start(path, kernel, 2);
    BOOST_TEST(kernel.step_size() == 0.1 / 3);
    BOOST_TEST((kernel.metric() == metric));
    BOOST_TEST((back.positions->shape() == ad::Shape{5, 2}));
    BOOST_TEST(std::ranges::equal(back.positions->flat(), x.flat()));
  }
  save_warm_start(path, {.kernel = "Nuts", .dim = 2, .step_size = 1});
  BOOST_TEST(!load_warm_start(path, "Nuts", 2).positions);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) {
    ++files;
  }
  BOOST_TEST(files == 1u);  // no temporary one is left
}

BOOST_AUTO_TEST_CASE(a_file_of_cmdstan_is_read) {
  const Folder folder;
  const auto path =
      folder.file(R"({"stepsize": 0.75, "metric_type": "diag_e", "inv_metric": [0.5, 2.5]})");
  Nuts kernel(half_square, 2, {});
  load_warm_start(path, kernel, 2);
  BOOST_TEST(kernel.step_size() == 0.75);
  BOOST_TEST((kernel.metric() == Metric::diagonal(std::vector{0.5, 2.5})));
}

BOOST_AUTO_TEST_CASE(another_kernel_dimension_or_kind_of_file_is_refused) {
  const Folder folder;
  const std::filesystem::path path = folder.path / "file.json";
  const std::string who = "warm start " + path.string() + ": ";
  save_warm_start(path, {.kernel = "Nuts", .dim = 2, .step_size = 0.5});
  BOOST_TEST(message([&] {
               Hmc kernel(half_square, 2, {});
               load_warm_start(path, kernel, 2);
             }) == who + "is of the kernel \"Nuts\"; need Hmc");
  const auto refused = [&](const std::string& text) {
    const auto file = folder.file(text);
    const std::string what = message([&] { load_warm_start(file, "Nuts", 3); });
    BOOST_TEST(what.starts_with(who), what);
    return what.substr(std::min(what.size(), who.size()));
  };
  BOOST_TEST(refused(R"({"kernel": "Nuts", "dim": 2, "stepsize": 1, "metric_type": "unit_e"})") ==
             "is of dimension 2; need 3");
  BOOST_TEST(refused(R"({"stepsize": 1, "metric_type": "diag_e", "inv_metric": [1, 2]})") ==
             "is of dimension 2; need 3");
  BOOST_TEST(refused(R"({"stepsize": 1, "metric_type": "dense_e", "inv_metric": [[1, 2]]})") ==
             "has a row of 2 numbers in \"inv_metric\"; need 3");
  BOOST_TEST(refused(R"({"stepsize": 1, "metric_type": "dense_e", "inv_metric": [[1, 2, 3]]})") ==
             "Metric: a covariance of 3 numbers; need 3 x 3");
  BOOST_TEST(refused(R"({"stepsize": 1, "metric_type": "diag_e", "inv_metric": [1, 0, 1]})") ==
             "Metric: variance 0 of coordinate 1; need a finite number above 0");
  BOOST_TEST(refused(R"({"stepsize": 1, "metric_type": "full"})") ==
             "has metric_type \"full\"; need unit_e, diag_e or dense_e");
  BOOST_TEST(refused(R"({"stepsize": -1, "metric_type": "unit_e"})") ==
             "has stepsize -1.0; need a finite number above 0");
  BOOST_TEST(refused(R"({"metric_type": "unit_e"})") == "has no \"stepsize\" that is a number");
  BOOST_TEST(refused(R"({"stepsize": 1, "metric_type": "unit_e", "positions": 3})") ==
             "has no \"positions\" that is a list of rows of numbers");
  BOOST_TEST(refused("[1, 2]") == "is no warm start: not a JSON object");
  BOOST_TEST(refused("") == "is no warm start: not a JSON object");
  BOOST_TEST(message([&] { load_warm_start(folder.path / "none", "Nuts", 3); }) ==
             "warm start " + (folder.path / "none").string() + ": cannot be opened");
}

BOOST_AUTO_TEST_CASE(what_does_not_go_together_is_not_saved) {
  const Folder folder;
  const std::filesystem::path path = folder.path / "start.json";
  BOOST_TEST(message([&] {
               save_warm_start(path, {.kernel = "Nuts",
                                      .dim = 3,
                                      .step_size = 1,
                                      .metric = Metric::diagonal(std::vector{1.0, 1.0})});
             }) == "save_warm_start: a metric of dimension 2; need 3");
  BOOST_TEST(message([&] {
               save_warm_start(
                   path,
                   {.kernel = "Nuts", .dim = 3, .step_size = 1, .positions = ad::Tensor({4, 2})});
             }) == "save_warm_start: positions (4, 2); need (n, 3)");
  BOOST_TEST(message([&] {
               save_warm_start(folder.path / "none" / "x.json",
                               {.kernel = "Nuts", .dim = 3, .step_size = 1});
             }).ends_with("cannot be written"));
  BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_AUTO_TEST_SUITE_END()
