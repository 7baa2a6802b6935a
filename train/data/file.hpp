#pragma once

#include <filesystem>
#include <string>

namespace eqp::train {

/// Throws std::invalid_argument: "<path>: <what>".
[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what);

/// The bytes of a file, decompressed if its name ends in `.gz`. Throws std::invalid_argument,
/// naming the file, if it is missing, no file, or no whole gzip file.
std::string read_file(const std::filesystem::path& path);

/// The name without `.gz`, which tells the kind of file.
std::filesystem::path without_gz(const std::filesystem::path& path);

}  // namespace eqp::train
