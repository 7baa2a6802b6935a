#pragma once

#include <filesystem>
#include <string>

#include "autodiff/archive.hpp"

// Files of states:
//   8 bytes   "eqpstate"
//   u32       format version
//   u64       size of what follows the checksum
//   u64       CRC-64 (ECMA-182) of what follows
//   u32, text whose state it is; then the archive
namespace eqp::ad {

/// Writes the state so that a file of that name is complete at all times: to a temporary name,
/// forced to the disk, then renamed. The file that was there before is kept as `path`.previous.
/// Throws std::runtime_error if it cannot; what was there before is then still there.
void save_state(const std::filesystem::path& path, const std::string& owner, const State& state);

/// Changes the state to the stored one. Throws std::invalid_argument, one line that names the file,
/// for a file that is missing, cut short, damaged, of another format version, of another owner or
/// of another state; the state has not changed then.
void load_state(const std::filesystem::path& path, const std::string& owner, const State& state);

/// Forces a file, or the names in a folder, to the disk, so that it outlives the machine. For what
/// a state relies on. Throws std::runtime_error if it cannot.
void force_to_disk(const std::filesystem::path& path);

}  // namespace eqp::ad
