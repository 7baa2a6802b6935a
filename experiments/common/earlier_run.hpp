#pragma once

#include <filesystem>
#include <string>

#include "experiments/common/cli.hpp"
#include "experiments/common/table.hpp"

// What a run finds in the folder that it is to write to.
namespace eqp {

/// Throws std::invalid_argument if a run cannot be written to `folder`: it exists (with
/// `overwrite`: it exists and is not an earlier run), or lies below a file.
void require_free_folder(const std::filesystem::path& folder, bool overwrite);

/// For --resume: throws std::invalid_argument if the folder holds anything but a run of this
/// experiment with the same options, those aside that no result depends on. Returns whether that
/// run has finished; an empty folder, or none, is a run that has not begun.
bool require_same_run(const Cli& cli);

/// Whether a file of a run folder, named relative to it, has the same bytes in every run with the
/// same options and executable, on any number of threads: metrics.csv, samples*.npy, draws, models
/// and figures do. config.json names the machine; summary.json and report.html tell seconds.
bool reproducible(const std::filesystem::path& file);

/// A file of JSON, such as config.json; null if there is none.
Row read_json(const std::filesystem::path& path);

/// The options as config.json holds them: by name, with their values as resolved.
Row resolved_options(const Cli& cli);

/// Whether results depend on an option: on --threads, for one, none does.
bool affects_results(const std::string& option);

/// Removes what a run writes into its folder; anything else stays.
void remove_run_files(const std::filesystem::path& folder);

/// Removes what a killed run had begun to write. On a full disk it may be what leaves no room for
/// config.json.
void remove_half_written(const std::filesystem::path& folder);

}  // namespace eqp
