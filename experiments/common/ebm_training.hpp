#pragma once

#include "experiments/common/ebm_metrics.hpp"
#include "experiments/common/events.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/findings.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/run_folder.hpp"
#include "train/data/rows.hpp"

// A training of the main job, from data to what is reported of it.
namespace eqp {

/// What all methods on a data set share.
struct EbmStudy {
  static constexpr std::size_t kPicture = 200;  // cells per axis

  Problem problem;
  train::Rows data;  // for training
  Truth truth;
  std::vector<double> picture;  // of the density, in the plane
};
EbmStudy prepare(const Problem& problem, std::size_t n_samples, ad::Key key);

/// What one training leaves behind.
struct TrainedEbm {
  bool done = false;
  std::string failure;  // why there is no model, if the training stopped by itself
  Row row;
  std::string doubt;            // about the row; empty: none
  Series curve;                 // the watched mode's weight; of its chains in many dimensions
  std::vector<double> picture;  // in the plane
  ad::Tensor samples;
  LateWeight late;
  Events events;
};

/// Trains a model by the method and judges it. Its metrics go to the `group` of the folder, where
/// its state is kept as well. Throws std::runtime_error for a training that diverges, and for a
/// model that cannot be judged; `out` then has the events so far.
void train_and_judge(const EbmStudy& study, const std::string& method, std::size_t group,
                     ad::Key key, RunFolder& folder, Progress& progress, TrainedEbm& out);

}  // namespace eqp
