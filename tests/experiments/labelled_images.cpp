#include "experiments/common/labelled_images.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "autodiff/random.hpp"
#include "tests/message.hpp"

using namespace eqp;

namespace {

// 400 rows each of labels 2, 3, 5 and 8, whose first column tells the row and, by its hundreds, no
// other; the label moves the second one.
train::Table images() {
  train::Table table{.columns = {}, .values = ad::normal({1600, 4}, {1}), .labels = {}};
  constexpr double kLabels[] = {2, 3, 5, 8};
  for (std::size_t i = 0; i < 1600; ++i) {
    table.labels.push_back(kLabels[i % 4]);
    table.values(i, 0) = Real(i);
    table.values(i, 1) += Real(20 * table.labels.back());
  }
  return table;
}

// All four components are kept: the way back tells which row a point was.
std::vector<std::size_t> rows_of(const LabelledImages& parts, const train::Rows& points) {
  ad::Tensor z({points.rows(), points.cols()});
  points.copy(0, z);
  const ad::Tensor x = parts.pca.reconstruct_whitened(z);
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < x.rows(); ++i) rows.push_back(std::size_t(std::lround(x(i, 0))));
  return rows;
}

LabelledImagesOptions options(double jitter) {
  return {.classes = {5, 2, 8},
          .proportions = {6, 3, 1},
          .components = 4,
          .jitter = jitter,
          .key = {3}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(labelled_images)

BOOST_AUTO_TEST_CASE(no_image_is_in_two_parts_and_labels_are_those_of_the_table) {
  const LabelledImages parts = eqp::labelled_images(images(), options(0));
  std::set<std::size_t> seen;
  for (const std::size_t row : rows_of(parts, parts.train)) BOOST_TEST(seen.insert(row).second);
  for (const std::size_t row : rows_of(parts, train::Rows(parts.test))) {
    BOOST_TEST(seen.insert(row).second);
  }
  for (const train::Labelled* part : {&parts.for_fit, &parts.for_accuracy}) {
    const std::vector<std::size_t> rows = rows_of(parts, part->points);
    BOOST_TEST(part->classes == 3u);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      BOOST_TEST(seen.insert(rows[i]).second);
      BOOST_TEST(options(0).classes[part->labels[i]] == images().labels[rows[i]]);
    }
  }
  BOOST_TEST(seen.size() == 1200u);  // all of the three classes
}

BOOST_AUTO_TEST_CASE(models_get_the_proportions_and_the_classifier_what_is_left) {
  const LabelledImages parts = eqp::labelled_images(images(), options(0));
  // 65 % of 400 images of a class, give or take what a random part of all classes gives.
  BOOST_TEST(std::abs(double(parts.train.rows()) - 260 * 10 / 6.) < 60);
  std::vector<double> test(3);
  for (const std::size_t row : rows_of(parts, train::Rows(parts.test))) {
    const double label = images().labels[row];
    test[label == 5 ? 0 : label == 2 ? 1 : 2] += 1 / double(parts.test.rows());
  }
  const std::vector<double> exact{0.6, 0.3, 0.1};
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(std::abs(parts.proportions[k] - exact[k]) < 0.005);
    BOOST_TEST(std::abs(test[k] - exact[k]) < 0.02);
    BOOST_TEST(std::ranges::count(parts.for_fit.labels, k) > 30);
  }
}

BOOST_AUTO_TEST_CASE(points_are_whitened_and_jittered_where_models_are_asked_about_them) {
  const LabelledImages clean = eqp::labelled_images(images(), options(0)),
                       noisy = eqp::labelled_images(images(), options(0.5));
  const auto mean_square = [](const train::Rows& a, const train::Rows& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.rows(); ++i) {
      for (std::size_t j = 0; j < a.cols(); ++j) sum += std::pow(a.row(i)[j] - b.row(i)[j], 2);
    }
    return sum / double(a.rows() * a.cols());
  };
  const train::Rows zero(ad::Tensor({clean.train.rows(), 4}));
  BOOST_TEST(std::abs(mean_square(clean.train, zero) - 1) < 1e-3);
  BOOST_TEST(mean_square(clean.train, noisy.train) == 0);
  BOOST_TEST(mean_square(clean.for_fit.points, noisy.for_fit.points) == 0);
  // n normals squared, with a standard error of 0.25 sqrt(2 / n).
  const auto off = [&](const train::Rows& a, const train::Rows& b) {
    return std::abs(mean_square(a, b) - 0.25) / (0.25 * std::sqrt(2. / double(4 * a.rows())));
  };
  BOOST_TEST(off(train::Rows(clean.test), train::Rows(noisy.test)) < 4);
  BOOST_TEST(off(clean.for_accuracy.points, noisy.for_accuracy.points) < 4);
}

BOOST_AUTO_TEST_SUITE_END()
