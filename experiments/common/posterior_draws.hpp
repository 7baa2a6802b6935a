#pragma once

#include <memory>

#include "experiments/common/run_folder.hpp"
#include "mcmc/draw_sink.hpp"
#include "mcmc/targets/posteriors/posterior.hpp"

// Draws of a posterior in the folder of a run, for other programs.
namespace eqp {

/// What --draws may be.
const std::vector<std::string>& draws_formats();

/// A sink for draws of the parameters, with transition_stats(). It writes those of the quantities:
/// for "npy" shards in draws/NAME/, for "netcdf" draws/NAME.nc, which ArviZ reads, its variables
/// named after the quantities and its attribute holding experiment, options and build; null for
/// "none". A run that is resumed goes on with the files.
std::unique_ptr<mcmc::DrawSink> posterior_draws(const RunFolder& folder, const std::string& format,
                                                const mcmc::Posterior& posterior,
                                                std::size_t chains);

}  // namespace eqp
