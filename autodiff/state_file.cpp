#include "autodiff/state_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "autodiff/ranks.hpp"

namespace eqp::ad {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "eqpstate";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHead = 8 + 4 + 8 + 8;

std::uint64_t checksum(std::string_view bytes) {
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693u, ~std::uint64_t(0), ~std::uint64_t(0), true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T number(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Closes the descriptor, whatever happens.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : path_(path), fd_(open(path.c_str(), flags, 0666)) {
    if (fd_ < 0) fail();
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail();
      bytes.remove_prefix(std::size_t(n));
    }
  }
  void sync() {
    if (fsync(fd_) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw std::runtime_error(path_.string() + ": cannot be written: " + std::strerror(errno));
  }

  fs::path path_;
  int fd_;
};

fs::path with(const fs::path& path, const char* ending) {
  fs::path longer = path;
  return longer += ending;
}

}  // namespace

void save_state(const fs::path& path, const std::string& owner, const State& state) {
  Archive archive;
  state(archive);
  std::string payload;
  append(payload, std::uint32_t(owner.size()));
  payload += owner + archive.bytes();
  std::string head(kMagic);
  append(head, kVersion);
  append(head, std::uint64_t(payload.size()));
  append(head, checksum(payload));

  const fs::path partial = with(path, ".partial");
  try {
    Descriptor file(partial, O_WRONLY | O_CREAT | O_TRUNC);
    file.write_all(head);
    file.write_all(payload);
    file.sync();
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
  // A second name for the old file first, so that `path` is there at every moment.
  const fs::path previous = with(path, ".previous"), spare = with(path, ".spare");
  std::error_code error;
  fs::remove(spare, error);
  fs::create_hard_link(path, spare, error);
  if (!error) fs::rename(spare, previous);
  fs::rename(partial, path);
  force_to_disk(path.parent_path().empty() ? "." : path.parent_path());
}

void force_to_disk(const fs::path& path) { Descriptor(path, O_RDONLY).sync(); }

void load_state(const fs::path& path, const std::string& owner, const State& state) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument(path.string() + ": " + what);
  };
  const std::string bytes = from_first_rank([&] {
    std::ifstream in(path, std::ios::binary);
    if (!in || fs::is_directory(path)) fail("cannot be opened");
    return std::string{std::istreambuf_iterator<char>(in), {}};
  });
  if (!std::string_view(bytes).starts_with(kMagic)) fail("is not a checkpoint");
  if (bytes.size() < kHead + 4) fail("is cut short");
  const auto version = number<std::uint32_t>(bytes, 8);
  if (version != kVersion) {
    fail("has format version " + std::to_string(version) + "; need " + std::to_string(kVersion));
  }
  const std::string_view payload = std::string_view(bytes).substr(kHead);
  const auto size = number<std::uint64_t>(bytes, 12);
  if (payload.size() != size) {
    fail("has " + std::to_string(payload.size()) + " bytes of " + std::to_string(size));
  }
  if (checksum(payload) != number<std::uint64_t>(bytes, 20)) fail("is damaged: wrong checksum");

  const auto length = number<std::uint32_t>(payload, 0);
  const std::string_view stored = payload.substr(4, length);
  if (stored != owner) fail("belongs to " + std::string(stored) + "; need " + owner);
  try {
    for (const auto pass : {Archive::Pass::look, Archive::Pass::read}) {
      Archive archive(payload.substr(4 + length), pass);
      state(archive);
      archive.finish();
    }
  } catch (const std::invalid_argument& e) {
    fail(e.what());
  }
}

}  // namespace eqp::ad
