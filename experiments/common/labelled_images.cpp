#include "experiments/common/labelled_images.hpp"

#include <algorithm>

#include "train/data/selection.hpp"
#include "train/data/split.hpp"

namespace eqp {
namespace {

std::vector<std::size_t> numbers(const train::Rows& rows) {
  std::vector<std::size_t> all(rows.rows());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = rows.number(i);
  return all;
}

ad::Tensor values(const train::Rows& rows) {
  ad::Tensor x({rows.rows(), rows.cols()});
  rows.copy(0, x);
  return x;
}

// Whitened rows of a table of images, with the numbers of their classes.
class Whitened {
 public:
  Whitened(const train::Table& images, const train::Rows& rows, const train::Pca& pca,
           const LabelledImagesOptions& o)
      : images_(images), rows_(rows), pca_(pca), o_(o) {}

  train::Labelled operator()(std::span<const std::size_t> places, double jitter,
                             ad::Key key) const {
    ad::Tensor z = pca_.whiten(values(rows_.part(places)));
    const ad::Tensor noise = ad::normal(z.shape(), key);
    for (std::size_t i = 0; i < z.size(); ++i) z[i] += Real(jitter) * noise[i];
    train::Labelled points{train::Rows(std::move(z)), {}, o_.classes.size()};
    for (const std::size_t place : places) {
      const auto at = std::ranges::find(o_.classes, images_.labels[place]);
      points.labels.push_back(std::size_t(at - o_.classes.begin()));
    }
    return points;
  }

 private:
  const train::Table& images_;
  const train::Rows& rows_;
  const train::Pca& pca_;
  const LabelledImagesOptions& o_;
};

}  // namespace

LabelledImages labelled_images(const train::Table& images, const LabelledImagesOptions& o) {
  const train::Rows rows(images.values);
  const train::Split parts = train::split(
      rows.part(train::select_rows(images.labels, o.classes, {}, o.key.fork(0))),
      {.validation = {.fraction = 0.15}, .test = {.fraction = 0.2}, .key = o.key.fork(1)});
  // The rows of a part that keep the proportions; the others are the classifier's.
  std::vector<std::size_t> judge = numbers(parts.test);
  const auto in_proportion = [&](const train::Rows& part, ad::Key key) {
    std::vector<double> labels;
    for (std::size_t i = 0; i < part.rows(); ++i) labels.push_back(images.labels[part.number(i)]);
    const auto kept = train::select_rows(labels, o.classes, o.proportions, key);
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < part.rows(); ++i) {
      (std::ranges::binary_search(kept, i) ? chosen : judge).push_back(part.number(i));
    }
    return chosen;
  };
  const std::vector<std::size_t> train = in_proportion(parts.train, o.key.fork(2)),
                                 test = in_proportion(parts.validation, o.key.fork(3));
  const train::Split of_judge = train::split(
      rows.part(judge), {.validation = {}, .test = {.fraction = 0.4}, .key = o.key.fork(4)});

  LabelledImages result{.pca = train::pca(rows.part(train), o.components)};
  const Whitened whitened(images, rows, result.pca, o);
  const train::Labelled training = whitened(train, 0, o.key);
  result.train = training.points;
  for (std::size_t k = 0; k < training.classes; ++k) {
    result.proportions.push_back(double(std::ranges::count(training.labels, k)) /
                                 double(training.labels.size()));
  }
  result.test = values(whitened(test, o.jitter, o.key.fork(5)).points);
  result.for_fit = whitened(numbers(of_judge.train), 0, o.key);
  result.for_accuracy = whitened(numbers(of_judge.test), o.jitter, o.key.fork(6));
  return result;
}

}  // namespace eqp
