#include "experiments/common/own_data.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/experiments/support.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

constexpr auto kTight = Real(1e-5);

// Columns of means 2 and 10 and variances 1 and 4, with a label.
OwnDataOptions four_rows(const fs::path& folder) {
  write(folder / "four.csv", "a,b,kind\n1,8,3\n3,12,3\n1,12,5\n3,8,3\n");
  return {.file = folder / "four.csv", .label = "kind"};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(own_data_of_a_file)

BOOST_AUTO_TEST_CASE(points_have_mean_0_and_on_demand_variance_1) {
  const Scratch scratch;
  OwnDataOptions options = four_rows(scratch.path);
  const OwnData centred = own_data(options, {1});
  BOOST_TEST(centred.points.row(1)[0] == 1, boost::test_tools::tolerance(kTight));
  BOOST_TEST(centred.points.row(1)[1] == 2, boost::test_tools::tolerance(kTight));
  BOOST_TEST(largest_mean_square(centred.points) == 4, boost::test_tools::tolerance(1e-5));
  options.standardise = true;
  const OwnData standard = own_data(options, {1});
  BOOST_TEST(standard.points.row(3)[1] == -1, boost::test_tools::tolerance(kTight));
  ad::Tensor back({4, 2});
  standard.points.copy(0, back);
  standard.scale.invert(back);
  for (std::size_t i = 0; i < back.size(); ++i) {
    BOOST_TEST(back[i] == standard.table.values[i], boost::test_tools::tolerance(kTight));
  }
}

BOOST_AUTO_TEST_CASE(classes_are_chosen) {
  const Scratch scratch;
  OwnDataOptions options = four_rows(scratch.path);
  options.classes = {5, 3}, options.proportions = {1, 2};
  const OwnData data = own_data(options, {1});
  BOOST_TEST(data.points.rows() == 3u);
  BOOST_TEST(std::ranges::count(data.table.labels, 3.0) == 2);
}

BOOST_AUTO_TEST_CASE(shares_of_labels_are_those_of_the_nearest_rows) {
  const Scratch scratch;
  const OwnData data = own_data(four_rows(scratch.path), {1});
  ad::Tensor x({4, 2});
  const Real at[] = {Real(1.1), Real(11.5), 0, 13, 4, 13, 2, 7};
  std::ranges::copy(at, x.flat().begin());  // of labels 5, 5, 3 and 3
  const std::vector<Row> rows = nearest_labels(data.table, x).rows();
  BOOST_REQUIRE(rows.size() == 2u);
  BOOST_TEST((rows[0]["class"] == 3.0 && rows[0]["data"] == 0.75 && rows[0]["samples"] == 0.5));
  BOOST_TEST((rows[1]["class"] == 5.0 && rows[1]["data"] == 0.25 && rows[1]["samples"] == 0.5));
  BOOST_TEST(rows[1]["standard_error"].get<double>() == std::sqrt(0.25 * 0.75 / 4),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_trained_on_is_refused) {
  const Scratch scratch;
  const auto refused = [](const OwnDataOptions& o) { return refusal([&] { own_data(o, {1}); }); };
  BOOST_TEST(refused({}) == "--data: need a file");
  BOOST_TEST(refused({.file = "x.csv", .proportions = {1}}) == "--proportions: need --classes");
  const fs::path narrow = scratch.path / "narrow.csv", same = scratch.path / "same.csv";
  write(narrow, "a\n1\n2\n");
  write(same, "a,b\n1,2\n1,2\n");
  BOOST_TEST(refused({.file = narrow}) == narrow.string() + ": 1 column; need at least 2");
  BOOST_TEST(refused({.file = same}) == same.string() + ": all columns are constant");
}

BOOST_AUTO_TEST_SUITE_END()
