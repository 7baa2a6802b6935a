#include "train/data/file.hpp"

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <fstream>
#include <stdexcept>

namespace eqp::train {

namespace io = boost::iostreams;
namespace fs = std::filesystem;

void refuse(const fs::path& path, const std::string& what) {
  throw std::invalid_argument(path.string() + ": " + what);
}

std::string read_file(const fs::path& path) {
  if (!fs::exists(path)) refuse(path, "no such file");
  if (!fs::is_regular_file(path)) refuse(path, "not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, "cannot be read");
  std::string bytes;
  try {
    io::filtering_istream in;
    if (path.extension() == ".gz") in.push(io::gzip_decompressor());
    in.push(file);
    io::copy(in, io::back_inserter(bytes));
  } catch (const io::gzip_error&) {
    refuse(path, "not a whole gzip file");
  }
  return bytes;
}

fs::path without_gz(const fs::path& path) {
  return path.extension() == ".gz" ? path.stem() : path.filename();
}

}  // namespace eqp::train
