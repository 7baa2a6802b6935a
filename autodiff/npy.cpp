#include "autodiff/npy.hpp"

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace eqp::ad {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw std::invalid_argument(path.string() + ": " + what);
}

std::string contents(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) fail(path, "no such file");
  if (!std::filesystem::is_regular_file(path)) fail(path, "not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What a file's header says of the data after it.
struct Layout {
  std::string dtype;
  bool fortran_order;
  std::vector<std::size_t> shape;
  std::size_t begin;  // of the data
};

/// What follows "'key':" in the header, a Python dictionary literal.
std::string_view value_of(std::string_view header, const std::string& key,
                          const std::filesystem::path& path) {
  const std::size_t at = header.find("'" + key + "'");
  if (at == std::string_view::npos) fail(path, "the npy header has no '" + key + "'");
  header.remove_prefix(at + key.size() + 2);
  return header.substr(std::min(header.find_first_not_of(": "), header.size()));
}

std::vector<std::size_t> parse_shape(std::string_view text, const std::filesystem::path& path) {
  std::vector<std::size_t> shape;
  const std::size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos)
    fail(path, "the npy shape is broken");
  text = text.substr(1, end - 1);
  while (text.find_first_not_of(", ") != std::string_view::npos) {
    text.remove_prefix(text.find_first_not_of(", "));
    std::size_t extent = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc()) fail(path, "the npy shape is broken");
    text.remove_prefix(std::size_t(rest - text.data()));
    shape.push_back(extent);
  }
  return shape;
}

Layout parse_layout(const std::string& bytes, const std::filesystem::path& path) {
  if (!bytes.starts_with(kMagic) || bytes.size() < 12) fail(path, "not a npy file");
  const auto byte = [&](std::size_t i) { return std::size_t(std::uint8_t(bytes[i])); };
  const std::size_t version = byte(6), begin = version == 1 ? 10 : 12;
  if (version < 1 || version > 3) fail(path, "npy version " + std::to_string(version));
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - begin) fail(path, "cut short in the header");
  const std::string_view header = std::string_view(bytes).substr(begin, length);
  const std::string_view descr = value_of(header, "descr", path);
  if (!descr.starts_with('\'')) fail(path, "a npy file of records; need plain numbers");
  return {std::string(descr.substr(1, descr.find('\'', 1) - 1)),
          value_of(header, "fortran_order", path).starts_with("True"),
          parse_shape(value_of(header, "shape", path), path), begin + length};
}

template <class T>
void convert(const char* from, std::span<Real> to) {
  for (Real& v : to) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    v = static_cast<Real>(value);
    from += sizeof(T);
  }
}

struct Dtype {
  std::string_view name;
  std::size_t size;
  void (*convert)(const char* from, std::span<Real> to);
};
constexpr Dtype kDtypes[] = {{"<f4", 4, convert<float>},
                             {"<f8", 8, convert<double>},
                             {"<i4", 4, convert<std::int32_t>},
                             {"<i8", 8, convert<std::int64_t>},
                             {"|u1", 1, convert<std::uint8_t>}};

const Dtype& find_dtype(const std::string& name, const std::filesystem::path& path) {
  for (const Dtype& d : kDtypes) {
    if (d.name == name) return d;
  }
  fail(path, "dtype '" + name + "'; need '<f4', '<f8', '<i4', '<i8' or '|u1'");
}

Tensor transposed(const Tensor& x) {
  Tensor y({x.cols(), x.rows()});
  for (std::size_t i = 0; i < y.rows(); ++i) {
    for (std::size_t j = 0; j < y.cols(); ++j) y(i, j) = x(j, i);
  }
  return y;
}

}  // namespace

std::string npy_bytes(ConstView x) {
  std::string shape;
  for (const std::size_t extent : x.shape.dims()) shape += std::to_string(extent) + ", ";
  // One trailing comma is what makes a tuple of one; more axes do without.
  if (x.shape.rank() > 0) shape.resize(shape.size() - (x.shape.rank() == 1 ? 1 : 2));
  std::string header = "{'descr': '<f" + std::to_string(sizeof(Real)) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', char(header.size() & 0xff), char(header.size() >> 8)};
  bytes += header;
  return bytes.append(reinterpret_cast<const char*>(x.data), x.size() * sizeof(Real));
}

void write_npy(const std::filesystem::path& path, ConstView x) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  const std::string bytes = npy_bytes(x);
  std::ofstream file(temporary, std::ios::binary);
  file.write(bytes.data(), std::streamsize(bytes.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (file && !error) return;
  std::filesystem::remove(temporary, error);
  throw std::runtime_error(path.string() + ": cannot be written");
}

Tensor read_npy(const std::filesystem::path& path) {
  const std::string bytes = contents(path);
  const Layout layout = parse_layout(bytes, path);
  const Dtype& dtype = find_dtype(layout.dtype, path);
  const std::size_t rank = layout.shape.size();
  if (rank > Shape::kMaxRank) fail(path, "an array of " + std::to_string(rank) + " axes");
  if (layout.fortran_order && rank > 2) fail(path, "an array in Fortran order of over 2 axes");
  // The product of the extents is compared by division: it may overflow.
  std::size_t left = (bytes.size() - layout.begin) / dtype.size;
  bool fits = (bytes.size() - layout.begin) % dtype.size == 0, empty = false;
  for (const std::size_t extent : layout.shape) {
    empty |= extent == 0;
    fits &= extent == 0 || left % extent == 0;
    if (extent) left /= extent;
  }
  Shape shape(layout.shape);
  if (empty ? bytes.size() != layout.begin : !fits || left != 1) {
    fail(path, std::to_string(bytes.size() - layout.begin) +
                   " bytes of data do not make an array " + str(shape) + " of '" + layout.dtype +
                   "'");
  }
  const bool transpose = layout.fortran_order && rank == 2;
  if (transpose) std::swap(shape[0], shape[1]);
  Tensor x(shape);
  dtype.convert(bytes.data() + layout.begin, x.flat());
  return transpose ? transposed(x) : x;
}

}  // namespace eqp::ad
