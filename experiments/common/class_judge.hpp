#pragma once

#include <optional>
#include <string>

#include "experiments/common/figure.hpp"
#include "experiments/common/labelled_images.hpp"
#include "experiments/common/table.hpp"

namespace eqp {

/// Images of a few classes, and a classifier, fitted to those that no model sees, that tells the
/// classes of samples.
class ClassJudge {
 public:
  /// Throws std::invalid_argument as labelled_images does, and for images that are not square or
  /// fewer than 8 for models.
  ClassJudge(const train::Table& images, const LabelledImagesOptions& selection,
             const train::ClassifierOptions& classifier);

  const LabelledImages& images() const { return images_; }
  /// Of independent points x (n, k): the share of the votes for every class ("class_3") and the
  /// multinomial standard error of the largest one ("share_se"); the largest deviation from the
  /// training images in percentage points ("points_off") and in standard errors ("z").
  Row votes(ad::ConstView x) const;
  /// How often the classifier is right, in a sentence.
  std::string accuracy() const;
  /// The first points of z (n, k), n at least 8, as images, as far as the components go.
  PanelPtr pictures(const std::string& title, const train::Rows& z) const;

 private:
  std::vector<double> classes_;
  LabelledImages images_;
  train::Classifier classifier_;
  std::size_t side_ = 0;  // in pixels
};

}  // namespace eqp
