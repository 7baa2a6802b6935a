#pragma once

#include <functional>
#include <vector>

#include "autodiff/archive.hpp"
#include "autodiff/random.hpp"
#include "flows/flow.hpp"
#include "train/optimiser.hpp"
#include "train/schedule.hpp"

namespace eqp::train {

/// Mean losses of an epoch, -log lambda per point: over its batches as they were trained, and over
/// the validation rows after it.
struct Epoch {
  double train_loss = 0, validation_loss = 0;
};

struct FitToDataOptions {
  std::size_t max_epochs = 100;
  /// Stops after so many epochs in a row without a smaller validation loss.
  std::size_t patience = 5;
  std::size_t batch = 100;
  /// The fraction of the rows that is not trained on.
  double validation = 0.1;
  /// Per step, not per epoch.
  Schedule learning_rate = constant(5e-4);
  AdamOptions adam = {};
  double clip_norm = 0;  // 0 does not clip
  /// Of the split and the order of the rows.
  ad::Key key = {};
  /// Called after every epoch; returning false stops the training there.
  std::function<bool(const Epoch&)> on_epoch = {};
  /// Keeps the state of the fit now and then, and a fit that begins goes on from what it kept, with
  /// the same bits as if it had never been stopped; null: none.
  ad::Keeper* keeper = nullptr;
};

struct FitToData {
  std::vector<Epoch> epochs;
  /// The epoch whose parameters were kept: that of the smallest validation loss.
  std::size_t best = 0;

  void archive(ad::Archive& a);
};

/// Fits a flow by maximum likelihood, with flowjax's defaults: layers that start from data do so,
/// Adam runs through shuffled epochs, and the parameters that did best on the validation rows are
/// kept. x (n, d), context (n, c) or empty. Throws std::invalid_argument for data of another shape
/// or without a row for training and one for validation, std::runtime_error for a loss that is not
/// finite, naming epoch, operation and layer; the parameters are then those of the last step. Where
/// the keeper stops it, only the epochs that had ended count; before the first, parameters are
/// those it began with.
FitToData fit_to_data(const flows::Flow& flow, ad::Params& params, const ad::Tensor& x,
                      const ad::Tensor& context, const FitToDataOptions& options = {});
FitToData fit_to_data(const flows::Flow& flow, ad::Params& params, const ad::Tensor& x,
                      const FitToDataOptions& options = {});

}  // namespace eqp::train
