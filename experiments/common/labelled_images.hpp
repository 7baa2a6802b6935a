#pragma once

#include <vector>

#include "train/classifier.hpp"
#include "train/data/pca.hpp"
#include "train/data/table.hpp"

namespace eqp {

struct LabelledImagesOptions {
  std::vector<double> classes, proportions;  // those to keep, and how many of each for models
  std::size_t components = 16;               // principal ones, whitened
  double jitter = 0;  // of the law that models learn: normal noise, in units of whitened data
  ad::Key key;
};

/// Images of a few classes: in given proportions for models, and others, of which no model sees
/// one, for a classifier that judges them. Points are whitened principal components of the images
/// that models are trained on.
struct LabelledImages {
  train::Pca pca;
  train::Rows train;                      // for models, without the jitter, (n, k)
  std::vector<double> proportions;        // of the classes there
  ad::Tensor test;                        // held out from models, in the same proportions, jittered
  train::Labelled for_fit, for_accuracy;  // of the classifier; the second one is jittered
};

/// A random 65 % of the images of these classes are for models and 15 % for their test; what these
/// leave out to keep the proportions goes to the classifier with the rest, 60 % for its fit. Throws
/// std::invalid_argument as select_rows and pca do.
LabelledImages labelled_images(const train::Table& images, const LabelledImagesOptions& options);

}  // namespace eqp
