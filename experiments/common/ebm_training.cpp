#include "experiments/common/ebm_training.hpp"

#include <algorithm>

#include "experiments/common/checkpoint.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/stopwatch.hpp"

namespace eqp {
namespace {

constexpr std::size_t kPicture = EbmStudy::kPicture, kTrace = 102;  // cells per axis

}  // namespace

EbmStudy prepare(const Problem& problem, std::size_t n_samples, ad::Key key) {
  EbmStudy r{.problem = problem,
             .data = train::Rows(train::draw(problem.truth, problem.points, key.fork(0))),
             .truth = exact_samples(problem, n_samples, key)};
  if (!problem.planar()) return r;
  r.picture = train::normalised(
      train::evaluate_grid(log_density(problem.truth), problem.frame, kPicture, kPicture));
  return r;
}

TrainedEbm train_and_judge(const EbmStudy& r, const std::string& method, std::size_t group,
                           ad::Key key, RunFolder& folder, Progress& progress) {
  const Problem& p = r.problem;
  const MethodSettings settings = p.tuned(method);
  Ebm ebm(p.tuned_model(method), key.fork(0));
  const train::Objective objective = make_objective(method, ebm, r.data, settings, key.fork(1));
  const mcmc::Energy energy = model_energy(method, ebm, settings.tilted);
  const train::LogDensity model = log_density(energy, p.truth.dim);
  // In many dimensions the chains have to say how much is where.
  const auto watched_weight = [&] {
    const train::Modes& modes = p.truth.modes;
    if (!p.planar()) return share_of_mode(objective.chains->starts(), modes, p.watched);
    return train::masses_on_grid(train::evaluate_grid(model, p.box, kTrace, kTrace),
                                 modes)[p.watched];
  };
  const auto epoch = std::uint32_t(std::max<std::size_t>(1, r.data.rows() / settings.batch));

  TrainedEbm out{.curve = {.name = method}};
  const std::string task = p.truth.name + "/" + method;
  Stopwatch watch;
  Checkpoint checkpoint(folder, task, group, [&](ad::Archive& a) {
    a("watch", watch);
    a("curve.x", out.curve.x);
    a("curve.y", out.curve.y);
    a("events", out.events);
  });
  auto training = progress.start(task, settings.steps);
  fit(
      ebm, objective, settings,
      [&](std::uint32_t step, const train::StepLog& log) {
        training.update({step, log.loss, log.acceptance});
        out.events.add(log);
        if (step == 1) {
          folder.block(task + " update", log.block);
          folder.block(task + " chains", log.chain_block);
        }
        if (step % epoch == 0 || step == settings.steps) {
          const double weight = watched_weight();
          while (!out.curve.x.empty() && out.curve.x.back() * epoch >= step) {  // gone back
            out.curve.x.pop_back();
            out.curve.y.pop_back();
          }
          out.curve.x.push_back(double(step) / epoch);
          out.curve.y.push_back(weight);
          folder.log(group, {{"dataset", p.truth.name},
                             {"method", method},
                             {"step", step},
                             {"loss", log.loss},
                             {"acceptance", log.acceptance},
                             {"global_moves", log.global_moves},
                             {"weight_ess", log.weight_ess},
                             {"flow_loss", log.flow_loss},
                             {"pace", log.pace * log.energy_pace},
                             {"chain_ess", log.chain_ess},
                             {"log_z", log.log_z},
                             {"weight", weight}});
        }
        return true;
      },
      &checkpoint);
  const double seconds = watch.seconds();
  if (interrupted()) return out;

  out.late = late_weight(out.curve.y);
  out.row = {{"dataset", p.truth.name}, {"method", method}};
  if (p.planar()) {
    PlaneMetrics m = plane_metrics(p, r.truth, model, r.data.rows(), key.fork(2));
    out.row["mode_weight"] = m.masses[p.watched];
    out.row["late_mean"] = out.late.mean;
    out.row.update(m.row);
    if (p.source == Protocol::published && objective.chains) {
      ad::Tensor data({r.data.rows(), r.data.cols()});
      r.data.copy(0, data);
      out.row.update(weight_metrics(*objective.chains, p, data, m.masses, key.fork(3)));
    }
    out.samples = std::move(m.samples);
    out.picture = train::normalised(train::evaluate_grid(model, p.frame, kPicture, kPicture));
  } else {
    std::optional<AnnealedModel> annealed;
    if (settings.tilted || method == "nt_ebm") annealed = {energy, annealing_base(method, ebm)};
    ChainMetrics m = chain_metrics(*objective.chains, p, r.truth, annealed, key.fork(3));
    out.row.update(m.row);
    out.samples = std::move(m.samples);
  }
  if (interrupted()) return out;
  out.row["updates"] = settings.steps;
  out.row["seconds"] = seconds;
  out.done = true;
  return out;
}

}  // namespace eqp
