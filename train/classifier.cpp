#include "train/classifier.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <string>

#include "train/checks.hpp"
#include "train/data/batches.hpp"
#include "train/evaluate_rows.hpp"

namespace eqp::train {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::invalid_argument("classifier: " + what);
}

void check(const Labelled& data) {
  if (data.labels.size() != data.points.rows()) {
    fail(std::to_string(data.labels.size()) + " labels of " + std::to_string(data.points.rows()) +
         " points; need one each");
  }
  if (data.classes < 2) fail(std::to_string(data.classes) + " classes; need at least 2");
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    if (data.labels[i] < data.classes) continue;
    fail("label " + std::to_string(data.labels[i]) + " of point " + std::to_string(i) +
         "; classes count from 0 to " + std::to_string(data.classes - 1));
  }
}

void need_every_class(const Labelled& data) {
  for (std::size_t k = 0; k < data.classes; ++k) {
    if (std::ranges::count(data.labels, k) == 0) {
      fail("no point of class " + std::to_string(k) + "; need one of each to learn from");
    }
  }
}

void need_columns(std::size_t came, std::size_t needed) {
  if (came == needed) return;
  fail("points of " + std::to_string(came) + " columns; need " + std::to_string(needed));
}

/// A point and, after it, a 1 in the column of its class.
Rows with_indicators(const Labelled& data) {
  const std::size_t d = data.points.cols();
  ad::Tensor x({data.points.rows(), d + data.classes});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    std::ranges::copy(data.points.row(i), x.row(i).begin());
    x(i, d + data.labels[i]) = 1;
  }
  return Rows(std::move(x));
}

std::vector<std::size_t> widths(std::size_t dim, std::size_t classes,
                                const std::vector<std::size_t>& hidden) {
  std::vector<std::size_t> w{dim};
  w.insert(w.end(), hidden.begin(), hidden.end());
  w.push_back(classes);
  return w;
}

std::size_t likeliest(std::span<const Real> log_probabilities) {
  return std::size_t(std::ranges::max_element(log_probabilities) - log_probabilities.begin());
}

}  // namespace

Objective cross_entropy(const nn::Mlp& network, const Labelled& data,
                        const CrossEntropyOptions& o) {
  check(data);
  need_every_class(data);
  need_at_least_0("classifier: jitter", o.jitter);
  const std::size_t d = data.points.cols(), classes = data.classes;
  need_columns(d, network.n_inputs());
  if (network.n_outputs() != classes) {
    fail("a network of " + std::to_string(network.n_outputs()) + " outputs; need " +
         std::to_string(classes));
  }
  const Batches batches(with_indicators(data), o.batch, o.key.fork(0));
  return {.name = "cross_entropy",
          .batch = o.batch,
          .row_shapes = {{d + classes}},
          .loss =
              [=](std::span<const ad::Var> in) {
                const ad::Var own = slice(in[0], 1, d, d + classes);
                const ad::Var logits = network(slice(in[0], 1, 0, d));
                return logsumexp(logits, 1) - sum(own * logits, 1);
              },
          .feed =
              [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
                batches(t, in[0]);
                if (o.jitter == 0) return;
                ad::Tensor noise({in[0].rows(), d});
                ad::BlockRng{o.key.fork(1), t}.normal(noise);
                for (std::size_t i = 0; i < noise.rows(); ++i) {
                  for (std::size_t j = 0; j < d; ++j) in[0](i, j) += Real(o.jitter) * noise(i, j);
                }
              }};
}

Classifier::Model::Model(std::size_t dim, std::size_t classes, const ClassifierOptions& o)
    : network(params, "classifier", widths(dim, classes, o.hidden), ad::silu, o.key.fork(0)),
      log_probabilities({{dim}}, [this](std::span<const ad::Var> in) -> ad::Vars {
        const ad::Var logits = network(in[0]);
        return {logits - reshape(logsumexp(logits, 1), {in[0].shape()[0], 1})};
      }) {}

Classifier::Classifier(const Labelled& data, const ClassifierOptions& o) {
  check(data);
  const auto model = std::make_shared<Model>(data.points.cols(), data.classes, o);
  train::fit(
      model->params,
      cross_entropy(model->network, data,
                    {.batch = o.batch, .jitter = o.jitter, .key = o.key.fork(1)}),
      adam({.weight_decay = o.weight_decay}),
      {.steps = o.steps, .learning_rate = cosine(o.learning_rate, o.steps, o.learning_rate / 100)});
  model_ = model;
}

ad::Tensor Classifier::log_probabilities(ad::ConstView x) const {
  need_columns(x.cols(), dim());
  ad::Tensor out({x.rows(), classes()});
  evaluate_rows(model_->log_probabilities, x, out);
  return out;
}

std::vector<std::size_t> Classifier::labels(ad::ConstView x) const {
  const ad::Tensor log_p = log_probabilities(x);
  std::vector<std::size_t> result(x.rows());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = likeliest(log_p.row(i));
  return result;
}

Fraction Classifier::accuracy(const Labelled& data) const {
  check(data);
  if (data.labels.empty()) fail("an accuracy of no points");
  ad::Tensor x({data.points.rows(), data.points.cols()});
  data.points.copy(0, x);
  const std::vector<std::size_t> votes = labels(x);
  double right = 0;
  for (std::size_t i = 0; i < votes.size(); ++i) right += votes[i] == data.labels[i];
  const double n = double(votes.size()), share = right / n;
  return {share, std::sqrt(share * (1 - share) / n)};
}

Modes Classifier::modes() const {
  struct Voter {
    std::shared_ptr<const Model> model;
    ad::Workspace at;
    std::mutex mutex;

    explicit Voter(std::shared_ptr<const Model> m)
        : model(std::move(m)), at(model->log_probabilities.workspace(1)) {}
  };
  const auto voter = std::make_shared<Voter>(model_);
  return {.of =
              [voter, d = dim()](std::span<const Real> x) {
                need_columns(x.size(), d);
                const std::scoped_lock lock(voter->mutex);
                std::ranges::copy(x, voter->at.in(0).data);
                voter->at.run();
                return likeliest(voter->at.out(0).row(0));
              },
          .count = classes()};
}

}  // namespace eqp::train
