#include "autodiff/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

namespace eqp::ad {
namespace {

static_assert(std::endian::native == std::endian::little, "the arrays are written as they lie");

using Json = nlohmann::ordered_json;

constexpr const char* kMetadata = "__metadata__";
// No header of ours comes near it; a larger length is that of another kind of file.
constexpr std::uint64_t kLargestHeader = 100'000'000;

const char* dtype_of_real() { return sizeof(Real) == 4 ? "F32" : "F64"; }

// In quotes and on one line, whatever a file calls its tensors and a model its parameters.
std::string quoted(const std::string& name) {
  return Json(name).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void require_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
  } catch (const Json::type_error&) {
    throw std::invalid_argument("safetensors: " + quoted(text) + " is not UTF-8");
  }
}

std::string header(const Params& params, const Metadata& metadata) {
  Json json = Json::object();
  for (const auto& [key, value] : metadata) require_utf8(key), require_utf8(value);
  if (!metadata.empty()) json[kMetadata] = metadata;
  for (const Params::Entry& e : params.entries()) {
    require_utf8(e.name);
    const std::size_t begin = e.offset * sizeof(Real), bytes = e.shape.size() * sizeof(Real);
    json[e.name] = {{"dtype", dtype_of_real()},
                    {"shape", std::vector(e.shape.dims().begin(), e.shape.dims().end())},
                    {"data_offsets", {begin, begin + bytes}}};
  }
  std::string text = json.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

// One tensor of a file, checked against nothing yet but the file itself.
struct Stored {
  std::string dtype;
  std::vector<std::size_t> shape;
  std::size_t begin = 0, end = 0;
};

class File {
 public:
  explicit File(const std::filesystem::path& path) : name_(path.string()) {
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path)) fail("cannot be opened");
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    parse();
    check_data();
  }

