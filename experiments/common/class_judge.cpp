#include "experiments/common/class_judge.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace eqp {
namespace {

constexpr std::size_t kPerRow = 8;  // of a picture

}  // namespace

ClassJudge::ClassJudge(const train::Table& images, const LabelledImagesOptions& selection,
                       const train::ClassifierOptions& classifier)
    : classes_(selection.classes),
      images_(labelled_images(images, selection)),
      classifier_(images_.for_fit, classifier) {
  const std::size_t pixels = images_.pca.dim();
  side_ = std::size_t(std::lround(std::sqrt(double(pixels))));
  if (side_ * side_ == pixels && images_.train.rows() >= kPerRow) return;
  throw std::invalid_argument("images: " + std::to_string(images_.train.rows()) + " of " +
                              std::to_string(pixels) + " pixels for models; need at least " +
                              std::to_string(kPerRow) + ", of a square number");
}

Row ClassJudge::votes(ad::ConstView x) const {
  const std::vector<double>& exact = images_.proportions;
  const auto counts = train::mode_counts(x, classifier_.modes());
  const train::SampleWeightError off = train::weight_error(counts, x.rows(), exact);
  const double n = double(x.rows()), top = *std::ranges::max_element(exact);
  Row row;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    row["class_" + shown(std::lround(classes_[k]))] = double(counts[k]) / n;
  }
  row["share_se"] = std::sqrt(top * (1 - top) / n);
  row["points_off"] = 100 * off.error.max_abs;
  row["z"] = off.max_z;
  return row;
}

std::string ClassJudge::accuracy() const {
  const train::Fraction right = classifier_.accuracy(images_.for_accuracy);
  return "The classifier is right about " + shown(100 * right.value) + " +- " +
         shown(100 * right.standard_error) + " % of " +
         std::to_string(images_.for_accuracy.labels.size()) + " images it has not seen.";
}

PanelPtr ClassJudge::pictures(const std::string& title, const train::Rows& z) const {
  const std::size_t rows = std::min(kPerRow, z.rows() / kPerRow);
  ad::Tensor first({rows * kPerRow, z.cols()});
  z.copy(0, first);
  return eqp::images(title, images_.pca.reconstruct_whitened(first), {side_, side_, rows, kPerRow});
}

}  // namespace eqp
