#include "train/fit_flow.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "train/data/batches.hpp"
#include "train/data/split.hpp"
#include "train/flow_ml.hpp"
#include "train/validation.hpp"

namespace eqp::train {
namespace {

void check(const flows::Flow& flow, const ad::Tensor& x, const ad::Tensor& context,
           const FitToDataOptions& options) {
  const std::size_t c = flow.context_dim();
  const bool fits = x.shape().rank() == 2 && x.shape()[1] == flow.dim() &&
                    (c == 0 ? context.size() == 0 : context.shape() == ad::Shape{x.rows(), c});
  if (!fits) {
    throw std::invalid_argument(
        "fit_to_data: data " + str(x.shape()) +
        (context.size() > 0 ? ", context " + str(context.shape()) : "") + "; need (n, " +
        std::to_string(flow.dim()) + ")" +
        (c > 0 ? " and (n, " + std::to_string(c) + ")" : " and no context"));
  }
  if (options.max_epochs == 0 || options.patience == 0) {
    throw std::invalid_argument("fit_to_data: " + std::to_string(options.max_epochs) +
                                " epochs with patience " + std::to_string(options.patience) +
                                "; need at least 1 of each");
  }
}

// Rows of x with the context after them.
ad::Tensor joined(const ad::Tensor& x, const ad::Tensor& context, std::size_t c) {
  if (c == 0) return x;
  ad::Tensor rows({x.rows(), x.cols() + c});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const auto rest = std::ranges::copy(x.row(i), rows.row(i).begin()).out;
    std::ranges::copy(context.row(i), rest);
  }
  return rows;
}

// Columns [begin, end) of some rows.
ad::Tensor columns(const Rows& rows, std::size_t begin, std::size_t end) {
  ad::Tensor part({rows.rows(), end - begin});
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    std::ranges::copy(rows.row(i).subspan(begin, end - begin), part.row(i).begin());
  }
  return part;
}

}  // namespace

void FitToData::archive(ad::Archive& a) {
  std::vector<double> losses;
  for (const Epoch& e : epochs) losses.insert(losses.end(), {e.train_loss, e.validation_loss});
  a("epochs", losses);
  a("best", best);
  if (!a.reading()) return;
  epochs.clear();
  for (std::size_t i = 0; i + 1 < losses.size(); i += 2) {
    epochs.push_back({losses[i], losses[i + 1]});
  }
}

FitToData fit_to_data(const flows::Flow& flow, ad::Params& params, const ad::Tensor& x,
                      const ad::Tensor& context, const FitToDataOptions& options) {
  check(flow, x, context, options);
  const std::size_t d = flow.dim(), c = flow.context_dim();
  const Split parts =
      split(Rows(joined(x, context, c)),
            {.validation = {.fraction = options.validation}, .key = options.key.fork(0)});
  flow.start_from(params, columns(parts.train, 0, d), columns(parts.train, d, d + c));

  const Batches batches(parts.train, options.batch, options.key.fork(1));
  constexpr std::size_t kRows = 4096;  // that are looked at together
  const DataSource in_order = [rows = parts.validation](std::uint32_t t, ad::View out) {
    rows.copy(t * kRows, out);
  };
  Objective validated = flow_ml(flow, in_order, kRows);
  validated.name = "fit_to_data";
  Validation validation(std::move(validated), parts.validation.rows());
  Update update("fit_to_data", params, {{d + c}}, flow_loss(flow), adam(options.adam),
                {.clip_norm = options.clip_norm});
  ad::Tensor batch({options.batch, d + c});
  const std::vector<ad::ConstView> in{batch.view()};

  FitToData result;
  std::vector<Real> kept(params.values().begin(), params.values().end());
  std::uint32_t t = 0;
  double sum = 0;  // of the losses of an epoch's batches
  bool ended = false;
  const ad::State state = [&](ad::Archive& a) {
    a("step", t);
    a("sum", sum);
    a("ended", ended);
    a("update", update);
    a("result", result);
    a("kept", std::span(kept));
  };
  if (options.keeper) options.keeper->restore(state);
  while (!ended) {
    const std::size_t e = result.epochs.size();
    std::optional<Epoch> epoch;  // once it ends
    try {
      batches(t, batch);
      sum += update.step(in, options.learning_rate(t)).loss;
      if (++t % batches.per_epoch() == 0) {
        epoch = Epoch{sum / double(batches.per_epoch()), validation.loss()};
      }
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("epoch " + std::to_string(e) + ": " + error.what());
    }
    if (epoch) {
      sum = 0;
      result.epochs.push_back(*epoch);
      if (e == 0 || epoch->validation_loss < result.epochs[result.best].validation_loss) {
        result.best = e;
        std::ranges::copy(params.values(), kept.begin());
      }
      const bool goes_on = !options.on_epoch || options.on_epoch(*epoch);
      ended = !goes_on || e - result.best >= options.patience || e + 1 == options.max_epochs;
    }
    if (!options.keeper) continue;
    if (ended) options.keeper->keep(state);
    if (!ended && !options.keeper->offer(state)) break;
  }
  std::ranges::copy(kept, params.mutate().begin());
  return result;
}

FitToData fit_to_data(const flows::Flow& flow, ad::Params& params, const ad::Tensor& x,
                      const FitToDataOptions& options) {
  return fit_to_data(flow, params, x, ad::Tensor(), options);
}

}  // namespace eqp::train