  const std::map<std::string, Stored>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }

  /// The values of one parameter, which the file calls `name`.
  void read(const Params::Entry& e, const std::string& name, std::span<Real> values) const {
    const std::string who =
        quoted(name) + (name == e.name ? "" : ", the parameter " + quoted(e.name) + ",");
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) {
      fail("there is no tensor " + quoted(name) +
           (name == e.name ? "" : " for the parameter " + quoted(e.name)));
    }
    const Stored& t = it->second;
    if (t.shape.size() > Shape::kMaxRank || Shape(std::span(t.shape)) != e.shape) {
      fail(who + " has shape " + Json(t.shape).dump() + ", expected " + str(e.shape));
    }
    const char* data = bytes_.data() + data_begin_ + t.begin;
    if (t.dtype == dtype_of_real()) {
      std::memcpy(values.data(), data, values.size_bytes());
    } else if (t.dtype == "F32") {
      for (std::size_t i = 0; i < values.size(); ++i) {
        float v;
        std::memcpy(&v, data + i * sizeof v, sizeof v);
        values[i] = Real(v);
      }
    } else {
      fail(who + " has dtype " + quoted(t.dtype) + ", expected " + dtype_of_real());
    }
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw std::invalid_argument(name_ + ": " + why);
  }

 private:
  void parse() {
    std::uint64_t length = 0;
    if (bytes_.size() < sizeof length) fail("is no safetensors file: shorter than 8 bytes");
    std::memcpy(&length, bytes_.data(), sizeof length);
    const std::size_t rest = bytes_.size() - sizeof length;
    if (length > kLargestHeader) {
      fail("is no safetensors file: a header of " + std::to_string(length) + " bytes");
    }
    if (length > rest) {
      fail("is truncated: a header of " + std::to_string(length) + " bytes in a file of " +
           std::to_string(bytes_.size()));
    }
    data_begin_ = sizeof length + std::size_t(length);
    const char* begin = bytes_.data() + sizeof length;
    const Json json = Json::parse(begin, begin + length, nullptr, false);
    if (!json.is_object()) fail("is no safetensors file: its header is not a JSON object");
    for (const auto& [name, entry] : json.items()) {
      if (!entry.is_object()) malformed(name, "it is no object");
      if (name != kMetadata) {
        add(name, entry);
        continue;
      }
      for (const auto& [key, value] : entry.items()) metadata_[key] = text(name, entry, key);
    }
  }

  [[noreturn]] void malformed(const std::string& name, const std::string& why) const {
    fail("the header's entry " + quoted(name) + " is malformed: " + why);
  }

  std::string text(const std::string& name, const Json& entry, const std::string& key) const {
    const Json value = entry.value(key, Json());
    if (!value.is_string()) malformed(name, quoted(key) + " is missing or no string");
    return value.get<std::string>();
  }

  // Numbers are asked for as what they must be: the library would convert -1 or 1.5 without a word.
  std::vector<std::size_t> counts(const std::string& name, const Json& entry,
                                  const std::string& key) const {
    const Json list = entry.value(key, Json());
    const auto is_count = [](const Json& value) { return value.is_number_unsigned(); };
    if (!list.is_array() || !std::ranges::all_of(list, is_count)) {
      malformed(name, quoted(key) + " is missing or no list of whole numbers from 0");
    }
    return list.get<std::vector<std::size_t>>();
  }

  void add(const std::string& name, const Json& entry) {
    const std::vector<std::size_t> offsets = counts(name, entry, "data_offsets");
    if (offsets.size() != 2) malformed(name, "\"data_offsets\" is no pair");
    tensors_[name] = {text(name, entry, "dtype"), counts(name, entry, "shape"), offsets[0],
                      offsets[1]};
  }

  // The tensors must tile the data: overlaps, gaps and leftovers are all signs of a broken file.
  void check_data() const {
    std::vector<std::pair<Stored, std::string>> sorted;
    for (const auto& [name, t] : tensors_) {
      check_size(name, t);
      sorted.emplace_back(t, name);
    }
    std::ranges::sort(sorted, {},
                      [](const auto& p) { return std::pair(p.first.begin, p.first.end); });
    std::size_t at = 0;
    for (const auto& [t, name] : sorted) {
      if (t.begin != at) {
        fail(quoted(name) + " begins at byte " + std::to_string(t.begin) +
             " of the data, expected " + std::to_string(at));
      }
      at = t.end;
    }
    const std::size_t held = bytes_.size() - data_begin_;
    if (held < at) {
      fail("is truncated: " + std::to_string(held) + " of " + std::to_string(at) +
           " bytes of data");
    }
    if (held > at) fail("has " + std::to_string(held - at) + " bytes after the last tensor");
  }

  void check_size(const std::string& name, const Stored& t) const {
    if (t.dtype != "F32" && t.dtype != "F64") {
      fail(quoted(name) + " has dtype " + quoted(t.dtype) + ", expected F32 or F64");
    }
    const std::size_t item = t.dtype == "F32" ? 4 : 8;
    std::size_t bytes = item;
    for (std::size_t n : t.shape) {
      if (n != 0 && bytes > std::numeric_limits<std::size_t>::max() / n) {
        fail(quoted(name) + " has shape " + Json(t.shape).dump() + ", which overflows");
      }
      bytes *= n;
    }
    if (t.end < t.begin || t.end - t.begin != bytes) {
      fail(quoted(name) + " of shape " + Json(t.shape).dump() + " has data_offsets [" +
           std::to_string(t.begin) + ", " + std::to_string(t.end) + "], expected " +
           std::to_string(bytes) + " bytes");
    }
  }

  std::string name_;
  std::vector<char> bytes_;
  std::size_t data_begin_ = 0;
  std::map<std::string, Stored> tensors_;
  Metadata metadata_;
};

}  // namespace

void save_safetensors(const std::filesystem::path& path, const Params& params,
                      const Metadata& metadata) {
  const std::string text = header(params, metadata);
  const std::uint64_t length = text.size();
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  if (!out) throw std::invalid_argument(path.string() + ": cannot be written");
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out.write(text.data(), std::streamsize(text.size()));
  const std::span<const Real> values = params.values();
  out.write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size_bytes()));
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(temporary, path, error);
  if (!out || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw std::runtime_error(path.string() + ": writing failed");
  }
}

Metadata load_safetensors(const std::filesystem::path& path, Params& params, const Rename& rename) {
  const File file(path);
  std::vector<Real> values(params.size());
  std::map<std::string, std::string> readers;  // by the names of the file
  for (const Params::Entry& e : params.entries()) {
    const std::string name = rename ? rename(e.name) : e.name;
    const auto [reader, first] = readers.emplace(name, e.name);
    if (!first) {
      const std::string& other = reader->second;
      file.fail(quoted(name) + " is asked for by two parameters, " + quoted(other) + " and " +
                quoted(e.name));
    }
    file.read(e, name, std::span(values).subspan(e.offset, e.shape.size()));
  }
  for (const auto& [name, stored] : file.tensors()) {
    if (!readers.contains(name)) {
      file.fail("the tensor " + quoted(name) + " has no counterpart in the model");
    }
  }
  std::ranges::copy(values, params.mutate().begin());
  return file.metadata();
}

}  // namespace eqp::ad
