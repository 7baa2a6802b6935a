#pragma once

#include <memory>
#include <vector>

#include "nn/mlp.hpp"
#include "train/data/rows.hpp"
#include "train/metrics/mode_weights.hpp"
#include "train/objective.hpp"

// Modes of labelled data in any dimension: the classes that a classifier tells apart. Counts of its
// votes on a sample go where those of known modes go (mode_counts, weight_error).
namespace eqp::train {

/// Points (n, d) with the class of each, a number below `classes`.
struct Labelled {
  Rows points;
  std::vector<std::size_t> labels;  // (n)
  std::size_t classes = 0;
};

struct CrossEntropyOptions {
  std::size_t batch = 64;
  double jitter = 0;  // normal noise on every batch, in units of the points
  ad::Key key;
};

/// -log p(class | x) per row, p = softmax(network(x)), in shuffled epochs. Throws
/// std::invalid_argument unless every point has a label below `classes`, each of at least two
/// classes has a point, and the network maps points to a number for each class.
Objective cross_entropy(const nn::Mlp& network, const Labelled& data,
                        const CrossEntropyOptions& options);

struct ClassifierOptions {
  std::vector<std::size_t> hidden = {64};  // none: logistic regression
  std::size_t batch = 64;
  std::uint32_t steps = 2000;
  double learning_rate = 3e-3;  // of Adam; a hundredth at last, along a cosine
  double weight_decay = 0.01;   // see AdamOptions
  double jitter = 0;            // see CrossEntropyOptions
  ad::Key key;
};

/// A fraction of independent points, with its binomial standard error.
struct Fraction {
  double value, standard_error;
};

/// A softmax classifier, fitted to labelled points by cross-entropy. Copies share the network.
class Classifier {
 public:
  /// Throws std::invalid_argument as cross_entropy does.
  explicit Classifier(const Labelled& data, const ClassifierOptions& options = {});

  std::size_t dim() const { return model_->network.n_inputs(); }
  std::size_t classes() const { return model_->network.n_outputs(); }
  /// log p(class | x).  x (n, d) -> (n, classes)
  ad::Tensor log_probabilities(ad::ConstView x) const;
  /// The likeliest class of every row of x (n, d), the lower of two that are as likely.
  std::vector<std::size_t> labels(ad::ConstView x) const;
  /// How many points it gives their labels. Points it was fitted to flatter it.
  Fraction accuracy(const Labelled& data) const;
  /// The classes as modes; of(x) may be called from several threads, one of which works at a time.
  Modes modes() const;

 private:
  struct Model {
    ad::Params params;
    nn::Mlp network;
    ad::Batched log_probabilities;

    Model(std::size_t dim, std::size_t classes, const ClassifierOptions& options);
  };

  std::shared_ptr<const Model> model_;
};

}  // namespace eqp::train
