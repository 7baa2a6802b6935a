#include "train/data/selection.hpp"

#include <boost/test/unit_test.hpp>
#include <map>

using namespace eqp;

namespace {

// 9 rows of label 1, 5 of label 2 and 4 of label 3; the value tells the row.
train::Table labelled() {
  train::Table table{.columns = {"0"}, .values = ad::Tensor({18, 1}), .labels = {}};
  for (std::size_t i = 0; i < 18; ++i) {
    table.values(i, 0) = Real(i);
    table.labels.push_back(i % 2 == 0 ? 1 : i < 10 ? 2 : 3);
  }
  return table;
}

std::map<double, std::size_t> counts(const train::Table& table) {
  std::map<double, std::size_t> n;
  for (const double label : table.labels) ++n[label];
  return n;
}

bool names(const std::invalid_argument& e, const std::string& text) {
  return std::string(e.what()).find(text) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(classes_are_kept_whole_and_in_order_without_proportions) {
  const train::Table kept = train::select_classes(labelled(), {3, 1}, {}, {1, 0});
  BOOST_TEST((counts(kept) == std::map<double, std::size_t>{{1, 9}, {3, 4}}));
  for (std::size_t i = 0; i + 1 < kept.values.rows(); ++i) {
    BOOST_TEST(kept.values(i, 0) < kept.values(i + 1, 0));
  }
  for (std::size_t i = 0; i < kept.values.rows(); ++i) {
    BOOST_TEST(kept.labels[i] == labelled().labels[std::size_t(kept.values(i, 0))]);
  }
}

BOOST_AUTO_TEST_CASE(proportions_thin_the_class_in_excess_only) {
  const train::Table kept = train::select_classes(labelled(), {1, 2}, {3, 1}, {1, 0});
  BOOST_TEST((counts(kept) == std::map<double, std::size_t>{{1, 9}, {2, 3}}));
  const train::Table other = train::select_classes(labelled(), {1, 2}, {1, 1}, {2, 0});
  BOOST_TEST((counts(other) == std::map<double, std::size_t>{{1, 5}, {2, 5}}));
}

BOOST_AUTO_TEST_CASE(the_rows_left_out_depend_on_the_key_alone) {
  const auto values = [](std::uint64_t seed) {
    const train::Table t = train::select_classes(labelled(), {1, 2}, {1, 1}, {seed, 0});
    return std::vector<Real>(t.values.flat().begin(), t.values.flat().end());
  };
  BOOST_TEST((values(1) == values(1)));
  BOOST_TEST((values(1) != values(2)));
}

BOOST_AUTO_TEST_CASE(impossible_selections_are_refused) {
  const auto select = [](const train::Table& t, const std::vector<double>& classes,
                         const std::vector<double>& proportions) {
    return train::select_classes(t, classes, proportions, {1, 0});
  };
  train::Table bare = labelled();
  bare.labels.clear();
  BOOST_CHECK_EXCEPTION(select(bare, {1}, {}), std::invalid_argument,
                        [](const auto& e) { return names(e, "no labels"); });
  BOOST_CHECK_EXCEPTION(select(labelled(), {1, 7.5}, {}), std::invalid_argument,
                        [](const auto& e) { return names(e, "label 7.5"); });
  BOOST_CHECK_EXCEPTION(select(labelled(), {1, 2}, {1}), std::invalid_argument,
                        [](const auto& e) { return names(e, "1 for 2 classes"); });
  BOOST_CHECK_EXCEPTION(select(labelled(), {1, 2}, {1, -2}), std::invalid_argument,
                        [](const auto& e) { return names(e, "-2"); });
  BOOST_CHECK_EXCEPTION(select(labelled(), {1, 1}, {}), std::invalid_argument,
                        [](const auto& e) { return names(e, "1 is named twice"); });
  BOOST_CHECK_EXCEPTION(select(labelled(), {1, 2}, {1000, 1}), std::invalid_argument,
                        [](const auto& e) { return names(e, "no row of class 2"); });
  train::Table single = labelled();
  single.labels[4] = 8;
  BOOST_CHECK_EXCEPTION(select(single, {8}, {}), std::invalid_argument,
                        [](const auto& e) { return names(e, "1 row is left"); });
}

BOOST_AUTO_TEST_CASE(the_nearest_row_is_the_one_at_the_smallest_distance) {
  ad::Tensor data({3, 2});
  const Real rows[] = {0, 0, 3, 1, -2, 5};
  std::ranges::copy(rows, data.flat().begin());
  const std::vector<Real> near_second{2, 2}, near_third{-2, 3};
  BOOST_TEST(train::nearest_row(data, near_second) == 1u);
  BOOST_TEST(train::nearest_row(data, near_third) == 2u);
}

BOOST_AUTO_TEST_CASE(selected_rows_are_those_of_the_table_of_classes) {
  const train::Table all = labelled();
  const std::vector<std::size_t> rows = train::select_rows(all.labels, {2, 1}, {1, 2}, {4, 0});
  const train::Table kept = train::select_classes(all, {2, 1}, {1, 2}, {4, 0});
  BOOST_TEST(rows.size() == 13u);  // 4 and 9
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BOOST_TEST(kept.values(i, 0) == Real(rows[i]));
    BOOST_TEST(kept.labels[i] == all.labels[rows[i]]);
  }
}
